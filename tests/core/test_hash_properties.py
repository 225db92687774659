"""Two values have one hash exactly if they are the same by type and content."""

from __future__ import annotations

import copy
import pickle
import struct
from collections import Counter
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from jug.hash import digest_one, hash_update, new_hash_object, task_digest


def f() -> None: ...


class Point(NamedTuple):
    x: Any
    y: Any


@dataclass
class Data:
    x: Any
    y: Any = None


class Thing:
    def __init__(self, x: Any) -> None:
        self.x = x


def form(value: Any) -> Any:
    """Return the same, comparable value for values that are the same by type and content.

    This says what the hash promises, without any of its means.
    """
    kind = type(value)
    if kind is float:
        return kind, struct.pack("d", value) if value == value else "nan"
    if kind is complex:
        return kind, form(value.real), form(value.imag)
    if kind in (list, tuple, Point):
        return kind, tuple(map(form, value))
    if kind in (set, frozenset):
        return kind, frozenset(Counter(map(form, value)).items())
    if kind is dict:
        return kind, frozenset(Counter((form(k), form(v)) for k, v in value.items()).items())
    if kind in (Data, Thing):
        return kind, form(vars(value))
    return kind, str(value)


# Few letters and numbers, so that values are often the same, or nearly
ATOMS = (
    st.none()
    | st.booleans()
    | st.sampled_from([0, 1, -1, 255, 256, 2**31, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 2**64])
    | st.integers()
    | st.sampled_from([0.0, -0.0, 1.0, -1.0, float("nan"), float("inf")])
    | st.floats()
    | st.sampled_from([0j, 1 + 0j, complex(0, -0.0), complex("nan")])
    | st.text("ab0\0", max_size=3)
    | st.binary(max_size=2)
    | st.sampled_from([Decimal("1"), Decimal("1.0"), Fraction(1), Fraction(1, 2), date(2024, 1, 1)])
)


def hashable(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return (
        st.tuples(inner)
        | st.tuples(inner, inner)
        | st.builds(Point, inner, inner)
        | st.frozensets(inner, max_size=3)
    )


KEYS = st.recursive(ATOMS, hashable, max_leaves=4)


def containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return (
        st.lists(inner, max_size=3)
        | hashable(KEYS)
        | st.tuples(inner, inner)
        | st.sets(KEYS, max_size=3)
        | st.dictionaries(KEYS, inner, max_size=3)
        | st.builds(Point, inner, inner)
        | st.builds(Data, inner)
        | st.builds(Data, inner, inner)
        | st.builds(Thing, inner)
    )


VALUES = st.recursive(ATOMS, containers, max_leaves=8)


@st.composite
def near_pairs(draw: st.DrawFn) -> tuple[Any, Any]:
    """Return two values that differ in one place, if at all."""
    first, second = draw(ATOMS), draw(ATOMS)
    for wrap in draw(st.lists(st.sampled_from(WRAPS), max_size=4)):
        beside = draw(ATOMS)
        first, second = wrap(first, beside), wrap(second, beside)
    return first, second


WRAPS = [
    lambda value, beside: [value],
    lambda value, beside: [value, beside],
    lambda value, beside: [beside, value],
    lambda value, beside: (beside, value),
    lambda value, beside: {"a": value, "b": beside},
    lambda value, beside: Point(value, beside),
    lambda value, beside: Data(value, beside),
    lambda value, beside: Thing(value),
    lambda value, beside: [[value], [beside]],
]


def same_hash(first: Any, second: Any) -> bool:
    return digest_one(first) == digest_one(second)


@given(VALUES, VALUES)
def test_any_two_values(first: Any, second: Any) -> None:
    assert same_hash(first, second) == (form(first) == form(second))


@given(near_pairs())
def test_two_values_that_differ_in_one_place(pair: tuple[Any, Any]) -> None:
    first, second = pair

    assert same_hash(first, second) == (form(first) == form(second))


@given(VALUES)
def test_a_value_and_its_copies(value: Any) -> None:
    assert same_hash(value, copy.deepcopy(value))
    assert same_hash(value, pickle.loads(pickle.dumps(value)))


@given(VALUES)
def test_a_value_and_its_copy_side_by_side_or_shared(value: Any) -> None:
    assert same_hash([value, value], [value, copy.deepcopy(value)])
    assert same_hash([value, [value]], copy.deepcopy([value, [value]]))


@given(st.dictionaries(KEYS, ATOMS, max_size=5), st.randoms(use_true_random=False))
def test_dicts_of_any_order(items: dict[Any, Any], random: Any) -> None:
    shuffled = list(items.items())
    random.shuffle(shuffled)

    assert same_hash(items, dict(shuffled))


TEXTS = st.lists(st.text("as", max_size=3), max_size=4)  # strings have the tag s


@given(TEXTS, TEXTS)
def test_borders_between_strings(first: list[str], second: list[str]) -> None:
    assert same_hash(first, second) == (first == second)
    assert same_hash([first, second], [[*first, *second]]) is False


ARGUMENTS = st.lists(ATOMS | st.lists(ATOMS, max_size=2), max_size=3).map(tuple)
KEYWORDS = st.dictionaries(st.sampled_from(["a", "b", "ab"]), ATOMS, max_size=2)
CALLS = st.tuples(st.sampled_from(["", "f", "ff"]), ARGUMENTS, KEYWORDS)


@given(CALLS, CALLS)
def test_any_two_calls(first: Any, second: Any) -> None:
    (name, args, kwargs), (other_name, other_args, other_kwargs) = first, second

    alike = task_digest(name, f, args, kwargs) == task_digest(
        other_name, f, other_args, other_kwargs
    )

    assert alike == (form(first) == form(second))


UPDATES = st.lists(st.tuples(st.text("ab", max_size=2), ATOMS), max_size=3)


@given(UPDATES, UPDATES)
def test_any_two_lists_of_updates(first: list[Any], second: list[Any]) -> None:
    def total(updates: list[Any]) -> bytes:
        M = new_hash_object()
        hash_update(M, updates)
        return M.digest()

    assert (total(first) == total(second)) == (form(first) == form(second))


# Arrays

DTYPES = (
    hnp.scalar_dtypes()
    | hnp.unicode_string_dtypes(max_len=3)
    | hnp.byte_string_dtypes(max_len=3)
    | hnp.array_dtypes(hnp.integer_dtypes() | hnp.floating_dtypes(), max_size=2)
)
ARRAYS = hnp.arrays(DTYPES, hnp.array_shapes(min_dims=0, min_side=0, max_dims=3, max_side=3))


@given(ARRAYS)
def test_an_array_in_any_layout(array: Any) -> None:
    backwards = np.ascontiguousarray(array[..., ::-1])[..., ::-1] if array.ndim else array

    assert same_hash(array, array.copy("C"))
    assert same_hash(array, array.copy("F"))
    assert same_hash(array, backwards)
    assert same_hash(array, array.astype(array.dtype.newbyteorder(">")))


@given(ARRAYS, ARRAYS)
def test_any_two_arrays(first: Any, second: Any) -> None:
    def looks(array: Any) -> Any:
        native = array.astype(array.dtype.newbyteorder("="))
        return native.dtype, native.shape, [x.tobytes() for x in fields(native)]

    assert same_hash(first, second) == (looks(first) == looks(second))


def fields(array: Any) -> list[Any]:
    return [array[name] for name in array.dtype.names] if array.dtype.names else [array]


@given(hnp.arrays("i4", st.integers(1, 20)), st.data())
def test_an_array_with_one_element_changed(array: Any, data: st.DataObject) -> None:
    changed = array.copy()
    changed[data.draw(st.integers(0, len(array) - 1))] ^= 1

    assert not same_hash(array, changed)


@pytest.mark.parametrize("kind", ["f8", "c16", "M8[s]", "U2", "i4,f8", "g", "G", "S3", "?", "O"])
def test_an_array_is_not_its_list_nor_another_shape(kind: str) -> None:
    array = np.zeros(4, kind)

    assert not same_hash(array, array.tolist())
    assert not same_hash(array, array.reshape(2, 2))
    assert not same_hash(array[0], array[:1])
