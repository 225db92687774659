"""What a pack holds: the frames of the segments that it merges, but for what is gone for good.

*What is left out?*  Frames that were removed, and a removal together with its
target, when it is certain that no copy of the target can turn up: its worker is
certainly gone and all of its segments are covered.  Where a removal named the
next frame of a worker, all is kept, as without the frame it would mean another.

*What stays of it?*  The record, in a frame that tells of a run: of each task the last few
runs are remembered, whatever became of them.
"""

from __future__ import annotations

import os
from bisect import insort
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from jug import records
from jug.backends._file import frames
from jug.backends._file.disk import read_at, write_at
from jug.backends._file.frames import Covered, FrameKind
from jug.backends._file.index import FrameIndex
from jug.backends._file.segment import Segment
from jug.records import RunState

__all__ = ["Merge", "MergedFrames", "write_all"]

_MUCH: Final = 2
_ENTRIES: Final = 1000
_BUFFER: Final = 1 << 22
_LAST: Final = 0xFFFFFFFF

_STATES: Final[dict[int, RunState]] = {
    FrameKind.RESULT: RunState.DISCARDED,
    FrameKind.BIG: RunState.DISCARDED,
    FrameKind.FAILURE: RunState.FAILED,
    FrameKind.KEPT: RunState.FAILED,
    FrameKind.RUN: RunState.OTHER,
}
"""What became of the run of a frame that does not count any more, by its kind."""


@dataclass(slots=True, eq=False, repr=False)
class Merge:
    """Which segments are merged, and what is certain about their workers."""

    sources: list[Segment]
    certain: set[bytes]
    """Workers that certainly write no more and have no segment but those merged or covered."""
    leaves_out: bool = True
    """Whether removed frames are left out, which needs all segments and packs."""
    covered: list[Covered] = field(default_factory=list)

    @property
    def is_needed(self) -> bool:
        """Whether merging makes fewer files, or ends the report of a damaged one."""
        if len(self.sources) > 1:
            return True
        return any(not source.is_pack or source.is_damaged for source in self.sources)

    def leave_large_packs(self) -> None:
        """Merge only packs that are not much larger than the segments that are new."""
        new = sum(source.at for source in self.sources if not source.is_pack)
        small = [source for source in self.sources if source.at <= _MUCH * new]
        self.leaves_out = len(small) == len(self.sources)
        self.sources = small


class MergedFrames:
    """The content of one pack, and how many frames it holds and leaves out.

    Of the runs that do not count any more it holds the last few of each task.
    """

    def __init__(self, merge: Merge, index: FrameIndex, stem: str, runs_kept: int) -> None:
        self.kept = 0
        self.dropped = 0
        self._merge = merge
        self._index = index
        self._stem = stem
        self._runs_kept = runs_kept

    def content(self) -> Iterator[bytes]:
        """Yield what the pack consists of."""
        seed = frames.seed_of(self._stem)
        yield frames.head()
        for frame in self._covering():
            yield frames.reseed(frame, seed)
        past = PastRuns(self._runs_kept)
        for source in self._merge.sources:
            for frame in self._kept_of(source, past):
                self.kept += 1
                yield frames.reseed(frame, seed)
        for frame in past.frames():
            yield frames.reseed(frame, seed)

    def _covering(self) -> Iterator[bytes]:
        """Yield the frames that say what is covered, and which workers have ended."""
        packer, merge = bytes.fromhex(self._stem[:16]), self._merge
        for number, first in enumerate(range(0, len(merge.covered), _ENTRIES)):
            payload = frames.pack_covered(merge.covered[first : first + _ENTRIES])
            ident = frames.ident(packer, number)
            yield frames.build(0, ident, FrameKind.COVER, frames.NO_TASK, b"", [payload])
        merged = {source.worker for source in merge.sources if not source.is_pack}
        for worker in sorted((merged & merge.certain).difference(self._index.ended)):
            yield frames.build(0, frames.ident(worker, _LAST), FrameKind.END, frames.NO_TASK)

    def _kept_of(self, source: Segment, past: PastRuns) -> Iterator[bytes]:
        """Yield the frames of a source that the pack holds; those that are past are gathered."""
        for frame in _frames_of(source):
            found = frames.view(frame)
            if found.kind == FrameKind.REMOVAL:
                yield from self._trimmed(frame)
            elif found.kind == FrameKind.COVER:
                continue
            elif found.kind == FrameKind.RUN:
                past.add(found)
            elif found.kind not in frames.OF_TASKS or not self._is_dropped(found):
                yield frame
            else:
                past.add(found)
                self.dropped += 1

    def _is_dropped(self, found: frames.View) -> bool:
        return self._is_settled(found.digest, found.ident) and self._index.is_removed(
            found.digest, found.ident
        )

    def _is_settled(self, digest: bytes, ident: bytes) -> bool:
        """Return whether all is known about a frame: no copy, and no removal of a next frame."""
        worker = ident[:8]
        if not self._merge.leaves_out:
            return False
        return worker in self._merge.certain and not self._index.has_next_removed(digest, worker)

    def _trimmed(self, frame: bytes) -> Iterator[bytes]:
        """Yield a removal without the entries whose targets are gone for good."""
        found = frames.view(frame)
        entries = [
            entry
            for entry in frames.unpack_removals(found.payload)
            if not self._is_settled(entry.digest, entry.ident)
        ]
        if entries:
            payload = frames.pack_removals(entries)
            yield frames.build(0, found.ident, FrameKind.REMOVAL, found.digest, b"", [payload])


class PastRuns:
    """The last few runs of each task that do not count any more."""

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._runs: dict[bytes, list[tuple[float, bytes, bytes]]] = {}
        """By task: when each run ended, the id of its frame, and its record."""

    def add(self, found: frames.View) -> None:
        """Remember a run, in place of an earlier one if there are too many."""
        state = _STATES.get(found.kind)
        if not self._kept or not (found.record and state):
            return
        record = bytes(found.record)
        if found.kind != FrameKind.RUN:
            record = records.with_state(record, state)
        runs = self._runs.setdefault(found.digest, [])
        run = (records.end_of(record), found.ident, record)
        if run not in runs:  # it may lie in two segments
            insort(runs, run)
        del runs[: -self._kept]

    def frames(self) -> Iterator[bytes]:
        """Yield the frames of the runs that are left."""
        for digest, runs in self._runs.items():
            for _, ident, record in runs:
                yield frames.build(0, ident, FrameKind.RUN, digest, record)


def write_all(file: int, pieces: Iterator[bytes]) -> None:
    """Write many small pieces, a few megabytes at a time."""
    gathered: list[bytes] = []
    size = end = 0
    for piece in pieces:
        gathered.append(piece)
        size += len(piece)
        if size >= _BUFFER:
            write_at(file, b"".join(gathered), end)
            gathered, size, end = [], 0, end + size
    write_at(file, b"".join(gathered), end)


def _frames_of(source: Segment) -> Iterator[bytes]:
    """Yield all valid frames of a segment, as far as it was read."""
    file = os.open(source.path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        at, data, start = frames.HEAD_SIZE, b"", 0
        while at < source.at:
            if not frames.is_whole(data, at - start, source.seed):
                start = at
                data = read_at(file, min(frames.LONGEST + _BUFFER, source.at - at), at)
                if not frames.is_whole(data, 0, source.seed):
                    found = frames.next_whole(data, 1, source.seed)
                    at += found if found > 0 else max(1, len(data) - frames.HEADER.size)
                    continue
            length = frames.length_at(data, at - start) or 0
            yield data[at - start : at - start + length]
            at += length
    finally:
        os.close(file)
