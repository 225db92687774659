"""Long lists and tuples of strings or numbers, whose items are encoded together.

To encode a short string is mostly work that is done for each.  So a list that is long
enough is packed: its strings as two streams of bytes (`texts`), with the places of
what is no string, or its numbers as they would lie in an array.  Whether a list is
packed follows from its items alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import compress
from typing import Any, Final

from jug.hash.framing import content
from jug.hash.texts import little, texts

MANY: Final = 64
"""A shorter list or tuple is not packed."""

_NAN: Final = float("nan")

Packed = tuple[list[bytes], Sequence[Any]]
"""Encodings of what was packed, and the values that are left."""


def packed(values: list[Any] | tuple[Any, ...]) -> Packed | None:
    """Return what can be packed of at least MANY values; None if that is nothing."""
    kinds = [*map(type, values)]
    try:
        if 2 * kinds.count(str) >= len(kinds):
            return _strings(values, kinds)
        pack = _NUMBERS.get(kinds[0])
        if pack is not None and kinds.count(kinds[0]) == len(kinds):
            return [pack(values)], ()
    except OverflowError:  # a number of more than 64 bits, a string of gigabytes
        pass
    return None


def _strings(values: list[Any] | tuple[Any, ...], kinds: list[type]) -> Packed:
    if kinds.count(str) == len(kinds):
        return [texts(values)], ()
    others = [kind is not str for kind in kinds]
    places = little("Q", compress(range(len(kinds)), others))
    strings = [value for value, kind in zip(values, kinds, strict=True) if kind is str]
    where = b"P" + content(memoryview(places).cast("B"))
    return [texts(strings), where], [*compress(values, others)]


def _integers(values: Sequence[int]) -> bytes:
    return b"q" + content(memoryview(little("q", values)).cast("B"))


def _floats(values: Sequence[float]) -> bytes:
    total = sum(values)
    if total != total:  # there may be a NaN
        values = [value if value == value else _NAN for value in values]
    return b"r" + content(memoryview(little("d", values)).cast("B"))


_NUMBERS: Final[dict[type, Callable[[Any], bytes]]] = {int: _integers, float: _floats}
