"""The leases that one worker is given: by a lock on a task, or by a claim on several short ones.

A lock (`leases`) and the claims of others (`claims`) are looked at in the order that
`jug.backends.claims` says, and what is done is read last.  Only then is a lease given.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from jug.backends._file.claims import FileClaims
from jug.backends._file.index import FrameIndex
from jug.backends._file.leases import FileLeases
from jug.backends._file.pack import PACK_LEASE
from jug.backends._file.saving import Saving
from jug.backends._file.waiting import Waiting
from jug.backends.base import Holder, Lease
from jug.records import Record, RunState, pack, with_state

__all__ = ["Grants"]


class Grants:
    """Gives leases to the worker of these files, and says who has which."""

    def __init__(
        self,
        leases: FileLeases,
        claims: FileClaims,
        index: FrameIndex,
        saving: Saving,
        waiting: Waiting,
    ) -> None:
        self._leases = leases
        self._claims = claims
        self._index = index
        self._saving = saving
        self._waiting = waiting

    def one(self, candidates: Sequence[bytes]) -> Lease | None:
        """Return the lease of the first task that nobody has and that is not done, if any."""
        results, leases = self._index.results, self._leases
        wanted = [digest for digest in candidates if digest not in results]
        while wanted:
            digest = leases.take_any(wanted)
            if digest is None and not self._waiting.has_begun:
                # What is released from now on ends a wait.
                self._waiting.begin()
                digest = leases.take_any(wanted)
            if digest is None:
                return None
            lease = self._of_locked_unless_claimed(digest)
            if lease is not None:
                return lease
            if digest not in results and not self._claims.taken(digest):
                continue  # who had claimed it has left it, perhaps as it was locked
            wanted = [one for one in wanted if one not in results and one != digest]
        return None

    def of_locked(self, digest: bytes) -> Lease | None:
        """Return the lease of a task that was locked before others' results were read."""
        is_alone = not self._claims.others()
        return self._of_undone(digest) if is_alone else self._of_locked_unless_claimed(digest)

    def several(self, candidates: Sequence[bytes]) -> list[Lease]:
        """Claim several tasks where no worker of another host is known; return their leases."""
        claims, results = self._claims, self._index.results
        if not claims.can_claim():
            return []
        self._saving.writer().begin()  # others look for claims of those that have a segment
        taken = claims.take([digest for digest in candidates if digest not in results])
        given = [digest for digest in taken if digest not in results]
        self._note_lost(claims.take_robbed(given))
        worker, since = claims.worker_id, self._index.news.clock
        return [Lease(digest, worker, since, True) for digest in given]

    def _of_locked_unless_claimed(self, digest: bytes) -> Lease | None:
        """Return the lease of a task that was locked, and read what others did before."""
        leases = self._leases
        try:
            is_claimed = self._claims.taken(digest)
        except BaseException:
            leases.release(digest)
            raise
        if is_claimed:
            leases.release(digest)
            return None
        lease = self._of_undone(digest)
        self._note_lost(leases.taken_over)
        self._note_lost(self._claims.take_robbed(() if lease is None else (digest,)))
        return lease

    def _of_undone(self, digest: bytes) -> Lease | None:
        """Return the lease of a locked task, once others' results were read; none if it is done."""
        if digest in self._index.results:
            self._leases.release(digest)
            return None
        assert self._leases.worker_id is not None
        self._saving.begin()
        return Lease(digest, self._leases.worker_id, self._index.news.clock)

    def _note_lost(self, taken_over: dict[bytes, str]) -> None:
        """Remember the runs of dead workers whose leases were taken over."""
        while taken_over:
            digest, worker = taken_over.popitem()
            lost = pack(Record(start=time.time(), worker=worker))
            self._saving.note(digest, with_state(lost, RunState.LOST))

    def holders(self) -> dict[bytes, Holder]:
        """Return who has which task."""
        workers, locked = self._leases.links.workers_and_locks()
        found = self._leases.holders(locked, self._claims.held(workers))
        found.pop(PACK_LEASE, None)
        return found

    def take_away(self, digests: Iterable[bytes]) -> int:
        """Take tasks away from whoever has them; return how many somebody had."""
        held = self.holders()
        wanted = [digest for digest in digests if digest in held]
        return sum(
            self._leases.break_lease(digest) or self._claims.break_(digest) for digest in wanted
        )
