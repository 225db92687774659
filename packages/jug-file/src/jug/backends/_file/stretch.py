"""Results that lie in a segment at equal distances, alike in everything but what they say.

A worker that runs tasks of one name mostly writes frames of one length, and one that runs tasks
of two or three names in turn writes such pairs or triples.  The records of all frames that recur
so are read at once, as columns.
"""

from __future__ import annotations

import re
import sys
from array import array
from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from itertools import accumulate, chain
from struct import Struct, calcsize
from typing import Any, Final, NamedTuple

from jug.backends._file.frames import DIGEST_AT, HEADER, IDENT_AT, IDENT_SIZE, MAGIC
from jug.backends._file.history import RESULTS
from jug.record_layout import Column, Layout, layout_of
from jug.records import Record, RunState, unpack_if_sound
from jug.run_times import RunTimes

__all__ = ["Finder", "RunFrame", "Stretch"]

RunFrame = tuple[bytes, int, bytes, bytes]
"""The id, kind, digest and record of a frame that tells of a run."""

_LEAST: Final = 8
"""From how many frames on it pays to read columns."""

_MOST_IN_TURN: Final = 4


class Stretch:
    """The frames of results of one worker and one name."""

    def __init__(self, data: bytes, places: range, offset: int, layout: Layout) -> None:
        """Read those that lie so far behind some places in some bytes."""
        self._data = data
        self._places = places
        self._offset = offset
        self._layout = layout

    @property
    def worker(self) -> bytes:
        """The worker that wrote them."""
        return self.idents[:8]

    @cached_property
    def idents(self) -> bytes:
        """Their ids, one after another."""
        return bytes(self._joined(IDENT_AT, IDENT_SIZE))

    @cached_property
    def digests(self) -> Sequence[bytes]:
        """Their tasks."""
        return list(chain.from_iterable(self._rows(f"{DIGEST_AT}x20s")))

    def frames(self) -> Iterator[RunFrame]:
        """Yield each for itself."""
        for place in self._places:
            at = place + self._offset
            _, _, _, length, ident, kind, digest = HEADER.unpack_from(self._data, at)
            begin = at + HEADER.size
            yield ident, kind, digest, self._data[begin : begin + length]

    def records(self, worker: str) -> list[Record | None]:
        """Return their records, with this text for the worker; None for a damaged one."""
        try:
            return list(self._layout.records([*self._columns(self._layout.fields)], worker))
        except ValueError:
            return [unpack_if_sound(packed, worker) for *_, packed in self.frames()]

    def times(self) -> RunTimes:
        """Return what they took."""
        name, worker = self._layout.name, self.worker.hex()
        columns = map(self._numbers, ("start", "duration", "cpu", "memory"))
        return RunTimes(name, worker, RunState.FINISHED, self.digests, *columns)

    def _numbers(self, field: str) -> array[Any]:
        """Return what a field of numbers is in all records, zeros if they have none of it."""
        found = self._layout.place_of(field)
        if found is None:
            return array("d", [0.0]) * len(self._places)
        place, code = found
        column = array(code)
        column.frombytes(self._joined(HEADER.size + place, column.itemsize))
        if sys.byteorder == "big":
            column.byteswap()
        return column

    def _joined(self, place: int, size: int) -> bytearray:
        """Return so many bytes from a place in each frame on, one after another.

        They are copied by as many steps as these are, however many the frames.
        """
        joined = bytearray(size * len(self._places))
        begin, last = (
            self._places.start + self._offset + place,
            self._places[-1] + self._offset + place,
        )
        for byte in range(size):
            joined[byte::size] = self._data[begin + byte : last + byte + 1 : self._places.step]
        return joined

    def _columns(self, fields: Sequence[str]) -> Iterator[Column]:
        """Return what some fields are in all records."""
        return zip(*self._rows(f"{HEADER.size}x{self._layout.format(fields)}"), strict=True)

    def _rows(self, format: str) -> Iterator[tuple[Any, ...]]:
        """Return what a format reads of each frame."""
        row = f"<{self._offset}x{format}"
        rest = self._places.step - calcsize(row)
        data = memoryview(self._data)[self._places.start : self._places.stop]
        return Struct(f"{row}{rest}x").iter_unpack(data)


class Finder:
    """Finds the stretches of a segment, of which the next is mostly like the last."""

    def __init__(self) -> None:
        self._turn: tuple[_Shape, ...] = ()

    def stretches_at(self, data: bytes, at: int, end: int) -> tuple[list[Stretch], int]:
        """Return the stretches that begin there, and where they end; none if it does not pay.

        Frames lie there, and were found sound, up to the end.
        """
        alike = self._alike(data, at, end) or self._anew(data, at, end)
        if alike is None:
            return [], at
        *offsets, step = accumulate((shape.size for shape in self._turn), initial=0)
        places = range(at, alike.end(), step)
        found = zip(offsets, self._turn, strict=True)
        return [Stretch(data, places, offset, shape.layout) for offset, shape in found], places.stop

    def _alike(self, data: bytes, at: int, end: int) -> re.Match[bytes] | None:
        """Return the frames from there on that come in turn as the last did."""
        return _pattern(self._turn).match(data, at, end) if self._turn else None

    def _anew(self, data: bytes, at: int, end: int) -> re.Match[bytes] | None:
        """Return the frames from there on that come in turn, as the first few do."""
        turn = _turn_at(data, at, end)
        if not turn:
            return None
        self._turn = turn
        return self._alike(data, at, end)


class _Shape(NamedTuple):
    """What frames that are alike have in common."""

    lengths: bytes
    """The two of their header: of what follows that, and of the record."""
    size: int
    """How long they are in all."""
    kind: int
    layout: Layout

    def pattern(self, worker: bytes) -> bytes:
        """Return what they match if their worker matches this."""
        header = b"%b.{4}%b%b.{4}%b.{20}" % (
            re.escape(MAGIC), re.escape(self.lengths), worker, re.escape(bytes([self.kind]))
        )  # fmt: skip
        payload = self.size - HEADER.size - self.layout.size
        return header + self.layout.pattern + b".{%d}" % payload


@lru_cache(maxsize=1024)
def _pattern(turn: tuple[_Shape, ...]) -> re.Pattern[bytes]:
    """Return what the frames of one worker match that come in turn, often enough."""
    worker, *others = b"(.{8})", *[rb"\1"] * (2 * len(turn) - 1)
    shapes = zip((*turn, *turn), (worker, *others), strict=True)
    each = [shape.pattern(worker) for shape, worker in shapes]
    first, again = b"".join(each[: len(turn)]), b"".join(each[len(turn) :])
    return re.compile(b"(?s)%b(?:%b){%d,}+" % (first, again, _LEAST - 1))


def _turn_at(data: bytes, at: int, end: int) -> tuple[_Shape, ...]:
    """Return of what shapes the frames are that come in turn there.

    There are none if no frame is like the first again.
    """
    found, place = list[_Shape](), at
    while len(found) <= _MOST_IN_TURN and place + HEADER.size <= end:
        shape = _shape_at(data, place)
        if shape is None:
            break
        if found and shape == found[0]:
            return tuple(found)
        found.append(shape)
        place += shape.size
    return ()


def _shape_at(data: bytes, at: int) -> _Shape | None:
    """Return of what shape a frame is, None for one that is read alone."""
    _, _, length, record_length, _, kind, _ = HEADER.unpack_from(data, at)
    begin = at + HEADER.size
    layout = layout_of(data[begin : begin + record_length]) if kind in RESULTS else None
    lengths = data[at + 8 : at + 16]
    return None if layout is None else _Shape(lengths, HEADER.size + length, kind, layout)
