"""Reading a segment for what it tells of runs: frame by frame, and in stretches where it can be.

No frame is checked again that was found sound when it was polled, and of a large one
only the beginning is read.  All others are read as a whole: a damaged one tells nothing, and
where the next begins least of all.

Files are read, not mapped: one that its writer cuts back, or that another host removes, would
end a process that has mapped it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Final, NamedTuple
from zlib import crc32

from jug.backends._file import frames
from jug.backends._file.disk import read_at
from jug.backends._file.frames import CHECKED_FROM, HEADER, MAGIC, FrameKind
from jug.backends._file.history import FAILURES, RESULTS
from jug.backends._file.segment import Segment
from jug.backends._file.stretch import Finder, RunFrame, Stretch

__all__ = ["Told", "told_in"]

_CHUNK: Final = 1 << 18
_FEW: Final = 1 << 13
"""How much is read where frames are large: enough for the beginning of one."""

_APART: Final = 16
"""As many frames are read one by one at most before a stretch is looked for again."""

_OF_RUNS: Final = frozenset({*RESULTS, *FAILURES, FrameKind.RUN})


class Told(NamedTuple):
    """What some part of a segment tells of runs."""

    stretches: list[Stretch]
    frames: list[RunFrame]

    def idents(self) -> bytes:
        """Return the ids of all frames, one after another: a set of them is much larger."""
        alone = [frame[0] for frame in self.frames]
        return b"".join([*(stretch.idents for stretch in self.stretches), *alone])


def told_in(segment: Segment) -> Iterator[Told]:
    """Yield what one segment tells of runs, past damage."""
    file = os.open(segment.path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        at, size, chunk = frames.HEAD_SIZE, os.fstat(file).st_size, _CHUNK
        sound = 0 if segment.is_damaged else segment.at
        finder = Finder()
        while at < size:
            data = read_at(file, chunk, at)
            told, used = _told_by(data, size - at, sound - at, segment.seed, finder)
            yield told
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


def _told_by(data: bytes, left: int, sound: int, seed: int, finder: Finder) -> tuple[Told, int]:
    """Return what some bytes tell, and where the first frame begins that is cut off or damaged.

    The file goes on for `left` bytes, of which the first `sound` were found so before.  Of
    a last frame among these the record suffices, so that place may be after the end of the bytes.
    """
    told, at, before, is_apart = Told([], []), 0, -1, True
    while before < at < len(data):
        before = at
        stretches, at = finder.stretches_at(data, at, min(sound, len(data)))
        told.stretches.extend(stretches)
        if not stretches:
            # A failure among results is one frame, behind which the stretch goes on.
            most = _APART if is_apart else 1
            found, at = _frames_of(data, at, left, sound, seed, most)
            told.frames.extend(found)
        is_apart = not stretches
    return told, at


def _frames_of(
    data: bytes, at: int, left: int, sound: int, seed: int, most: int
) -> tuple[list[RunFrame], int]:
    """Return the next few frames from a place on, and where they end."""
    found: list[RunFrame] = []
    unpack, checksum_of, of_runs = HEADER.unpack_from, crc32, _OF_RUNS
    size, magic_there, checked_from = HEADER.size, MAGIC, CHECKED_FROM
    whole, end = memoryview(data), len(data)
    for _ in range(most):
        if at + size > end:
            break
        magic, checksum, length, record_length, ident, kind, digest = unpack(data, at)
        begin = at + size
        stop = begin + length
        record_end = begin + record_length
        if magic != magic_there or record_end > min(end, stop) or stop > left:
            break
        if stop > sound and (
            stop > end or checksum_of(whole[at + checked_from : stop], seed) != checksum
        ):
            break
        at = stop
        if kind not in of_runs:
            break  # behind what a worker says of itself its results begin
        found.append((ident, kind, digest, data[begin:record_end]))
    return found, at
