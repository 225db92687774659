"""The history of runs: the records of all frames, read from the segments one after another.

Only a result's place is in memory, so whoever wants many records reads the segments
themselves, which takes a few microseconds for a record.  Frames lie there one after
another; of a large one only the beginning is read.  Files are read, not mapped: one
that its writer cuts back, or that another host removes, would end a process that has
mapped it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from typing import Final
from zlib import crc32

from jug.backends._file import frames
from jug.backends._file.disk import is_missing, read_at
from jug.backends._file.frames import CHECKED_FROM, HEADER, MAGIC, FrameKind
from jug.backends._file.history import FAILURES, RESULTS
from jug.backends._file.index import FrameIndex
from jug.backends._file.segment import Segment
from jug.backends._file.segments import Segments
from jug.records import Record, Run, RunState, unpack_if_sound

__all__ = ["Runs"]

_CHUNK: Final = 1 << 18
_FEW: Final = 1 << 13
"""How much is read where frames are large: enough for the beginning of one."""

_TRIES: Final = 10
_OF_RUNS: Final = frozenset({*RESULTS, *FAILURES, FrameKind.RUN})

RunFrame = tuple[bytes, int, bytes, bytes]
"""The id, kind, digest and record of a frame that tells of a run."""


class Runs:
    """The runs that the segments of a store tell of, as last polled."""

    def __init__(self, segments: Segments, poll_afresh: Callable[[], None]) -> None:
        self._segments = segments
        self._index = segments.index
        self._poll_afresh = poll_afresh

    def each(self) -> Iterator[Run]:
        """Yield every run once, but those with a damaged record."""
        told, histories, finished = set[bytes](), self._index.histories, RunState.FINISHED
        ids = {worker: said.id for worker, said in self._index.workers.items()}
        new_run = tuple.__new__  # a third of the time that the class takes
        for ident, kind, digest, packed in self._frames():
            if ident in told:
                continue
            told.add(ident)
            record = unpack_if_sound(packed, ids.get(ident[:8]) or ident[:8].hex())
            if record is None:
                continue
            if kind in RESULTS and digest not in histories:
                yield new_run(Run, (digest, finished, record))
            else:
                yield Run(digest, _state(self._index, ident, kind, digest, record), record)

    def find_records(self, found: dict[bytes, Record | None]) -> None:
        """Enter the records of those of some results of which nothing but one frame is known.

        Their workers are named by their processes.
        """
        histories = self._index.histories
        places = {worker: said.place for worker, said in self._index.workers.items()}
        for ident, kind, digest, packed in self._frames():
            if kind in RESULTS and digest in found and digest not in histories:
                found[digest] = unpack_if_sound(packed, places.get(ident[:8], ""))

    def _frames(self) -> Iterator[RunFrame]:
        """Yield the frames of all segments; some twice, if segments are packed meanwhile."""
        read = set[str]()
        for _ in range(_TRIES):
            try:
                for segment in self._unread(read):
                    yield from _frames_in(segment)
                    read.add(segment.stem)
            except OSError as error:
                if not is_missing(error):
                    raise
                self._poll_afresh()
            else:
                return

    def _unread(self, read: set[str]) -> list[Segment]:
        without = read.union(self._segments.covered)
        return [one for stem, one in self._segments.known.items() if stem not in without]


def _frames_in(segment: Segment) -> Iterator[RunFrame]:
    """Yield the frames of one segment that tell of runs, past damage."""
    file = os.open(segment.path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        at, size, chunk = frames.HEAD_SIZE, os.fstat(file).st_size, _CHUNK
        while at < size:
            data = read_at(file, chunk, at)
            used = yield from _frames_of(data, size - at, segment.seed)
            if used:
                chunk = _CHUNK if used <= len(data) else _FEW
            elif len(data) == chunk < frames.LONGEST:
                chunk = 2 * frames.LONGEST
                continue
            else:
                used, chunk = frames.next_whole(data, 1, segment.seed), _CHUNK
                if used < 0:
                    return
            at += used
    finally:
        os.close(file)


def _frames_of(data: bytes, left: int, seed: int) -> Generator[RunFrame, None, int]:
    """Yield the frames in some bytes; return where the first begins that is not there or damaged.

    Of the last one the record suffices, if its file goes on for long enough, so what is
    returned may be after the end of the bytes.
    """
    unpack, checksum_of, of_runs = HEADER.unpack_from, crc32, _OF_RUNS
    size, magic_there, checked_from = HEADER.size, MAGIC, CHECKED_FROM
    whole = memoryview(data)
    at, end = 0, len(data)
    while at + size <= end:
        magic, checksum, length, record_length, ident, kind, digest = unpack(data, at)
        begin = at + size
        stop = begin + length
        record_end = begin + record_length
        if magic != magic_there or record_end > min(end, stop) or stop > left:
            break
        if stop <= end and checksum_of(whole[at + checked_from : stop], seed) != checksum:
            break
        if kind in of_runs:
            yield ident, kind, digest, data[begin:record_end]
        at = stop
    return at


def _state(index: FrameIndex, ident: bytes, kind: int, digest: bytes, record: Record) -> RunState:
    """Return what became of a run."""
    if kind == FrameKind.RUN:
        return RunState(record.state)
    if kind in FAILURES:
        return RunState.FAILED
    counts = index.history(digest).state().result == ident
    return RunState.FINISHED if counts else RunState.DISCARDED
