"""The leases of one worker: taking, keeping and returning them, by the digests of tasks.

The protocol is that of `jug.backends.leases`; it acts on the names in one directory
(`links`).  Here stands what the protocol leaves open: which task is tried first,
when a dead worker's lease is taken over, and what a worker does that was itself
taken for dead.  Others remove its own file then.  It notices when it next acts,
gives up the leases that it held, and begins anew under another id.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from jug.backends._file import worker_file
from jug.backends._file.disk import fault, is_missing
from jug.backends._file.heartbeat import LeaseHeartbeat
from jug.backends._file.links import LeaseLinks
from jug.backends._file.worker_file import WORKER
from jug.backends.base import Holder, Presence
from jug.backends.leases import Leases
from jug.backends.process import Process
from jug.named_tuple import NamedTuple

__all__ = ["MANY", "FileLeases"]

MANY: Final = 6
"""As many candidates are offered where three workers or more are at work."""


class Claimed(NamedTuple):
    """A short task that a worker has taken together with others (`claims`)."""

    worker: str
    waits: bool
    """Whether the worker runs another of them first."""


_NOTHING: Final[Mapping[bytes, Claimed]] = MappingProxyType({})


class FileLeases:
    """The leases of one worker in one directory, by the digests of tasks.

    The worker's own file is made when it first acts, so that who only looks
    leaves nothing behind.
    """

    def __init__(self, folder: str, lease_seconds: float, process: Process | None = None) -> None:
        self.folder = folder
        self.lease_seconds = lease_seconds
        self.links = LeaseLinks(folder, lease_seconds)
        self.worker_id: str | None = None
        """The worker's id, None as long as it has none."""
        self._leases: Leases | None = None
        self._process = process
        self._taken: set[bytes] = set()
        self.taken_over: dict[bytes, str] = {}
        """The leases that were taken over since somebody looked, and from which workers."""

    # Being a worker

    def join(self) -> str:
        """Become a worker, if not one already; return the worker's id."""
        return self._joined().worker

    def _joined(self) -> Leases:
        if self._leases is None:
            worker = worker_file.new_id()
            try:
                self.links.begin(worker, self._process or Process.here())
            except OSError as error:
                raise self._failure(error, "join the workers") from error
            self._leases, self.worker_id = Leases(self.links, worker), worker
        return self._leases

    def _abandon(self) -> None:
        self.links.end()
        self._leases = self.worker_id = None

    def leave(self) -> None:
        """Release all leases and stop being a worker."""
        if self._leases is None:
            return
        try:
            for name in tuple(self._leases.held):
                self._leases.release(name)
            if not self._leases.held:
                self.links.unlink(self._leases.worker)
        except OSError as error:
            if not is_missing(error):
                raise self._failure(error, "give back leases") from error
        finally:
            self._abandon()

    def forget(self) -> None:
        """Stop being a worker without touching its files: they are another process's."""
        self._abandon()
        self._process = None

    @property
    def look_seconds(self) -> float:
        """How many seconds may pass between two looks at others' heartbeats."""
        return min(2.0, self.lease_seconds / 6)

    def heartbeat(self) -> LeaseHeartbeat:
        """Return the worker's heartbeat."""
        self._joined()
        process = self._process or Process.here()
        return LeaseHeartbeat(self.links.own_path, self.lease_seconds, process)

    # The worker's own leases

    def take(self, digest: bytes) -> bool:
        """Take the lease of a task; return whether it was free."""
        leases = self._leases or self._joined()
        try:
            if leases.owed:
                leases.settle()
            return leases.take(digest.hex())
        except OSError as error:
            self.begin_anew(error, "take a lease")
            return self._joined().take(digest.hex())

    def take_any(self, candidates: Sequence[bytes]) -> bytes | None:
        """Take the first lease that is free, else the first whose holder is dead.

        What others were seen to hold is not tried again before all else is held
        too; then one listing shows what has changed.
        """
        digest = self.take_free(candidates)
        if digest is None and candidates:
            self._taken = self.links.locks()
            digest = self.take_free(candidates) or self._take_over(candidates)
        return digest

    def take_free(self, candidates: Sequence[bytes]) -> bytes | None:
        """Take the first lease that is free and was not seen to be taken.

        Among many workers one look at what is taken saves more than it costs.
        """
        if len(candidates) >= MANY:
            self._taken = self.links.locks()
        for digest in candidates:
            if digest not in self._taken:
                if self.take(digest):
                    return digest
                self._taken = self.links.locks() | {digest}
        return None

    def _take_over(self, candidates: Sequence[bytes]) -> bytes | None:
        held = [digest for digest in candidates if digest in self._taken]
        return next(filter(self.steal, held), None)

    def release(self, digest: bytes) -> bool:
        """End a lease; return False if it was lost, or is being lost."""
        if self._leases is None:
            return False
        try:
            return self._leases.release(digest.hex())
        except OSError as error:
            self.begin_anew(error, "release a lease")
            return False

    def holds(self, digest: bytes) -> bool:
        """Return whether a lease is still this worker's."""
        return self._leases is not None and self._act("look after", Leases.holds, digest.hex())

    def _act(self, doing: str, action: Callable[..., bool], *names: str) -> bool:
        leases = self._joined()
        try:
            return action(leases, *names)
        except OSError as error:
            self.begin_anew(error, f"{doing} a lease")
            return False

    def begin_anew(self, error: OSError, doing: str) -> None:
        """Become another worker, if the own file was removed as that of a dead one."""
        if not is_missing(error) or self._leases is None:
            raise self._failure(error, doing) from error
        before = self._leases
        self._abandon()
        for name in before.held:
            self._joined().break_(name, before.worker)

    # Others' leases

    def turn(self) -> tuple[int, int]:
        """Return which of the workers this one is, by their ids, and how many they are."""
        own = self.join()
        workers = self.links.workers()
        return sum(worker < own for worker in workers), len(workers)

    def holders(
        self, locked: Iterable[bytes] | None = None, claimed: Mapping[bytes, Claimed] = _NOTHING
    ) -> dict[bytes, Holder]:
        """Return who holds what is locked, by a new listing if that is not given.

        Of tasks that are `claimed` it is known by whom.
        """
        links = self.links
        locked = links.locks() if locked is None else locked
        names = {digest: one.worker for digest, one in claimed.items()}
        names.update((digest, digest.hex()) for digest in locked)
        sights = {digest: links.look(name) for digest, name in names.items()}
        workers = {sight.worker for sight in sights.values() if sight is not None}
        alive = {worker: not links.is_dead(worker) for worker in workers}
        return {
            digest: Holder(
                sight.worker,
                sight.process,
                alive[sight.worker],
                sight.since_of(digest.hex()),
                sight.last_sign,
                digest in claimed and claimed[digest].waits,
            )
            for digest, sight in sights.items()
            if sight is not None
        }

    def idle(self, busy: Container[str]) -> list[Presence]:
        """Return the workers that are there, but for those that hold something."""
        links = self.links
        sights = [links.look(worker) for worker in links.workers() if worker not in busy]
        return [
            Presence(sight.worker, sight.process, not links.is_dead(sight.worker), sight.last_sign)
            for sight in sights
            if sight is not None and sight.worker not in busy
        ]

    def at_work(self) -> set[str]:
        """Return the ids of all workers that were not found dead."""
        return set(self.links.workers())

    def steal(self, digest: bytes) -> bool:
        """Take a listed lease over if its holder is dead; return whether it was."""
        sight = self.links.look(digest.hex())
        if sight is None or sight.worker == self.worker_id or not self.links.is_dead(sight.worker):
            return False
        if not self._act("take over", Leases.steal, digest.hex(), sight.worker):
            return False
        self.taken_over[digest] = sight.worker
        return True

    def break_lease(self, digest: bytes) -> bool:
        """Take a lease away from whoever holds it; return whether there was one."""
        sight = self.links.look(digest.hex()) if digest in self.links.locks() else None
        return sight is not None and self._act("break", Leases.break_, digest.hex(), sight.worker)

    def tidy(self) -> None:
        """Remove what workers that are certainly gone left behind."""
        try:
            self.links.remove_begun()
        except OSError as error:
            raise self._failure(error, "remove files of dead workers") from error
        makers = self.links.makers()
        gone = {worker for worker in set(makers.values()) if self.links.is_gone(worker)}
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
        makers = self.links.makers()
        own = {name for name in makers if WORKER.fullmatch(name)}
        busy = {makers[name] for name in makers.keys() - own}
        for name in own:
            if makers[name] in gone - busy:
                self.links.unlink(name)

    def _failure(self, error: OSError, doing: str) -> OSError:
        if self._leases is not None:
            self._leases.doubt()
        return fault(error, self.folder, f"{doing} in")
