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
from typing import Any, Final

from jug.hash.framing import content, sealed, text
from jug.hash.texts import Encoded, little, texts

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
    bytes: lambda value: b"b" + content(value),
    bytearray: lambda value: b"B" + content(value),
    type(...): lambda value: b".",
    type(NotImplemented): lambda value: b"!",
    Encoded: lambda value: value.encoding,  # type: ignore[attr-defined]
}
"""What holds no other value, and may stand anywhere."""

leaves: Final[dict[type, Atom]] = dict(atoms)
"""The atoms, and tasks: what may stand where jug looks for tasks."""

encoders: Final[dict[type, Encoder]] = {}
"""What holds other values; filled as types are met."""


# Containers

_MANY: Final = 64
"""So long is a list or tuple whose strings are encoded as one, if they are half of it."""


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
    """Return the encodings of all values, or of the strings as one and of the others."""
    apart = _strings_apart(values)
    if apart is None:
        return (yield from each(values))
    return [*apart[0], *(yield from each(apart[1]))]


def _strings_apart(values: list[Any] | tuple[Any, ...]) -> tuple[list[bytes], list[Any]] | None:
    """Return the encoding of most values, which are strings, and the others; None for few."""
    if len(values) < _MANY:
        return None
    kinds = [*map(type, values)]
    others = len(kinds) - kinds.count(str)
    if 2 * others > len(kinds):
        return None
    try:
        if not others:
            return [texts(values)], []
        strings = [value for value, kind in zip(values, kinds, strict=True) if kind is str]
        places = little("Q", (i for i, kind in enumerate(kinds) if kind is not str))
        parts = [texts(strings), b"P" + content(places.tobytes())]
    except OverflowError:  # a string of gigabytes
        return None
    return parts, [value for value, kind in zip(values, kinds, strict=True) if kind is not str]


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
    return sealed(b"t", (yield from in_order(values)))


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


# Containers of nothing but leaves, the common case: no walk is needed


def _flat_items(values: Any) -> list[bytes]:
    apart = _strings_apart(values)
    known, others = apart if apart is not None else ([], values)
    return [*known, *[leaves[type(v)](v) for v in others]]


def _flat_dict(values: dict[Any, Any]) -> bytes:
    return sealed(b"m", sorted([atoms[type(k)](k) + leaves[type(v)](v) for k, v in values.items()]))


flat: Final[dict[type, Atom]] = {
    list: lambda values: sealed(b"l", _flat_items(values)),
    tuple: lambda values: sealed(b"t", _flat_items(values)),
    dict: _flat_dict,
}
"""Raise KeyError where something inside is not a leaf."""
