"""Encodings of Python's own values, by type.

*Atoms* (numbers, strings) are encoded by a plain function each.  Whatever holds
other values has an *encoder*: a generator that yields every value that it holds,
is sent that value's encoding, and returns its own.  Thus no encoder calls
another, and values may be nested as deeply as memory allows.

Jug looks for tasks in lists, tuples and the values of dicts, and replaces them
by their results before a function is called.  A task anywhere else would reach
the function as a task.  So an encoder that is in ``looked_into`` yields what jug
does not look into, such as the keys of a dict, wrapped in ``Hidden``.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Generator
from operator import add
from typing import Any, Final

from jug.hash.framing import content, memory, sealed, text
from jug.hash.packed import MANY, packed
from jug.hash.shared import LONG_TUPLE, keep_tuple, recall
from jug.hash.texts import Encoded

Atom = Callable[[Any], bytes]
Encoder = Callable[[Any], Generator[Any, bytes, bytes]]


# Atoms

_pack_int: Final = struct.Struct("<cq").pack
_pack_float: Final = struct.Struct("<cd").pack
_pack_complex: Final = struct.Struct("<cdd").pack
_NAN: Final = float("nan")


def _int(value: int) -> bytes:
    try:
        return _pack_int(b"i", value)
    except struct.error:
        size = value.bit_length() // 8 + 1
        return b"I" + content(value.to_bytes(size, "little", signed=True))


def _float(value: float) -> bytes:
    return _pack_float(b"d", value if value == value else _NAN)


def _complex(value: complex) -> bytes:
    real, imag = value.real, value.imag
    return _pack_complex(b"c", real if real == real else _NAN, imag if imag == imag else _NAN)


atoms: Final[dict[type, Atom]] = {
    type(None): lambda value: b"N",
    bool: lambda value: b"1" if value else b"0",
    int: _int,
    float: _float,
    complex: _complex,
    str: text,
    bytes: memory,
    bytearray: lambda value: b"B" + content(value),
    type(...): lambda value: b".",
    type(NotImplemented): lambda value: b"!",
    Encoded: lambda value: value.encoding,
}
"""What holds no other value, and may stand anywhere."""

leaves: Final[dict[type, Atom]] = dict(atoms)
"""The atoms, and tasks: what may stand where jug looks for tasks."""

encoders: Final[dict[type, Encoder]] = {}
"""What holds other values; filled as types are met."""


# Containers


class Hidden:
    """What jug does not look into, inside something that it does look into."""

    __slots__ = ("place", "value")

    def __init__(self, value: Any, place: str) -> None:
        self.value = value
        self.place = place


def _hidden(hidden: Hidden) -> Generator[Any, bytes, bytes]:
    return (yield hidden.value)


def each(values: Any) -> Generator[Any, bytes, list[bytes]]:
    """Return the encodings of all values, for ``yield from`` in an encoder."""
    parts = []
    for value in values:
        atom = atoms.get(type(value))
        parts.append(atom(value) if atom is not None else (yield value))
    return parts


def in_order(values: list[Any] | tuple[Any, ...]) -> Generator[Any, bytes, list[bytes]]:
    """Return the encodings of all values, of many packed together as far as they can be."""
    together = packed(values) if len(values) >= MANY else None
    if together is None:
        return (yield from each(values))
    return together[0] + (yield from each(together[1]))


def each_pair(pairs: Any) -> Generator[Any, bytes, list[bytes]]:
    """Return the encodings of keys, each followed by that of its value."""
    parts = []
    for key, value in pairs:
        atom = atoms.get(type(key))
        first = atom(key) if atom is not None else (yield Hidden(key, "a key of a 'dict'"))
        atom = atoms.get(type(value))
        parts.append(first + (atom(value) if atom is not None else (yield value)))
    return parts


def _list(values: list[Any]) -> Generator[Any, bytes, bytes]:
    return sealed(b"l", (yield from in_order(values)))


def _tuple(values: tuple[Any, ...]) -> Generator[Any, bytes, bytes]:
    known = recall(id(values)) if len(values) >= LONG_TUPLE else None
    return known or _kept(values, sealed(b"t", (yield from in_order(values))))


def _kept(values: tuple[Any, ...], encoding: bytes) -> bytes:
    """Return the encoding of a tuple, and keep it if the tuple is long and never changes."""
    return keep_tuple(values, encoding) if len(values) >= LONG_TUPLE else encoding


def _dict(values: dict[Any, Any]) -> Generator[Any, bytes, bytes]:
    return sealed(b"m", sorted((yield from each_pair(values.items()))))


def _set(values: set[Any]) -> Generator[Any, bytes, bytes]:
    return sealed(b"S", sorted((yield from each(values))))


def _frozenset(values: frozenset[Any]) -> Generator[Any, bytes, bytes]:
    return sealed(b"Z", sorted((yield from each(values))))


encoders.update({Hidden: _hidden, list: _list, tuple: _tuple, dict: _dict})
encoders.update({set: _set, frozenset: _frozenset})

looked_into: Final[set[Encoder]] = {_list, _tuple, _dict}
"""Encoders of that in which jug looks for tasks."""


# Containers of nothing but leaves and small such containers: no walk is needed

SMALL: Final = 8
"""A longer container is left to a walk, which remembers it."""
NESTED: Final = 2
"""So deep are small containers in each other that are encoded without a walk."""

Plain = Callable[[Any, dict[type, Atom], int], "bytes | None"]


def _plain_items(values: Any, table: dict[type, Atom], depth: int) -> list[bytes] | None:
    together = packed(values) if len(values) >= MANY else None
    if together is None:
        return _plain_parts(values, table, depth)
    parts = _plain_parts(together[1], table, depth)
    return None if parts is None else together[0] + parts


def _plain_parts(values: Any, table: dict[type, Atom], depth: int) -> list[bytes] | None:
    try:
        return [table[type(value)](value) for value in values]
    except KeyError:  # there are not only leaves
        parts = []
    for value in values:
        leaf = table.get(type(value))
        part = leaf(value) if leaf is not None else small(value, table, depth)
        if part is None:
            return None
        parts.append(part)
    return parts


def _plain_list(values: list[Any], table: dict[type, Atom], depth: int) -> bytes | None:
    parts = _plain_items(values, table, depth)
    return None if parts is None else sealed(b"l", parts)


def _plain_tuple(values: tuple[Any, ...], table: dict[type, Atom], depth: int) -> bytes | None:
    known = recall(id(values)) if len(values) >= LONG_TUPLE else None
    if known is not None:
        return known
    parts = _plain_items(values, table, depth)
    return None if parts is None else _kept(values, sealed(b"t", parts))


def _plain_dict(values: dict[Any, Any], table: dict[type, Atom], depth: int) -> bytes | None:
    keys = _plain_parts(values, atoms, 0)
    parts = _plain_parts(values.values(), table, depth) if keys is not None else None
    if keys is None or parts is None:
        return None
    return sealed(b"m", sorted(map(add, keys, parts)))


plain: Final[dict[type, Plain]] = {list: _plain_list, tuple: _plain_tuple, dict: _plain_dict}
"""Encoders without a walk; they return None where something inside needs one."""


def small(value: Any, table: dict[type, Atom], depth: int = NESTED) -> bytes | None:
    """Return the encoding of a small container that needs no walk, else None."""
    encode = plain.get(type(value))
    if encode is None or not depth or len(value) > SMALL:
        return None
    return encode(value, table, depth - 1)
