"""Single frames, found where they lie; neighbours share a read.

The index knows a place at which a frame begins, or soon after (`BLOCK`).  Frames that are
asked for one after another mostly lie beside each other, so of some segments the *page* that
was read last stays in memory, and most frames are found there.

A page is kept only as far as the segment had been polled by then.  Those bytes were whole
frames, with their checksums, and nothing else is ever written in their place.  What lies behind
them may be a frame that is still being written, or that its writer is about to cut off.  For
the same reason nothing is kept of a segment that this process writes, and never polls.  A
frame that a kept page does not show, or not whole, is looked for in the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from zlib import crc32

from jug.backends._file import frames
from jug.backends._file.disk import is_missing, read_at
from jug.backends._file.frames import (
    CHECKED_FROM,
    DIGEST_AT,
    HEADER,
    LONGEST,
    MAGIC,
    OF_TASKS,
    View,
)
from jug.backends._file.open_files import OpenFiles
from jug.backends._file.segment import Segment
from jug.errors import DamagedResult
from jug.named_tuple import NamedTuple

__all__ = ["BLOCK", "Pages"]

BLOCK: Final = 2048
"""A frame begins within this many bytes after its place."""

_SIZE: Final = 8192
"""How much is read at once: some dozens of small frames."""

_KEPT: Final = 32
"""Of how many segments a page is kept."""


class _Page(NamedTuple):
    """A part of a segment."""

    start: int
    data: bytes


class Pages:
    """The pages of segments that were read last."""

    def __init__(self, files: OpenFiles) -> None:
        self._files = files
        self._pages: dict[int, _Page] = {}

    def frame_at(self, segment: Segment, place: int, digest: bytes) -> View:
        """Return the frame of this task that lies there or soon after.

        Raises `DamagedResult` if there is no valid one, and OSError if its segment is gone.
        """
        page = self._pages.get(segment.number)
        if page is not None and page.start <= place:
            found = _whole_in(page.data, place - page.start, digest, segment.seed)
            if found is not None:
                return found
        return self._read_frame(segment, place, digest)

    def _read_frame(self, segment: Segment, place: int, digest: bytes) -> View:
        data = self._read_page(segment, place)
        found = _whole_in(data, 0, digest, segment.seed)
        if found is not None:
            return found
        for at in _places_of(digest, data, 0):
            length = frames.length_at(data, at) or 0
            if at + length > len(data):
                frame = read_at(self._files.open(segment), length, place + at)
            else:
                frame = data[at : at + length]
            if frames.is_whole(frame, 0, segment.seed):
                return frames.view(frame)
        raise DamagedResult(
            f"the frame of {digest.hex()} in {segment.path!r}, at byte {place} or soon after, "
            "is damaged: its task will be computed again",
            path=segment.path,
        )

    def ident_at(self, segment: Segment, place: int, digest: bytes) -> bytes:
        """Return the id of the frame that lies there, damaged or not.

        Of a frame that is gone only a part of the id is known: its worker, and in a pack
        nothing.
        """
        page = self._pages.get(segment.number)
        found = None
        if page is not None and page.start <= place:
            found = _ident_in(page.data, place - page.start, digest)
        if found is None:
            try:
                found = _ident_in(self._read_page(segment, place), 0, digest)
            except OSError as error:
                if not is_missing(error):
                    raise
        if found is not None:
            return found
        return b"" if segment.is_pack else segment.worker

    def _read_page(self, segment: Segment, place: int) -> bytes:
        """Return what lies there in the file; keep of it what does not change."""
        data = read_at(self._files.open(segment), _SIZE, place)
        self._pages.pop(segment.number, None)
        settled = data[: max(0, segment.at - place)]
        if settled:
            while len(self._pages) >= _KEPT:
                del self._pages[next(iter(self._pages))]
            self._pages[segment.number] = _Page(place, settled)
        return data

    def forget(self, number: int) -> None:
        """Keep nothing of a segment any more."""
        self._pages.pop(number, None)


def _whole_in(data: bytes, place: int, digest: bytes, seed: int) -> View | None:
    """Return the first frame of a task from a place on, None if it is not there, or not whole."""
    at = data.find(digest, place + DIGEST_AT, place + BLOCK + HEADER.size) - DIGEST_AT
    if at < place:
        return None
    magic, checksum, length, record, ident, kind, _ = HEADER.unpack_from(data, at)
    begin = at + HEADER.size
    stop, payload = begin + length, begin + record
    if magic != MAGIC or kind not in OF_TASKS or payload > stop or stop > len(data):
        return None
    whole = memoryview(data)
    if crc32(whole[at + CHECKED_FROM : stop], seed) != checksum:
        return None
    return View(ident, kind, digest, whole[begin:payload], whole[payload:stop])


def _ident_in(data: bytes, place: int, digest: bytes) -> bytes | None:
    """Return the id of the first frame of a task from a place on, None if there is none."""
    at = data.find(digest, place + DIGEST_AT, place + BLOCK + HEADER.size) - DIGEST_AT
    if at < place:
        return None
    magic, _, length, record, ident, kind, _ = HEADER.unpack_from(data, at)
    if magic == MAGIC and record <= length <= LONGEST and kind in OF_TASKS:
        return bytes(ident)
    return next((frames.ident_of(data, at) for at in _places_of(digest, data, place)), None)


def _places_of(digest: bytes, data: bytes, place: int) -> Iterator[int]:
    """Yield where frames of a task seem to begin, at a place or soon after."""
    end = place + BLOCK + HEADER.size
    found = data.find(digest, place + DIGEST_AT, end)
    while found >= 0:
        at = found - DIGEST_AT
        if frames.length_at(data, at) is not None and data[found - 1] in OF_TASKS:
            yield at
        found = data.find(digest, found + 1, end)
