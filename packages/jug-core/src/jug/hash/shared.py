"""Encodings of long values that can't be changed, for the next task that is given them.

A string of megabytes that a thousand tasks share is hashed once.  An encoding is kept
with the object that it is of, so that no other object has its address meanwhile, and
is given for this very object alone.  So nothing that can be changed may be kept here:
only strings, bytes, tuples of nothing but such, and arrays over a memoryview of a bytes
object.  An array that owns its memory can be made writable, changed and made read-only
again, and nothing would tell that; one from a pickle is over a bytes object, and writable.

What nobody else holds any more is let go when something large is added.
"""

from __future__ import annotations

from collections.abc import Hashable
from sys import getrefcount, getsizeof
from typing import Any, Final

LONG: Final = 1 << 16
"""Shorter content is hashed as soon as it is found here."""
LONG_TUPLE: Final = 1 << 10

_LARGE: Final = 1 << 20
_MOST: Final = 128
_MOST_BYTES: Final = 1 << 28

_UNCHANGING: Final = {type(None), bool, int, float, complex, str, bytes, type(...), tuple}

_Entry = tuple[Any, int, bytes]
_known: dict[Hashable, _Entry] = {}
"""What is kept alive, its size, and the encoding."""


def recall(key: Hashable) -> bytes | None:
    """Return the encoding that was kept under the address of an object, None if there is none."""
    found = _known.get(key)
    return None if found is None else found[2]


def keep(key: Hashable, held: str | bytes, encoding: bytes) -> bytes:
    """Keep and return an encoding; the key holds the address of what is held."""
    _keep(key, held, getsizeof(held), encoding)
    return encoding


def keep_tuple(values: tuple[Any, ...], encoding: bytes) -> bytes:
    """Return the encoding of a tuple, and keep it if there is nothing in it that can be changed."""
    size = _size_if_unchanging(values)
    if size is not None:
        _keep(id(values), values, size, encoding)
    return encoding


def _size_if_unchanging(values: tuple[Any, ...]) -> int | None:
    """Return how large a tuple is with all in it, None if something in it can be changed."""
    size, stack, seen = 0, [values], {id(values)}
    while stack:
        one = stack.pop()
        kinds = {*map(type, one)}
        if not kinds <= _UNCHANGING:
            return None
        size += getsizeof(one) + sum(map(getsizeof, one))
        if tuple in kinds:
            inner = {id(part): part for part in one if type(part) is tuple and id(part) not in seen}
            seen.update(inner)
            stack += inner.values()
    return size


def _keep(key: Hashable, held: Any, size: int, encoding: bytes) -> None:
    if size >= _LARGE or len(_known) >= _MOST:
        _make_room(size)
    if size <= _MOST_BYTES:
        _known[key] = (held, size, encoding)


def _make_room(size: int) -> None:
    alone = _references((object(), 0, b""))
    for key, entry in [*_known.items()]:
        if _references(entry) <= alone:
            _known.pop(key, None)
    if len(_known) >= _MOST or size + sum(entry[1] for entry in [*_known.values()]) > _MOST_BYTES:
        _known.clear()


def _references(entry: _Entry) -> int:
    return getrefcount(entry[0])
