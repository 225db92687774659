"""Leases as files in one directory: the protocol of `jug.backends.leases` on a disk.

The directory holds three sorts of names, all of them links to workers' files:

    5f0c…            16 hex digits: a worker's own file, named by the worker's id
    8e1a…            40 hex digits: the lock of a task, a link to its holder's file
    8e1a…~5f0c…      a gate: before the lock of the worker named, a link to its maker's

A worker's file says who it is: its id in the first line, its process in the
second, as JSON.  It is touched as long as the worker lives, and as a lock is the
same file, one look at the lock tells who holds it and whether the holder lives.

What is read of others must be fresh, also through the caches of a network file
system.  So names are learned from listings, and a path that is in none is not
asked for: that it is not there would be remembered.  A file is opened anew for
each look, then read, and only then are its times asked for: some file systems
give old times until something was read.  They may also give the size that the
name had when it was another worker's, so all these files are of one size.
"""

from __future__ import annotations

import errno
import json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

from jug.backends._heartbeat import FilePulse, HeartWatch
from jug.backends.base import Holder
from jug.backends.leases import Leases
from jug.backends.process import Process
from jug.errors import StoreError

__all__ = ["LeaseFolder", "store_error"]

_SIZE: Final = 512
_LOCK: Final = re.compile("[0-9a-f]{40}")
_WORKER: Final = re.compile("[0-9a-f]{16}")

_ADVICE: Final = {
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
    errno.ENFILE: "close other programs, or raise the system's limit of open files",
    errno.ENOSPC: "free some space and run again",
    errno.EDQUOT: "free some of your quota and run again",
    errno.EROFS: "choose another --jugdir, or mount it writable",
    errno.EACCES: "choose another --jugdir, or change its permissions",
    errno.EPERM: "choose another --jugdir, or change its permissions",
}
_VANISHED: Final = (errno.ENOENT, errno.ESTALE)


class _Sight(NamedTuple):
    """What one look at a name showed."""

    worker: str
    process: Process | None


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
        self._own = ""
        self._handle: int | str = ""

    # Who one is

    @property
    def worker_id(self) -> str | None:
        """The worker's id, None as long as it has none."""
        return None if self._leases is None else self._leases.worker

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
                self._abandon()
                raise self._failure(error, "join the workers") from error
            self._leases = Leases(self, worker)
        return self._leases

    def _make_own_file(self, worker: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        process = self._process or Process.here()
        described = json.dumps(process._replace(host=process.host[:64]), ensure_ascii=False)
        file = os.open(self._own, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        # A power cut must not leave a lock that does not say whose it is.
        os.write(file, f"{worker}\n{described}\n".encode().ljust(_SIZE))
        os.fsync(file)
        self._handle = file
        if os.name == "nt":  # there, a file that is open keeps all its names
            os.close(file)
            self._handle = self._own

    def _probe(self, worker: str) -> None:
        probe = f"{worker}~{worker}"
        counts = [self.links()]
        try:
            self.link(probe)
            counts.append(self.links())
            self.unlink(probe)
        except PermissionError:
            counts.append(0)
        if counts != [1, 2]:
            self.unlink(worker)
            raise StoreError(
                f"the file system of {os.fspath(self.folder)!r} does not make or count hard links: "
                "choose a --jugdir on another one",
                path=self.folder,
            )

    def _abandon(self) -> None:
        if isinstance(self._handle, int):
            os.close(self._handle)
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
            if error.errno not in _VANISHED:
                raise self._failure(error, "give back leases") from error
        finally:
            self._abandon()

    def forget(self) -> None:
        """Stop being a worker without a touch of its files: they are another process's."""
        self._abandon()
        self._process = None

    def pulse(self) -> FilePulse:
        """Return the worker's heartbeat."""
        self._joined()
        return FilePulse(self._own, self.lease_seconds)

    # One's own leases

    def take(self, digest: bytes) -> bool:
        """Take the lease of a task; return whether it was free."""
        leases = self._leases or self._joined()
        try:
            if leases.owed:
                leases.settle()
            return leases.take(digest.hex())
        except FileNotFoundError:
            return self._reborn().take(digest.hex())
        except OSError as error:
            raise self._failure(error, "take a lease") from error

    def take_any(self, candidates: Iterable[bytes]) -> bytes | None:
        """Take the first lease that is free, else the first whose holder is dead.

        What others were seen to hold is not tried again before all else is held
        too; then one listing tells what has changed.
        """
        candidates = tuple(candidates)
        digest = self._take_free(candidates)
        if digest is None and candidates:
            self._taken = self._listed_locks()
            digest = self._take_free(candidates) or self._take_over(candidates)
        return digest

    def _take_free(self, candidates: tuple[bytes, ...]) -> bytes | None:
        for digest in candidates:
            if digest not in self._taken:
                if self.take(digest):
                    return digest
                self._taken = self._listed_locks() | {digest}
        return None

    def _take_over(self, candidates: tuple[bytes, ...]) -> bytes | None:
        wanted = self._taken.intersection(candidates)
        return next((d for d in candidates if d in wanted and self.steal(d)), None)

    def release(self, digest: bytes) -> bool:
        """Give a lease back; return False if it was lost."""
        if self._leases is None:
            return False
        try:
            return self._leases.release(digest.hex())
        except FileNotFoundError:
            self._reborn()
            return False
        except OSError as error:
            raise self._failure(error, "release a lease") from error

    def holds(self, digest: bytes) -> bool:
        """Return whether a lease is still this worker's."""
        if self._leases is None:
            return False
        try:
            return self._leases.holds(digest.hex())
        except OSError as error:
            raise self._failure(error, "look after a lease") from error

    def _reborn(self) -> Leases:
        """Become another worker, after one's own file was removed as that of a dead one."""
        assert self._leases is not None
        before = self._leases
        self._abandon()
        leases = self._joined()
        for name in before.held:
            leases.break_(name, before.worker)
        return leases

    # Others' leases

    def holders(self) -> dict[bytes, Holder]:
        """Return who holds what."""
        alive: dict[str, bool] = {}
        found = {}
        for digest in self._listed_locks():
            sight = self._look(digest.hex())
            if sight is not None:
                worker = sight.worker
                if worker not in alive:
                    alive[worker] = not self.is_dead(worker)
                found[digest] = Holder(worker, sight.process, alive[worker])
        return found

    def steal(self, digest: bytes) -> bool:
        """Take a lease over if its holder is dead; return whether it was."""
        name = digest.hex()
        sight = self._look(name)
        if sight is None or sight.worker == self.worker_id or not self.is_dead(sight.worker):
            return False
        try:
            return self._joined().steal(name, sight.worker)
        except OSError as error:
            raise self._failure(error, "take over a lease") from error

    def break_lease(self, digest: bytes) -> bool:
        """Take a lease away from whoever holds it; return whether there was one."""
        name = digest.hex()
        if digest not in self._listed_locks() or (sight := self._look(name)) is None:
            return False
        try:
            return self._joined().break_(name, sight.worker)
        except OSError as error:
            raise self._failure(error, "break a lease") from error

    def tidy(self) -> None:
        """Remove what workers that are certainly gone left behind."""
        makers = self._makers()
        gone = {worker for worker in set(makers.values()) if self.is_gone(worker)}
        if not gone:
            return
        leases = self._joined()
        try:
            # Gates first: a lock cannot be removed while its gate is shut.
            for name in sorted(makers, key=len, reverse=True):
                if makers[name] in gone and not _WORKER.fullmatch(name):
                    leases.clear(name, makers[name])
            self._remove_own_files_of(gone)
        except OSError as error:
            raise self._failure(error, "remove what dead workers left") from error

    def _remove_own_files_of(self, gone: set[str]) -> None:
        makers = self._makers()
        own = {name for name in makers if _WORKER.fullmatch(name)}
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
        return os.stat(self._handle).st_nlink

    def unlink(self, name: str) -> None:
        """Remove a name; that it is gone already does not matter."""
        try:
            os.unlink(self._prefix + name)
        except OSError as error:
            if error.errno not in _VANISHED:
                raise

    def rename(self, name: str, onto: str) -> None:
        """Put one name in the place of another; that it was done already does not matter."""
        try:
            os.replace(self._prefix + name, self._prefix + onto)
        except OSError as error:
            if error.errno not in _VANISHED:
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

    def _look(self, name: str) -> _Sight | None:
        """Look at a listed name; None if it is not there any more."""
        try:
            data, status = _read(self._prefix + name)
        except OSError as error:
            if error.errno in _VANISHED:
                return None
            self.hearts.failed()
            raise self._failure(error, "look at a lease") from error
        worker, process = _described(data)
        worker = worker or f"inode{status.st_ino}"
        self.hearts.saw(worker, status.st_mtime_ns)
        self._processes[worker] = process
        return _Sight(worker, process)

    def _failure(self, error: OSError, doing: str) -> StoreError:
        if self._leases is not None:
            self._leases.doubt()
        return store_error(error, self.folder, doing)


def _read(path: str) -> tuple[bytes, os.stat_result]:
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        data = os.read(file, 2 * _SIZE)
        return data, os.fstat(file)
    finally:
        os.close(file)


def _described(data: bytes) -> tuple[str, Process | None]:
    """Return the worker and the process that a worker's file tells, as far as it does."""
    head, _, rest = data.partition(b"\n")
    worker = head.decode("ascii", "replace")
    if not _WORKER.fullmatch(worker):
        return "", None
    try:
        return worker, Process(*json.loads(rest))
    except (ValueError, TypeError):
        return worker, None


def store_error(error: OSError, path: str | os.PathLike[str], doing: str) -> StoreError:
    """Return the error to raise when the operating system refuses something.

    >>> print(store_error(OSError(errno.ENOSPC, "No space left on device"), "data", "save"))
    cannot save in 'data' (No space left on device): free some space and run again
    """
    if isinstance(error, StoreError):
        return error
    advice = _ADVICE.get(error.errno or 0, "look after the file system and run again")
    reason = error.strerror or str(error)
    return StoreError(f"cannot {doing} in {os.fspath(path)!r} ({reason}): {advice}", path=path)
