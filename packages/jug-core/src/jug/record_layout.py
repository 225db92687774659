"""Records of one layout, many at a time.

Records of tasks of one name mostly have the same fields, of the same lengths.  Where they lie at
equal distances `struct` reads them as columns, without a step of Python for each, in a third of
the time.  Few of their bytes tell whether they are alike: the head of each field, which is its
tag and its length, and the name.  A pattern looks for these alone, however many records follow.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import repeat
from struct import calcsize
from struct import error as StructError
from typing import Any, Final, NamedTuple

from jug.records import FIELD, MEASURES, MEASURES_TAG, NUMBERS, TEXTS, Record

__all__ = ["Column", "Layout", "layout_of"]

Column = Sequence[Any]
"""What one field is in each of some records."""

_NAME_TAG: Final = 1
DECISIVE: Final = ("worker", "state", "source")
"""Fields that say whose run it was and what became of it, where a frame does not."""
_NOTHING: Final = Record()


class Layout(NamedTuple):
    """Where the fields of packed records lie."""

    name: str
    """The name of their tasks."""
    codes: tuple[tuple[str, str], ...]
    """What a record consists of, in order: fields, or nothing, with codes of `struct` for them."""
    size: int
    """How many bytes one takes."""
    pattern: bytes
    """What all of them match, as a regular expression in which a dot is any byte."""

    @property
    def fields(self) -> list[str]:
        """Which fields of a `Record` can be read, in order."""
        return [field for field, _ in self.codes if field]

    def place_of(self, field: str) -> tuple[int, str] | None:
        """Return where a field begins in a record, and its code; None if it has none.

        >>> from jug.records import pack
        >>> layout = layout_of(pack(Record("m.f")))
        >>> layout.place_of("duration"), layout.place_of("cpu")
        ((8, 'd'), None)
        """
        place = 0
        for name, code in self.codes:
            if name == field:
                return place, code
            place += calcsize(f"<{code}")
        return None

    def format(self, fields: Collection[str]) -> str:
        """Return how `struct` reads some of the fields, without the sign of the byte order.

        >>> from jug.records import pack
        >>> layout_of(pack(Record("m.f"))).format(["duration", "cpu"])
        '8xd8x8x5x3x'
        """
        return "".join(
            code if field in fields else f"{calcsize('<' + code)}x" for field, code in self.codes
        )

    def records(self, columns: Sequence[Column], worker: str) -> Iterator[Record]:
        """Return the records of one worker whose columns these are.

        Raises ValueError if a text is damaged.

        >>> from jug.records import pack
        >>> layout = layout_of(pack(Record("m.f")))
        >>> [record.start for record in layout.records([(1.5, 2.5), (0, 0), (24, 24), (0, 0)], "")]
        [1.5, 2.5]
        """
        record = _NOTHING._replace(name=self.name, worker=worker)
        fields: dict[str, Iterable[Any]] = {
            name: repeat(value) for name, value in record._asdict().items()
        }
        fields |= zip(self.fields, map(_decoded, columns), strict=True)
        new_record = tuple.__new__  # a third of the time that the class takes
        return map(new_record, repeat(Record), zip(*fields.values(), strict=False))


def layout_of(packed: bytes) -> Layout | None:
    """Return the layout of a record.

    None if it says more that matters, as who ran it, what became of it, or that it was brought
    over, and for bytes that are none.

    >>> from jug.records import pack
    >>> layout = layout_of(pack(Record("m.f", 1.5, 0.25)))
    >>> layout.name, layout.fields, layout.size
    ('m.f', ['start', 'duration', 'size', 'memory'], 40)
    >>> layout_of(b"torn") is None
    True
    """
    return _layout_of_fields(packed[NUMBERS.size :])


@lru_cache(maxsize=1024)
def _layout_of_fields(packed: bytes) -> Layout | None:
    name, pattern, at = "", b".{%d}" % NUMBERS.size, 0
    codes = [*zip(("start", "duration", "size", "memory"), NUMBERS.format[1:], strict=True)]
    try:
        while at < len(packed):
            tag, length = FIELD.unpack_from(packed, at)
            begin, end = at + FIELD.size, at + FIELD.size + length
            if end > len(packed):
                return None
            if tag == _NAME_TAG:
                name = str(packed[begin:end], "utf-8")
            told = end if tag == _NAME_TAG else begin
            pattern += re.escape(packed[at:told]) + b".{%d}" % (end - told)
            codes += [("", f"{FIELD.size}x"), *_codes(tag, length)]
            at = end
    except (StructError, ValueError):
        return None
    fields = [field for field, _ in codes if field]
    is_plain = len({*fields, *DECISIVE}) == len(fields) + len(DECISIVE)
    if not packed or not is_plain:
        return None
    return Layout(name, tuple(codes), NUMBERS.size + len(packed), pattern)


def _codes(tag: int, length: int) -> Iterable[tuple[str, str]]:
    """Return what of a record the field of a tag is, with the codes for it."""
    if tag == MEASURES_TAG:
        if length != MEASURES.size:
            raise ValueError("measures of a later version")
        return zip(("cpu", "growth", "attempt"), MEASURES.format[1:], strict=True)
    if tag in TEXTS and tag != _NAME_TAG:
        return [(TEXTS[tag], f"{length}s")]
    return [("", f"{length}x")]


def _decoded(column: Column) -> Iterable[Any]:
    """Return a column with its texts as such."""
    first = column[0]
    if not isinstance(first, bytes):
        return column
    if column.count(first) == len(column):
        return repeat(str(first, "utf-8"))
    return [str(text, "utf-8") for text in column]
