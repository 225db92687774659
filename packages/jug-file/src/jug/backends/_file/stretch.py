"""Results that lie in a segment at equal distances, alike in everything but what they say.

A worker that runs tasks of one name mostly writes frames of one length, and one that runs tasks
of two or three names in turn writes such pairs or triples.  The records of all frames that recur
so are read at once, as columns.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import Final

from jug.backends._file.frames import HEADER, MAGIC
from jug.backends._file.history import RESULTS
from jug.record_layout import Column, Layout, layout_of
from jug.records import Record, RunState, unpack_if_sound
from jug.run_times import RunTimes

__all__ = ["RunFrame", "Stretch", "stretches_at"]

RunFrame = tuple[bytes, int, bytes, bytes]
"""The id, kind, digest and record of a frame that tells of a run."""

_LEAST: Final = 8
"""From how many frames on it pays to read columns."""

_MOST_IN_TURN: Final = 4

_TELLING: Final = (*range(len(MAGIC)), *range(8, 24), 28)
"""The places of the bytes of a header in which they agree: magic, lengths, worker, kind."""

_ROW: Final = "16x12sx20s"
"""How `struct` reads the id and the digest of a header."""


class Stretch:
    """The frames of results of one worker and one name."""

    def __init__(self, data: bytes, places: range, offset: int, layout: Layout) -> None:
        """Read those that lie so far behind some places in some bytes."""
        self._data = data
        self._places = places
        self._offset = offset
        self._layout = layout
        row = f"<{offset}x{_ROW}{layout.format}"
        rows = Struct(f"{row}{places.step - Struct(row).size}x").iter_unpack(
            memoryview(data)[places.start : places.stop]
        )
        self.idents: Column
        self.digests: Column
        self.idents, self.digests, *self._columns = zip(*rows, strict=True)

    @property
    def worker(self) -> bytes:
        """The worker that wrote them."""
        return bytes(self.idents[0][:8])

    def frames(self) -> Iterator[RunFrame]:
        """Yield each for itself."""
        for ident, digest, place in zip(self.idents, self.digests, self._places, strict=True):
            at = place + self._offset
            _, _, _, length, _, kind, _ = HEADER.unpack_from(self._data, at)
            begin = at + HEADER.size
            yield ident, kind, digest, self._data[begin : begin + length]

    def records(self, worker: str) -> list[Record | None]:
        """Return their records, with this text for the worker; None for a damaged one."""
        try:
            return list(self._layout.records(self._columns, worker))
        except ValueError:
            return [unpack_if_sound(packed, worker) for *_, packed in self.frames()]

    def times(self) -> RunTimes:
        """Return what they took."""
        fields = ("start", "duration", "cpu", "memory")
        columns = (self._layout.column(field, self._columns) for field in fields)
        name, worker = self._layout.name, self.worker.hex()
        return RunTimes(name, worker, RunState.FINISHED, self.digests, *columns)


def stretches_at(data: bytes, at: int, end: int) -> tuple[list[Stretch], int]:
    """Return the stretches that begin there, and where they end; none if it does not pay.

    Frames lie there, and were found sound, up to the end.
    """
    layouts, step = _turn_at(data, at, end)
    for most in (_LEAST, (end - at) // step if step else 0):
        count = most
        for offset, layout in layouts.items():
            count = _alike(data, at + offset, step, count, layout)
        if count < _LEAST:
            return [], at
    places = range(at, at + count * step, step)
    found = [Stretch(data, places, offset, layout) for offset, layout in layouts.items()]
    return found, places.stop


def _turn_at(data: bytes, at: int, end: int) -> tuple[dict[int, Layout], int]:
    """Return the layouts of the frames that come in turn there, and the length of one turn.

    They are known by where they lie in it.  There are none if no frame is like the first again.
    """
    found, first, place = dict[int, Layout](), None, at
    while len(found) <= _MOST_IN_TURN and place + HEADER.size <= end:
        _, _, length, record_length, _, kind, _ = HEADER.unpack_from(data, place)
        begin = place + HEADER.size
        layout = layout_of(data[begin : begin + record_length]) if kind in RESULTS else None
        if layout is None:
            break
        this = length, kind, layout
        if this == first:
            return found, place - at
        first = first or this
        found[place - at] = layout
        place = begin + length
    return {}, 0


def _alike(data: bytes, at: int, step: int, count: int, layout: Layout) -> int:
    """Return how many frames at equal distances have a layout, so many at most."""
    for place in (*_TELLING, *(HEADER.size + place for place in layout.telling)):
        column = data[at + place : at + count * step : step]
        count = len(column) - len(column.lstrip(column[:1]))
    return count
