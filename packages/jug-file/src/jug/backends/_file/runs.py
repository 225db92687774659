"""The history of runs: the records of all frames, read from the segments one after another.

Only a result's place is in memory, so whoever wants many records reads the segments
themselves, which takes a few microseconds for a record.  Frames lie there one after
another; of a large one only the beginning is read, and none is checked again that was
found sound when it was polled.  Files are read, not mapped: one that its writer cuts
back, or that another host removes, would end a process that has mapped it.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Final
from zlib import crc32

from jug.backends._file import frames
from jug.backends._file.disk import is_missing, read_at
from jug.backends._file.frames import CHECKED_FROM, HEADER, MAGIC, FrameKind
from jug.backends._file.history import FAILURES, RESULTS
from jug.backends._file.index import FrameIndex
from jug.backends._file.segment import Segment
from jug.backends._file.segments import Segments
from jug.records import Record, Run, RunState, brief_if_sound, unpack_if_sound
from jug.run_times import RunTimes, Times, run_times

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
        for told in self._frames():
            yield from self._told_by(told)

    def times(self) -> Iterator[RunTimes]:
        """Yield what every run took that `each` tells of, in batches."""
        histories = self._index.histories
        for told in self._frames():
            known, rest = defaultdict[tuple[bytes, str], list[Times]](list), list[RunFrame]()
            for frame in told:
                ident, kind, digest, packed = frame
                found = None
                if kind in RESULTS and digest not in histories:
                    found = brief_if_sound(packed)
                if found is None:
                    rest.append(frame)
                else:
                    name, start, duration, cpu, memory = found
                    known[ident[:8], name].append((digest, start, duration, cpu, memory))
            for (worker, name), times in known.items():
                yield RunTimes(name, worker.hex(), RunState.FINISHED, times)
            yield from run_times(self._told_by(rest))

    def _told_by(self, told: Iterable[RunFrame]) -> Iterator[Run]:
        histories, finished = self._index.histories, RunState.FINISHED
        new_run = tuple.__new__  # a third of the time that the class takes
        for ident, kind, digest, packed in told:
            record = unpack_if_sound(packed, ident[:8].hex())
            if record is None:
                continue
            if kind in RESULTS and digest not in histories and not record.source:
                yield new_run(Run, (digest, finished, record))
            else:
                yield Run(digest, _state(self._index, ident, kind, digest, record), record)

    def records(self, digests: Sequence[bytes]) -> list[Record | None]:
        """Return the records of those results of which nothing but one frame is known.

        Their workers are named by their processes.  For all others, and for a digest that is
        given again, there is None.
        """
        found: list[Record | None] = [None] * len(digests)
        place_of = dict(zip(reversed(digests), reversed(range(len(digests))), strict=True)).get
        histories = self._index.histories
        workers = {worker: said.place for worker, said in self._index.workers.items()}
        for ident, kind, digest, packed in chain.from_iterable(self._frames()):
            place = place_of(digest)
            if place is not None and kind in RESULTS and digest not in histories:
                found[place] = unpack_if_sound(packed, workers.get(ident[:8], ""))
        return found

    def _frames(self) -> Iterator[list[RunFrame]]:
        """Yield each frame of all segments once, in lists, also if they are packed meanwhile."""
        read, told, repeated = set[str](), bytearray(), frozenset[bytes]()
        for _ in range(_TRIES):
            try:
                for segment in self._unread(read):
                    for found in _frames_in(segment):
                        if repeated:
                            found = [frame for frame in found if frame[0] not in repeated]
                        told += b"".join([frame[0] for frame in found])  # a set is much larger
                        yield found
                    read.add(segment.stem)
            except OSError as error:
                if not is_missing(error):
                    raise
                self._poll_afresh()
                repeated = _idents(told)
            else:
                return

    def _unread(self, read: set[str]) -> list[Segment]:
        without = read.union(self._segments.covered)
        return [one for stem, one in self._segments.known.items() if stem not in without]


def _frames_in(segment: Segment) -> Iterator[list[RunFrame]]:
    """Yield the frames of one segment that tell of runs, past damage."""
    file = os.open(segment.path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        at, size, chunk = frames.HEAD_SIZE, os.fstat(file).st_size, _CHUNK
        sound = 0 if segment.is_damaged else segment.at
        while at < size:
            data = read_at(file, chunk, at)
            found, used = _frames_of(data, size - at, sound - at, segment.seed)
            yield found
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


def _frames_of(data: bytes, left: int, sound: int, seed: int) -> tuple[list[RunFrame], int]:
    """Return the frames in some bytes, and where the first begins that is not there or damaged.

    The file goes on for `left` bytes, of which the first `sound` were found so before.  Of
    the last frame the record suffices, so that place may be after the end of the bytes.
    """
    found: list[RunFrame] = []
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
        if sound < stop <= end and checksum_of(whole[at + checked_from : stop], seed) != checksum:
            break
        if kind in of_runs:
            found.append((ident, kind, digest, data[begin:record_end]))
        at = stop
    return found, at


def _idents(joined: bytearray) -> frozenset[bytes]:
    """Return the ids that were put one after another."""
    size = frames.IDENT_SIZE
    return frozenset(bytes(joined[at : at + size]) for at in range(0, len(joined), size))


def _state(index: FrameIndex, ident: bytes, kind: int, digest: bytes, record: Record) -> RunState:
    """Return what became of a run."""
    if kind == FrameKind.RUN:
        return RunState(record.state)
    if kind in FAILURES:
        return RunState.FAILED
    counts = index.history(digest).state().result == ident
    return record.state_of_result if counts else RunState.DISCARDED
