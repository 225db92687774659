"""Leases as files in one directory: the protocol of `jug.backends.leases` on a disk.

The directory holds three sorts of names, all of them links to workers' files:

    5f0c…            16 hex digits: a worker's own file, named by the worker's id
    8e1a…            40 hex digits: the lock of a task, a link to its holder's file
    8e1a…~5f0c…      a gate: before the lock of the worker named, a link to its maker's

A lock and its holder's file are one, so one look at the lock tells who holds it
and whether the holder lives (`_worker_file`, `_heartbeat`).

What is read of others must be fresh, also through the caches of a network file
system.  So names are learned from listings, and a path that is in none is not
asked for: that it is not there would be remembered.  What is listed is opened
anew for each look, and so is one's own file to count its names, but on a local
disk, where it stays open.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from jug.backends import _worker_file
from jug.backends._disk import fault, is_gone, is_local
from jug.backends._heartbeat import FilePulse, HeartWatch
from jug.backends._worker_file import WORKER, Sight
from jug.backends.base import Holder
from jug.backends.leases import Leases
from jug.backends.process import Process
from jug.errors import StoreError

__all__ = ["LeaseFolder"]

_LOCK: Final = re.compile("[0-9a-f]{40}")


class LeaseFolder:
    """The leases of one worker in one directory, by the digests of tasks.

    The worker's own file is made when it first acts, so that who only looks
    leaves nothing behind.
    """

    def __init__(self, folder: Path, lease_seconds: float, process: Process | None = None) -> None:
        self.folder = folder
        self.lease_seconds = lease_seconds
        self.hearts = HeartWatch(lease_seconds)
        self._process = process
        self._prefix = os.path.join(folder, "")
        self._processes: dict[str, Process | None] = {}
        self._taken: set[bytes] = set()
        self._forget_self()

    def _forget_self(self) -> None:
        self._leases: Leases | None = None
        self.worker_id: str | None = None
        """The worker's id, None as long as it has none."""
        self._own = ""
        self._file: int | None = None
        self.is_certain = False
        """Whether no answer is ever lost, as none is on a local disk."""

    # Who one is

    def join(self) -> str:
        """Become a worker, if not one already; return the worker's id."""
        return self._joined().worker

    def _joined(self) -> Leases:
        if self._leases is None:
            worker = os.urandom(8).hex()
            self._own = self._prefix + worker
            try:
                self._make_own_file(worker)
                self._probe(worker)
            except OSError as error:
                with suppress(OSError):  # the first error is the one to tell
                    os.unlink(self._own)
                self._abandon()
                raise self._failure(error, "join the workers") from error
            self._leases, self.worker_id = Leases(self, worker), worker
        return self._leases

    def _make_own_file(self, worker: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        process = self._process or Process.here()
        file = _worker_file.make(self._own, worker, process)
        if is_local(self.folder):
            self._file, self.is_certain = file, True
        else:
            os.close(file)

    def _probe(self, worker: str) -> None:
        probe = f"{worker}~{worker}"
        with suppress(PermissionError):  # what Linux says where there are no hard links
            self.link(probe)
        links = self.links()
        self.unlink(probe)
        if (links, self.links()) != (2, 1):
            raise StoreError(
                f"the file system of {os.fspath(self.folder)!r} does not make or count "
                "hard links: choose a --jugdir on another one",
                path=self.folder,
            )

    def _abandon(self) -> None:
        if self._file is not None:
            os.close(self._file)
        self._forget_self()

    def leave(self) -> None:
        """Give back all leases and stop being a worker."""
        if self._leases is None:
            return
        try:
            for name in tuple(self._leases.held):
                self._leases.release(name)
            if not self._leases.held:
                self.unlink(self._leases.worker)
        except OSError as error:
            if not is_gone(error):
                raise self._failure(error, "give back leases") from error
        finally:
            self._abandon()

    def forget(self) -> None:
        """Stop being a worker without a touch of its files: they are another process's."""
        self._abandon()
        self._process = None

    @property
    def look_seconds(self) -> float:
        """How long one may wait between two looks at others' heartbeats."""
        return min(2.0, self.lease_seconds / 6)

    def pulse(self) -> FilePulse:
        """Return the worker's heartbeat."""
        self._joined()
        return FilePulse(self._own, self.lease_seconds, self._process or Process.here())

    # One's own leases

    def take(self, digest: bytes) -> bool:
        """Take the lease of a task; return whether it was free."""
        leases = self._leases or self._joined()
        try:
            if leases.owed:
                leases.settle()
            return leases.take(digest.hex())
        except OSError as error:
            self._begin_anew(error, "take a lease")
            return self._joined().take(digest.hex())

    def take_any(self, candidates: Sequence[bytes]) -> bytes | None:
        """Take the first lease that is free, else the first whose holder is dead.

        What others were seen to hold is not tried again before all else is held
        too; then one listing tells what has changed.
        """
        digest = self.take_free(candidates)
        if digest is None and candidates:
            self._taken = self._listed_locks()
            digest = self.take_free(candidates) or self._take_over(candidates)
        return digest

    def take_free(self, candidates: Sequence[bytes]) -> bytes | None:
        """Take the first lease that is free and was not seen to be taken."""
        for digest in candidates:
            if digest not in self._taken:
                if self.take(digest):
                    return digest
                self._taken = self._listed_locks() | {digest}
        return None

    def _take_over(self, candidates: Sequence[bytes]) -> bytes | None:
        held = [digest for digest in candidates if digest in self._taken]
        return next(filter(self.steal, held), None)

    def release(self, digest: bytes) -> bool:
        """Give a lease back; return False if it was lost, or is being lost."""
        if self._leases is None:
            return False
        try:
            return self._leases.release(digest.hex())
        except OSError as error:
            self._begin_anew(error, "release a lease")
            return False

    def holds(self, digest: bytes) -> bool:
        """Return whether a lease is still this worker's."""
        return self._leases is not None and self._act("look after", Leases.holds, digest.hex())

    def _act(self, doing: str, action: Callable[..., bool], *names: str) -> bool:
        leases = self._joined()
        try:
            return action(leases, *names)
        except OSError as error:
            self._begin_anew(error, f"{doing} a lease")
            return False

    def _begin_anew(self, error: OSError, doing: str) -> None:
        """Become another worker, if one's own file was removed as that of a dead one."""
        if not is_gone(error) or self._leases is None:
            raise self._failure(error, doing) from error
        before = self._leases
        self._abandon()
        for name in before.held:
            self._joined().break_(name, before.worker)

    # Others' leases

    def holders(self) -> dict[bytes, Holder]:
        """Return who holds what."""
        sights = {digest: self._look(digest.hex()) for digest in self._listed_locks()}
        workers = {sight.worker for sight in sights.values() if sight is not None}
        alive = {worker: not self.is_dead(worker) for worker in workers}
        return {
            digest: Holder(sight.worker, sight.process, alive[sight.worker])
            for digest, sight in sights.items()
            if sight is not None
        }

    def steal(self, digest: bytes) -> bool:
        """Take a listed lease over if its holder is dead; return whether it was."""
        sight = self._look(digest.hex())
        if sight is None or sight.worker == self.worker_id or not self.is_dead(sight.worker):
            return False
        return self._act("take over", Leases.steal, digest.hex(), sight.worker)

    def break_lease(self, digest: bytes) -> bool:
        """Take a lease away from whoever holds it; return whether there was one."""
        sight = self._look(digest.hex()) if digest in self._listed_locks() else None
        return sight is not None and self._act("break", Leases.break_, digest.hex(), sight.worker)

    def tidy(self) -> None:
        """Remove what workers that are certainly gone left behind."""
        makers = self._makers()
        gone = {worker for worker in set(makers.values()) if self.is_gone(worker)}
        if not gone:
            return
        # Gates first: a lock cannot be removed while its gate is shut.
        for name in sorted(makers, key=len, reverse=True):
            if makers[name] in gone and not WORKER.fullmatch(name):
                self._act("remove", Leases.clear, name, makers[name])
        try:
            self._remove_own_files_of(gone)
        except OSError as error:
            raise self._failure(error, "remove files of dead workers") from error

    def _remove_own_files_of(self, gone: set[str]) -> None:
        makers = self._makers()
        own = {name for name in makers if WORKER.fullmatch(name)}
        busy = {makers[name] for name in makers.keys() - own}
        for name in own:
            if makers[name] in gone - busy:
                self.unlink(name)

    # What the protocol needs

    def link(self, name: str) -> bool:
        """Give the worker's own file one more name; return False if that name is taken."""
        try:
            os.link(self._own, self._prefix + name)
        except FileExistsError:
            return False
        return True

    def links(self) -> int:
        """Return how many names the worker's own file has."""
        if self._file is None:
            return _worker_file.links(self._own)
        return os.fstat(self._file).st_nlink

    def unlink(self, name: str) -> None:
        """Remove a name; that it is gone already does not matter."""
        try:
            os.unlink(self._prefix + name)
        except OSError as error:
            if not is_gone(error):
                raise

    def rename(self, name: str, onto: str) -> None:
        """Put one name in the place of another; that it was done already does not matter."""
        try:
            os.replace(self._prefix + name, self._prefix + onto)
        except OSError as error:
            if not is_gone(error):
                raise

    def maker(self, name: str) -> str | None:
        """Return which worker made the name, None if there is no such name."""
        sight = self._look(name) if name in self._list() else None
        return None if sight is None else sight.worker

    def is_dead(self, worker: str) -> bool:
        """Return whether the worker's process is gone, or its heartbeat was seen to stop."""
        process = self._processes.get(worker)
        gone = None if process is None else process.is_gone()
        return self.hearts.is_dead(worker) if gone is None else gone

    def is_gone(self, worker: str) -> bool:
        """Return whether the worker's process is gone, or it was silent for very long."""
        process = self._processes.get(worker)
        gone = None if process is None else process.is_gone()
        return self.hearts.is_gone(worker) if gone is None else gone

    # Reading

    def _list(self) -> list[str]:
        try:
            return os.listdir(self.folder)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise self._failure(error, "list the leases") from error

    def _listed_locks(self) -> set[bytes]:
        return {bytes.fromhex(name) for name in self._list() if _LOCK.fullmatch(name)}

    def _makers(self) -> dict[str, str]:
        sights = ((name, self._look(name)) for name in self._list())
        return {name: sight.worker for name, sight in sights if sight is not None}

    def _look(self, name: str) -> Sight | None:
        """Look at a listed name; None if it is not there any more."""
        try:
            sight = _worker_file.look(self._prefix + name)
        except OSError as error:
            self.hearts.failed()
            raise self._failure(error, "look at a lease") from error
        if sight is not None:
            self.hearts.saw(sight.worker, sight.mtime)
            self._processes[sight.worker] = sight.process
        return sight

    def _failure(self, error: OSError, doing: str) -> StoreError:
        if self._leases is not None:
            self._leases.doubt()
        return fault(error, self.folder, f"{doing} in")
