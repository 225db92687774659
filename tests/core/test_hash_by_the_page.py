"""Hashes made anew from what docs/hashing.md says byte by byte, and from nothing else."""

from __future__ import annotations

import struct
from hashlib import blake2b, sha256
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jug.hash import hash_one

MIB_4 = 4194304


def by_the_page(value: Any) -> bytes:
    return short_digest(b"jug2:value:" + encoding(value)).hex().encode()


def short_digest(data: bytes) -> bytes:
    return blake2b(data, digest_size=20).digest()


def long_digest(data: bytes) -> bytes:
    return sha256(data).digest()[:20]


def number(n: int, size: int = 8) -> bytes:
    return n.to_bytes(size, "little", signed=True)


def content(data: bytes, chunk: int = MIB_4) -> bytes:
    if len(data) <= 4096:
        return number(len(data)) + data
    if len(data) > MIB_4:
        cuts = range(0, len(data), chunk)
        data = b"".join(long_digest(data[at : at + chunk]) for at in cuts)
        return number(cuts.stop) + long_digest(data)
    return number(len(data)) + long_digest(data)


def utf8(string: str) -> bytes:
    return string.encode("utf-8", "surrogatepass")


def floating(value: float) -> bytes:
    return struct.pack("<d", value if value == value else float("nan"))


def items(values: Any) -> list[bytes]:
    strings = [value for value in values if type(value) is str]
    others = [(at, value) for at, value in enumerate(values) if type(value) is not str]
    if len(values) >= 64 and len(strings) >= len(others):
        lengths = b"".join(number(len(string), 4) for string in strings)
        texts = b"T" + long_digest(lengths) + long_digest(b"".join(map(utf8, strings)))
        places = [b"P" + content(b"".join(number(at) for at, _ in others))] if others else []
        return [texts, *places, *(encoding(value) for _, value in others)]
    if len(values) >= 64 and all(type(v) is int and -(2**63) <= v < 2**63 for v in values):
        return [b"q" + content(b"".join(map(number, values)))]
    if len(values) >= 64 and all(type(v) is float for v in values):
        return [b"r" + content(b"".join(map(floating, values)))]
    return [*map(encoding, values)]


def sealed(tag: bytes, parts: list[bytes]) -> bytes:
    return tag + short_digest(number(len(parts)) + b"".join(parts))


def encoding(value: Any) -> bytes:
    match value:
        case None | True | False:
            return {None: b"N", True: b"1", False: b"0"}[value]
        case int() if -(2**63) <= value < 2**63:
            return b"i" + number(value)
        case int():
            return b"I" + content(number(value, value.bit_length() // 8 + 1))
        case float():
            return b"d" + floating(value)
        case complex():
            return b"c" + floating(value.real) + floating(value.imag)
        case str():
            return b"s" + content(utf8(value))
        case bytes():
            return b"b" + content(value)
        case bytearray():
            return b"B" + content(bytes(value))
        case list():
            return sealed(b"l", items(value))
        case tuple():
            return sealed(b"t", items(value))
        case dict():
            return sealed(b"m", sorted(encoding(k) + encoding(v) for k, v in value.items()))
        case set():
            return sealed(b"S", sorted(map(encoding, value)))
        case frozenset():
            return sealed(b"Z", sorted(map(encoding, value)))
        case np.ndarray():
            return sealed(b"A", [encoding(value.dtype.str[1:]), encoding(value.shape), raw(value)])
    raise TypeError(type(value))


def raw(array: Any) -> bytes:
    if array.dtype.kind == "O":
        return sealed(b"l", items(array.ravel().tolist()))
    little = array.astype(array.dtype.newbyteorder("<"))
    return content(little.tobytes("C"), MIB_4 // array.itemsize * array.itemsize)


ATOMS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**80), 2**80)
    | st.floats()
    | st.complex_numbers()
    | st.text("a\0é\ud800\udc00\U00010000", max_size=3)
    | st.binary(max_size=3)
    | st.binary(max_size=3).map(bytearray)
)
KEYS = st.none() | st.integers() | st.text(max_size=2) | st.tuples(st.integers())


def longer(values: list[Any]) -> list[Any]:
    """Return about as many of the values as are packed, and not at one length only."""
    return (values * 66)[: 62 + len(values) % 4]


VALUES = st.recursive(
    ATOMS,
    lambda inner: (
        st.lists(inner, max_size=9)
        | st.lists(inner, max_size=9).map(tuple)
        | st.lists(inner, min_size=1, max_size=4).map(longer)
        | st.lists(inner, min_size=1, max_size=4).map(longer).map(tuple)
        | st.dictionaries(KEYS, inner, max_size=9)
        | st.sets(KEYS, max_size=3)
        | st.frozensets(KEYS, max_size=3)
    ),
    max_leaves=12,
)


@given(VALUES)
def test_any_value(value: Any) -> None:
    assert hash_one(value) == by_the_page(value)


ITEMS: dict[str, Any] = {
    "strings": lambda n: [f"{i}" for i in range(n)],
    "half strings": lambda n: ["a", None] * (n // 2) + [1] * (n % 2),
    "fewer strings": lambda n: [None, "a"] * (n // 2 - 1) + [1] * (n % 2 + 2),
    "integers": lambda n: [-(2**63), *range(n - 2), 2**63 - 1],
    "integers and a bool": lambda n: [*range(n - 1), True],
    "integers and a large one": lambda n: [*range(n - 1), 2**63],
    "floats": lambda n: [-0.0, *[0.5] * (n - 2), float("nan")],
    "floats without a sum": lambda n: [float("inf"), float("-inf"), *[0.5] * (n - 2)],
    "floats and an integer": lambda n: [*[0.5] * (n - 1), 1],
    "small lists": lambda n: [[i, ("a", [None])] for i in range(n)],
}


@pytest.mark.parametrize("make", ITEMS.values(), ids=ITEMS)
@pytest.mark.parametrize("count", [63, 64, 65, 513, 1023, 1024, 4097])
def test_containers_about_each_threshold(make: Any, count: int) -> None:
    values = make(count)
    assert len(values) == count

    for value in (values, tuple(values), [values, {1}], np.array([*values, None], object)[:-1]):
        if not (isinstance(value, np.ndarray) and value.ndim > 1):
            assert hash_one(value) == by_the_page(value)


@pytest.mark.parametrize("size", [4095, 4096, 4097, 65535, 65536, MIB_4 - 1, MIB_4, MIB_4 + 1])
def test_content_about_each_threshold(size: int) -> None:
    data = (bytes(range(128)) * (size // 128 + 1))[:size]

    for value in (data, bytearray(data), data.decode(), [data, {1}], np.frombuffer(data, "u1")):
        assert hash_one(value) == by_the_page(value)


@pytest.mark.parametrize("dtype", ["i8", ">f8", "V24", "U3"])
@pytest.mark.parametrize("more", [-1, 0, 1, MIB_4])
def test_arrays_about_the_size_of_a_chunk(dtype: str, more: int) -> None:
    size = np.dtype(dtype).itemsize
    array = np.frombuffer(bytes(2 * MIB_4 + size), "u1")[: (MIB_4 + more) // size * size + size]
    array = array.view(dtype)

    for value in (array, array[::-1], array[: len(array) // 3 * 3].reshape(3, -1).T):
        assert hash_one(value) == by_the_page(value)
