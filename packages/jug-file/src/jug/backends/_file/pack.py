"""Merging the segments of workers that are gone, beside workers that are not.

Every worker leaves a segment, and whoever opens the store must open them all.  A
pack is one file in place of many: it begins by naming the segments that it
covers, and readers that know of it ignore these.  It is written aside, synced and
renamed, so it is there whole or not at all; nothing is deleted before.

*Whose segments?*  Those of a worker that certainly writes no more: its last frame
says so, or its process was on this host and is gone.  What it wrote is all there
then, also for this process, and its files are deleted at once.  Of a worker on
another host it is only known that it was silent for ten lease times, and that
others have removed its file from the leases.  It may come to life again.  So its
segments stay for a while, and a worker that finds its own segment covered writes
the rest of it again.

What a pack leaves out is said in `merge`, and what is deleted then, large files too,
in `leftovers`.

One process packs at a time; it holds a lease like that of a task.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from jug.backends._file.big_files import BigFiles
from jug.backends._file.disk import (
    TEMPORARY,
    disk_time,
    explained,
    sync,
    sync_folder,
    written_aside,
)
from jug.backends._file.frames import Covered
from jug.backends._file.heartbeat_monitor import LONG_SILENCE
from jug.backends._file.leases import FileLeases
from jug.backends._file.leftovers import Leftovers
from jug.backends._file.segment import PACK, SEGMENT, Segment, worker_of
from jug.backends._file.segments import Segments
from jug.errors import StoreError
from jug.messages import Log
from jug.named_tuple import NamedTuple

if TYPE_CHECKING:
    from jug.backends._file.merge import Merge

log = Log("store")

PACK_LEASE: Final = b"\xff" * 20
"""What is held while packing, as if it were a task."""

WORTHWHILE: Final = 64
"""How many segments of workers that are gone are worth a pack that nobody asked for."""


class PackSummary(NamedTuple):
    """What packing came to."""

    segments: int = 0
    """How many segments and older packs were merged."""
    frames: int = 0
    """How many frames the pack holds."""
    dropped: int = 0
    """How many removed frames it leaves out."""
    deleted: int = 0
    """How many large files were deleted."""
    busy: bool = False
    """Whether another process was packing, so that nothing was done."""


class Packer:
    """Packs one store; its segments must have been read just before."""

    def __init__(
        self, segments: Segments, big: BigFiles, leases: FileLeases, runs_kept: int
    ) -> None:
        self._runs_kept = runs_kept
        self._segments = segments
        self._index = segments.index
        self._leases = leases
        self._leftovers = Leftovers(segments, big, leases)
        self._summary = PackSummary()

    def pack_if_worthwhile(self) -> None:
        """Merge segments unasked if there are many; if that fails, nothing is lost."""
        try:
            if self._is_worthwhile():
                self.pack(wholly=False)
        except StoreError as error:
            log.warning("%s (the results are safe, in many files)", error)

    def _is_worthwhile(self) -> bool:
        covered = self._segments.covered
        single = [s for s in self._segments.known.values() if not (s.is_pack or s.stem in covered)]
        if len(single) < WORTHWHILE:
            return False
        self._segments.poll()
        return sum(segment.is_final for segment in single) >= WORTHWHILE

    def tidy(self) -> None:
        """Delete what those that died had begun to write."""
        with explained(self._segments.folder, "tidy up in"):
            self._leftovers.delete_begun()
            if self._leftovers.are_packs_begun() and self._leases.take_any([PACK_LEASE]):
                try:
                    self._leftovers.delete_begun_packs()
                finally:
                    self._leases.release(PACK_LEASE)

    def pack(self, *, wholly: bool) -> PackSummary:
        """Merge what can be merged, and delete what is not needed any more.

        Unless it is done wholly, packs are left that are large beside what is new,
        so that a frame is not copied again and again as the store grows.
        """
        if self._leases.take_any([PACK_LEASE]) is None:
            return self._summary._replace(busy=True)
        try:
            with explained(self._segments.folder, "pack the segments in"):
                self._pack(wholly)
        finally:
            self._leases.release(PACK_LEASE)
        return self._summary

    def _pack(self, wholly: bool) -> None:
        working = self._leases.at_work()
        self._segments.poll(afresh=True)
        self._segments.poll()  # an end that was read last holds for all segments of its worker
        self._leftovers.delete_begun()
        self._leftovers.delete_begun_packs()
        merge = self._choose(working)
        if not wholly:
            merge.leave_large_packs()
        if merge.is_needed:
            self._write(merge)
            self._segments.poll(afresh=True)
        self._leftovers.delete_covered(merge.certain)
        deleted = self._leftovers.delete_big_files(working, merge.certain)
        self._summary = self._summary._replace(deleted=deleted)

    def _choose(self, working: set[str]) -> Merge:
        """Return what is merged: all segments whose workers are gone."""
        from jug.backends._file.merge import Merge  # which tidying up does without

        now, listed = disk_time(self._segments.folder), set(self._segments.names())
        merge = Merge([], {*self._index.ended})
        for name in sorted(listed):
            segment = self._segments.known.get(os.path.splitext(name)[0])
            if segment is None or segment.stem in self._segments.covered:
                continue
            if segment.is_final and not segment.is_pack:
                merge.certain.add(segment.worker)
            if segment.is_final or self._is_silent(segment, working, now):
                merge.sources.append(segment)
        # All segments of a worker or none: a copy in another one would outlive a removal.
        merged = {source.stem for source in merge.sources}
        left = {os.path.splitext(name)[0] for name in listed} - merged
        merge.certain -= {worker_of(stem) for stem in left.difference(self._segments.covered)}
        return merge

    def _is_silent(self, segment: Segment, working: set[str], now: float) -> bool:
        if segment.worker.hex() in working:
            return False
        with suppress(FileNotFoundError):
            age = now - os.stat(segment.path).st_mtime
            return age > LONG_SILENCE * self._leases.lease_seconds
        return False

    def _write(self, merge: Merge) -> None:
        """Write a pack, and publish it if this process still is the one that packs."""
        from jug.backends._file.merge import MergedFrames, write_all

        merge.covered = self._covered_by(merge)
        stem = f"{os.urandom(8).hex()}-0"
        path = os.path.join(self._segments.folder, stem + PACK)
        merged = MergedFrames(merge, self._index, stem, self._runs_kept)
        try:
            with written_aside(path, path + TEMPORARY) as file:
                write_all(file, merged.content())
                sync(file)
                if not self._leases.holds(PACK_LEASE):
                    raise _LeaseLost
        except _LeaseLost:
            self._summary = PackSummary(busy=True)
            return
        os.close(file)
        sync_folder(self._segments.folder)
        self._summary = PackSummary(len(merge.sources), merged.kept, merged.dropped)

    def _covered_by(self, merge: Merge) -> list[Covered]:
        """Return the segments that are merged, and those that are covered and still there."""
        listed = set(self._segments.names())
        covered = [Covered(source.stem, source.at) for source in merge.sources]
        covered += [
            Covered(stem, length)
            for stem, length in self._segments.covered.items()
            if stem + SEGMENT in listed or stem + PACK in listed
        ]
        return covered


class _LeaseLost(Exception):
    """Another process packs now."""
