"""The names in the directory of leases: what `jug.backends.leases` acts on, on a disk.

The directory holds three sorts of names, all of them links to workers' files,

    5f0c…            16 hex digits: a worker's own file, named by the worker's id
    8e1a…            40 hex digits: the lock of a task, a link to its holder's file
    8e1a…~5f0c…      a gate: before the lock of the worker named, a link to its maker's

and, for the moment in which a worker's own file is written, a temporary one.

A lock and its holder's file are one, so one look at the lock shows who holds it
and whether the holder lives (`worker_file`, `heartbeat_monitor`).

What is read of others must be fresh, also through the caches of a network file
system.  So names are taken from new listings (`folders`), and a path that is in none is not
looked up: the system would remember that it is not there.  What is listed is
opened anew for each look.  The worker's own file is opened anew too when its names
are counted, except on a local disk, where it stays open.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from functools import cached_property
from typing import Final

from jug.backends._file import worker_file
from jug.backends._file.disk import TEMPORARY, fault, is_local, is_missing, is_unsupported
from jug.backends._file.folders import make_folder, names_in
from jug.backends._file.heartbeat_monitor import HeartbeatMonitor
from jug.backends._file.worker_file import WORKER, Sight
from jug.backends.process import Process
from jug.errors import StoreError

__all__ = ["LeaseLinks"]

_LOCK: Final = re.compile("[0-9a-f]{40}")


class LeaseLinks:
    """The names in one directory of leases, as one worker makes and reads them.

    Reading needs no file of the worker's own; `begin` makes it.
    """

    def __init__(self, folder: str, lease_seconds: float) -> None:
        self.folder = folder
        self.monitor = HeartbeatMonitor(lease_seconds)
        self.own_path = ""
        """The worker's own file, empty as long as there is none."""
        self.is_certain = False
        """Whether no answer is ever lost, as none is on a local disk."""
        self._prefix = os.path.join(folder, "")
        self._processes: dict[str, Process | None] = {}
        self._file: int | None = None

    @cached_property
    def is_local(self) -> bool:
        """Whether the folder is on a disk of this host."""
        return is_local(self.folder)

    # The worker's own file

    def begin(self, worker: str, process: Process) -> None:
        """Make the worker's own file, and see that links to it can be made and counted."""
        self.own_path = self._prefix + worker
        try:
            self._make_own_file(worker, process)
            self._probe(worker)
        except OSError:
            with suppress(OSError):  # the first error is the one to report
                os.unlink(self.own_path)
            self.end()
            raise

    def _make_own_file(self, worker: str, process: Process) -> None:
        make_folder(self.folder)  # without its parents: a jugdir that was removed stays so
        file = worker_file.make(self.own_path, worker, process)
        if self.is_local:
            self._file, self.is_certain = file, True
        else:
            os.close(file)

    def _probe(self, worker: str) -> None:
        probe = f"{worker}~{worker}"
        try:
            self.link(probe)
        except OSError as error:  # where there are no hard links, Linux says EPERM, macOS ENOTSUP
            if not (isinstance(error, PermissionError) or is_unsupported(error)):
                raise
        links = self.link_count()
        self.unlink(probe)
        if (links, self.link_count()) != (2, 1):
            raise StoreError(
                f"the file system of {self.folder!r} does not make or count "
                "hard links: choose a --jugdir on another one",
                path=self.folder,
            )

    def end(self) -> None:
        """Let go of the worker's own file, without touching it."""
        if self._file is not None:
            os.close(self._file)
        self.own_path, self._file, self.is_certain = "", None, False

    def own_file(self) -> int:
        """Return the worker's own file, which stays open on a local disk alone."""
        assert self._file is not None
        return self._file

    # What `jug.backends.leases.Folder` asks for

    def link(self, name: str) -> bool:
        try:
            os.link(self.own_path, self._prefix + name)
        except FileExistsError:
            return False
        return True

    def link_count(self) -> int:
        if self._file is None:
            return worker_file.link_count(self.own_path)
        return os.fstat(self._file).st_nlink

    def unlink(self, name: str) -> None:
        try:
            os.unlink(self._prefix + name)
        except OSError as error:
            if not is_missing(error):
                raise

    def rename(self, name: str, onto: str) -> None:
        try:
            os.replace(self._prefix + name, self._prefix + onto)
        except OSError as error:
            if not is_missing(error):
                raise

    def maker(self, name: str) -> str | None:
        """Return which worker made the name, None if there is no such name."""
        sight = self.look(name) if name in self._names() else None
        return None if sight is None else sight.worker

    def is_dead(self, worker: str) -> bool:
        """Return whether the worker's process is gone, or its heartbeat was seen to stop."""
        process = self._processes.get(worker)
        gone = None if process is None else process.is_gone()
        return self.monitor.is_dead(worker) if gone is None else gone

    def is_gone(self, worker: str) -> bool:
        """Return whether the worker's process is gone, or it was silent for very long."""
        process = self._processes.get(worker)
        gone = None if process is None else process.is_gone()
        return self.monitor.is_gone(worker) if gone is None else gone

    def remove_begun(self) -> None:
        """Remove own files that were never finished, so that their workers never acted."""
        for name in self._listed():
            process = worker_file.began(name)
            if process is not None and self._is_left(name, process):
                self.unlink(name)

    def _is_left(self, name: str, process: Process) -> bool:
        gone = process.is_gone()
        if gone is not None:
            return gone
        with suppress(FileNotFoundError):
            self.monitor.saw(name, os.stat(self._prefix + name).st_mtime_ns)
        return self.monitor.is_gone(name)

    # Reading

    def locks(self) -> set[bytes]:
        """Return which tasks are locked, from a new listing."""
        return self.workers_and_locks()[1]

    def workers(self) -> list[str]:
        """Return the ids of all workers that have a file here."""
        return self.workers_and_locks()[0]

    def workers_and_locks(self) -> tuple[list[str], set[bytes]]:
        """Return the ids of all workers and which tasks are locked, from one new listing."""
        names = self._names()
        locks = {bytes.fromhex(name) for name in names if _LOCK.fullmatch(name)}
        return [name for name in names if WORKER.fullmatch(name)], locks

    def makers(self) -> dict[str, str]:
        """Return which worker made each name that is there."""
        sights = ((name, self.look(name)) for name in self._names())
        return {name: sight.worker for name, sight in sights if sight is not None}

    def look(self, name: str) -> Sight | None:
        """Look at a listed name; return None if it is not there any more."""
        try:
            sight = worker_file.look(self._prefix + name)
        except OSError as error:
            self.monitor.read_failed()
            raise fault(error, self.folder, "look at a lease in") from error
        if sight is not None:
            self.monitor.saw(sight.worker, sight.mtime)
            self._processes[sight.worker] = sight.process
        return sight

    def _names(self) -> list[str]:
        return [name for name in self._listed() if not name.endswith(TEMPORARY)]

    def _listed(self) -> list[str]:
        try:
            return names_in(self.folder, is_local=self.is_local)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise fault(error, self.folder, "list the leases in") from error
