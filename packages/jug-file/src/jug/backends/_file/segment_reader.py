"""Reading one segment from where the last reading stopped, past damage.

A bad frame with nothing valid after it is a torn tail, which is either being
written or was left by a crash: it is passed over in silence and looked at again.
A bad frame before valid ones is damage; it is reported and skipped.  On a network
file system zeros may be data that arrive out of order, so these are waited for
first.
"""

from __future__ import annotations

import os
import time
from typing import Final

from jug.backends._file import frames
from jug.backends._file.disk import read_at
from jug.backends._file.frames import Covered, FrameKind
from jug.backends._file.index import FrameIndex
from jug.backends._file.segment import Segment
from jug.messages import Log

__all__ = ["SegmentReader", "covered_by"]

log = Log("store")

_CHUNK: Final = 1 << 18

# Where data of another host have not arrived yet, a file reads as zeros.
_ZEROS: Final = bytes(32)
_PATIENCE: Final = 5.0


class SegmentReader:
    """Reads what is new in segments into an index."""

    def __init__(self, index: FrameIndex) -> None:
        self._index = index
        self.bytes_read = 0

    def read_on(self, segment: Segment, file: int, size: int, *, patient: bool) -> None:
        """Take in the frames up to `size`, past damage if there are valid ones after it."""
        chunk = _CHUNK
        while segment.at < size:
            wanted = min(size - segment.at, chunk)
            data = read_at(file, wanted, segment.at)
            if len(data) < wanted:  # its writer has cut it back
                size = segment.at + len(data)
            used = self._take_in(segment, data)
            segment.at += used
            self.bytes_read += used
            if used == len(data):
                segment.bad_since = None
                continue
            length = frames.length_at(data, used) if segment.at else None
            if used and segment.at + len(data) - used < size:
                continue
            if length is not None and len(data) - used < length <= size - segment.at:
                chunk = length
            elif self._skip(segment, file, size, patient=patient):
                size = os.fstat(file).st_size
            else:
                return

    def _take_in(self, segment: Segment, data: bytes) -> int:
        if segment.at:
            return self._index.take_in(data, segment.number, segment.at, segment.seed)
        if not frames.check_head(data, segment.path):
            return 0
        head, rest = frames.HEAD_SIZE, data[frames.HEAD_SIZE :]
        return head + self._index.take_in(rest, segment.number, head, segment.seed)

    def _skip(self, segment: Segment, file: int, size: int, *, patient: bool) -> bool:
        """Go on at the next valid frame, if there is one; return whether to go on.

        The bad frame is read once more together with what follows: it may have been
        torn only because its writer was not done with it.
        """
        start = segment.at
        while start < size:
            data = read_at(file, 2 * frames.LONGEST, start)
            if start == segment.at and _is_sound(segment, data):
                return True
            found = frames.next_whole(data, 1, segment.seed)
            if found >= 0:
                is_late = patient and _ZEROS in data[:found]
                return _pass_over(segment, start + found, patient=is_late)
            if len(data) < 2 * frames.LONGEST:
                return False
            start += frames.LONGEST
        return False


def _is_sound(segment: Segment, data: bytes) -> bool:
    """Return whether data begin as they should where the reading stopped."""
    if segment.at:
        return frames.is_whole(data, 0, segment.seed)
    return frames.check_head(data, segment.path)


def _pass_over(segment: Segment, end: int, *, patient: bool) -> bool:
    """Report damage and go on after it; return False to wait for data that are late."""
    if patient:
        segment.bad_since = segment.bad_since or time.monotonic()
        if time.monotonic() - segment.bad_since < _PATIENCE:
            return False
    log.warning(
        "%s is damaged between bytes %d and %d: what was there will be computed again, "
        "and `jug pack` ends this message",
        segment.path,
        segment.at,
        end,
    )
    segment.at = end
    segment.is_damaged = True
    segment.bad_since = None
    return True


def covered_by(file: int, pack: Segment) -> list[Covered]:
    """Return the segments that a pack covers, from its first frames."""
    covered: list[Covered] = []
    at = frames.HEAD_SIZE
    while True:
        header = read_at(file, frames.HEADER.size, at)
        length = frames.length_at(header, 0)
        frame = read_at(file, length or 0, at)
        if length is None or not frames.is_whole(frame, 0, pack.seed):
            return covered
        found = frames.view(frame)
        if found.kind != FrameKind.COVER:
            return covered
        covered += frames.unpack_covered(found.payload)
        at += length
