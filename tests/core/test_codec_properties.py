"""What holds for every value and every damage."""

from __future__ import annotations

import struct
from collections import Counter, OrderedDict, deque
from datetime import timedelta, timezone
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from jug.codec import decode, encode, verify
from jug.errors import DamagedResult


def floats() -> st.SearchStrategy[float]:
    """All bit patterns, NaNs with a payload among them."""
    return st.binary(min_size=8, max_size=8).map(lambda raw: struct.unpack("<d", raw)[0])


zones = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))

hashables = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.text(st.characters(exclude_categories=())),  # lone surrogates too
    st.binary(),
    st.datetimes(timezones=st.none() | zones),
    st.timedeltas(),
    st.decimals(allow_nan=False),
    st.fractions(),
    st.uuids(),
    st.sampled_from([int, len, struct.Struct, ..., NotImplemented]),
)

dtypes = (
    hnp.scalar_dtypes()
    | hnp.array_dtypes(allow_subarrays=False)
    | hnp.nested_dtypes(max_itemsize=300)
)


@st.composite
def arrays(draw: st.DrawFn) -> np.ndarray[Any, Any]:
    """Arrays of any bytes, and views of them in any layout."""
    dtype = draw(dtypes)
    shape = draw(hnp.array_shapes(min_dims=0, min_side=0, max_side=40))
    seed = np.random.default_rng(draw(st.integers(0, 1000)))
    size = int(np.prod(shape)) * dtype.itemsize
    array = np.ndarray(shape, dtype, buffer=bytearray(seed.bytes(size) or b"\0"))
    array = array.transpose(draw(st.permutations(range(array.ndim))))
    steps = draw(st.lists(st.sampled_from([1, 1, 2, -1]), max_size=array.ndim))
    return array[(*(slice(None, None, step) for step in steps), ...)]


leaves = hashables | floats() | st.complex_numbers(allow_nan=False) | arrays()

values = st.recursive(
    leaves | st.binary(max_size=9000).map(bytearray),
    lambda inner: st.one_of(
        st.lists(inner),
        st.lists(inner).map(tuple),
        st.dictionaries(hashables, inner),
        st.dictionaries(hashables, inner).map(OrderedDict),
        st.sets(hashables),
        st.frozensets(hashables),
        st.lists(hashables).map(Counter),
        st.lists(inner).map(deque),
    ),
    max_leaves=12,
)


def same(one: Any, other: Any) -> bool:
    """Return whether type and content agree, floats by their bits."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        return struct.pack("<d", one) == struct.pack("<d", other)
    if isinstance(one, np.ndarray):
        return (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())
    if isinstance(one, dict):
        return same(list(one.items()), list(other.items()))
    if isinstance(one, list | tuple | deque):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, set | frozenset):
        return one == other and sorted(map(repr, one)) == sorted(map(repr, other))
    return bool(one == other) and repr(one) == repr(other)


@given(values)
def test_every_value_comes_back_as_it_went_in(value):
    assert same(decode(b"".join(encode(value))), value)


@given(values)
def test_every_value_comes_back_from_writable_memory(value):
    memory = bytearray(b"".join(encode(value)))

    verify(memory)

    assert same(decode(memory), value)


@given(arrays())
def test_an_array_keeps_the_order_of_its_memory(array):
    loaded = decode(b"".join(encode(array)))

    assert loaded.flags.fnc == (array.flags.fnc and array.nbytes > 0)


@given(values, st.data())
def test_every_wrong_byte_is_noticed(value, data):
    memory = bytearray(b"".join(encode(value)))
    at = data.draw(st.integers(0, len(memory) - 1))

    memory[at] ^= data.draw(st.integers(1, 255))

    for look in (decode, verify):
        with pytest.raises(DamagedResult):
            look(memory)


@given(values, st.data())
def test_every_missing_byte_is_noticed(value, data):
    memory = b"".join(encode(value))
    start = data.draw(st.integers(0, len(memory) - 1))
    stop = data.draw(st.integers(start + 1, len(memory)))

    cut = memory[:start] + memory[stop:]

    for look in (decode, verify):
        with pytest.raises(DamagedResult):
            look(cut)


@given(st.binary(max_size=200))
def test_bytes_that_are_no_encoding_are_not_a_value(junk):
    with pytest.raises(DamagedResult):
        decode(junk)
