"""Removing results and failures, beside workers that run the same tasks.

A removal names the frames that are there.  A worker that runs such a task will
write one more, made from what was there before; it is named too, as that worker's
next frame (`history`).  Workers that run are looked for before the store is read,
and again after the removals are written: a worker that takes the lease later sees
the removals when it reads what others did.  Of several that seem to run a task, since they
show that they want it, each is taken for the one that does; who does not runs it once in vain.
"""

from __future__ import annotations

from collections.abc import Iterable, Set

from jug.backends._file.frames import IDENT_SIZE, Removed
from jug.backends._file.index import FrameIndex, Place

__all__ = ["Discard", "removal_of"]


class Discard:
    """What one call of `discard` removes; the store reads and writes between the steps."""

    def __init__(self, index: FrameIndex, digests: Iterable[bytes]) -> None:
        self.count = 0
        """How many of the tasks had results or failures."""
        self._index = index
        self._digests = list(dict.fromkeys(digests))
        self._running: list[Removed] = []

    def entries(self, at_work: Set[tuple[bytes, str]], worker: str | None) -> list[Removed]:
        """Return what to remove, once all was read: frames that are there, and next frames.

        Which workers are `at_work` on which tasks was looked up before.  This worker's own
        runs are only noted.
        """
        named: list[Removed] = []
        self._digests.sort(key=self._index.result_at)  # neighbours share a read
        for digest in self._digests:
            if self._index.knows(digest):
                self.count += 1
                named += self._named(digest)
            if worker is not None and (digest, worker) in at_work:
                self._index.discard_run(digest)
        self._running = self._next_frames(at_work, worker)
        return named + self._running

    def late_entries(self, at_work: Set[tuple[bytes, str]], worker: str | None) -> list[Removed]:
        """Return what to remove besides, as workers began after the first look."""
        late = self._next_frames(at_work, worker)
        return [entry for entry in late if entry not in self._running]

    def _named(self, digest: bytes) -> list[Removed]:
        """Return what names the frames of a task; what cannot be read any more is forgotten."""
        idents = self._index.live_idents(digest)
        if not idents:
            self._index.drop(digest, self._index.results[digest])
        return [Removed(digest, ident) for ident in idents]

    def _next_frames(self, at_work: Set[tuple[bytes, str]], worker: str | None) -> list[Removed]:
        """Return what names the next frames of all other workers that run one of the tasks."""
        wanted = set(self._digests) if at_work else ()
        return [
            Removed(
                digest, self._index.history(digest).next_ident(bytes.fromhex(other)), is_next=True
            )
            for digest, other in sorted(at_work)
            if digest in wanted and len(other) == 16 and other != worker
        ]


def removal_of(index: FrameIndex, digest: bytes, place: Place) -> list[Removed]:
    """Return what removes one frame; one whose id can't be read any more is only forgotten."""
    if len(place.ident) == IDENT_SIZE:
        return [Removed(digest, place.ident)]
    index.drop(digest, place.where)
    return []
