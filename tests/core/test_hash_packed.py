"""Long lists of strings and numbers, and columns of strings, are hashed together, not less."""

from __future__ import annotations

import functools
import pickle
import types
from typing import Any, NamedTuple

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import polars as pl
import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jug.errors import HashError
from jug.hash import framing, hash_one, packed, shared, task_texts, texts


class Pair(NamedTuple):
    one: Any
    other: Any


def f() -> None: ...


def all_differ(values: list[Any]) -> bool:
    return len({hash_one(value) for value in values}) == len(values)


def form(values: Any) -> Any:
    """Return the same for lists of the same types and contents."""
    return type(values), [(type(v), repr(v)) for v in values]


LONG = packed.MANY
MISSING = [None, float("nan"), pd.NA, pd.NaT, np.str_("a"), b"a", 0, False, ("a",)]
LETTERS = st.text("a\0\udcff\ud800\udc00\U00010000é", max_size=2)


@st.composite
def long_lists(draw: st.DrawFn) -> list[Any]:
    """Return a list of about as many values as are packed, most of them strings."""
    base = draw(st.sampled_from([["a"], ["a", "b"], ["a", None], [1], [1.5], [1, 1.5], [True]]))
    size = draw(st.sampled_from([LONG - 1, LONG, LONG + 1]))
    values = (base * size)[:size]
    kinds = LETTERS | st.sampled_from(MISSING) | st.integers() | st.floats()
    for at, value in draw(st.lists(st.tuples(st.integers(0, size - 1), kinds), max_size=3)):
        values[at] = value
    return values


@given(long_lists(), long_lists())
def test_any_two_long_lists(first: list[Any], second: list[Any]) -> None:
    assert (hash_one(first) == hash_one(second)) == (form(first) == form(second))
    for kind in (tuple, lambda values: [values, {1}]):  # with a walk and without
        alike = hash_one(kind(first)) == hash_one(kind(second))
        assert alike == (form(first) == form(second))


@given(long_lists())
def test_a_long_list_and_its_copies(values: list[Any]) -> None:
    copy = pickle.loads(pickle.dumps(values))

    assert hash_one(values) == hash_one(copy)
    assert hash_one([values, {1}]) == hash_one([copy, {1}])
    assert hash_one({"a": values}) == hash_one({"a": copy})
    assert hash_one(values) != hash_one(tuple(values))


@given(st.lists(LETTERS, min_size=LONG, max_size=LONG + 2), st.data())
def test_borders_between_packed_strings(strings: list[str], data: st.DataObject) -> None:
    joined = "".join(strings)
    cuts = data.draw(
        st.lists(
            st.integers(0, len(joined)), min_size=len(strings) - 1, max_size=len(strings) - 1
        ).map(sorted)
    )
    other = [joined[a:b] for a, b in zip([0, *cuts], [*cuts, len(joined)], strict=True)]

    assert (hash_one(strings) == hash_one(other)) == (strings == other)


def test_surrogates_alone_in_pairs_and_the_character_differ() -> None:
    rest = ["a"] * LONG

    assert all_differ(
        [
            [*pair, *rest]
            for pair in (["\ud800", "\udc00"], ["\ud800\udc00", ""], ["\U00010000", ""])
        ]
    )


def test_the_place_and_kind_of_what_is_no_string_counts() -> None:
    strings = ["a"] * LONG
    lists = [[*strings[:at], other, *strings[at:]] for at in (0, 1, LONG) for other in MISSING]

    assert all_differ([strings, *lists])
    assert all_differ([np.array(one, object) for one in lists])


def test_long_strings_hash_alike_however_they_are_put_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    strings = ["x" * 100, "\udcff", *["é"] * 10_000]
    expected = hash_one(strings)

    for at_once, chunk in ((1, framing.CHUNK), (100, framing.CHUNK), (100, 10)):
        monkeypatch.setattr(texts, "_AT_ONCE", at_once)
        monkeypatch.setattr(texts, "CHUNK", chunk)

        assert hash_one(list(strings)) == expected


def test_numbers_of_more_than_64_bits_are_not_packed() -> None:
    numbers = [0] * LONG

    assert all_differ([numbers, [*numbers[1:], 2**64], [*numbers[1:], 2**63], [*numbers[1:], -1]])
    assert all_differ([[*numbers[1:], other] for other in (0, False, 0.0, -0.0, np.int64(0))])


def test_all_nans_of_a_list_are_one() -> None:
    nan = np.array([0x7FF8000000000001], "u8").view("f8").tolist()[0]
    infinite = [float("inf"), float("-inf")]

    assert hash_one([nan] * LONG) == hash_one([float("nan")] * LONG)
    assert hash_one([*infinite, nan] * LONG) == hash_one([*infinite, -nan] * LONG)
    assert all_differ([[nan] * LONG, [1.0] * LONG, infinite * LONG, infinite[::-1] * LONG])


def test_a_set_or_dict_of_many_strings_has_no_order() -> None:
    names = [f"name {i}" for i in range(2 * LONG)]

    assert hash_one(set(names)) == hash_one(set(names[::-1]))
    assert hash_one(dict.fromkeys(names, "x")) == hash_one(dict.fromkeys(names[::-1], "x"))


def test_the_text_of_a_task_is_found_in_a_long_list_and_in_columns() -> None:
    mark = task_texts.mark_of("0123456789abcdef0123", "f")
    strings = [f"of f{mark}", *["a"] * LONG]

    for value in (strings, pl.Series(strings), pa.array(strings), pd.Series(strings, dtype="str")):
        with pytest.raises(HashError, match="holds the text of task 'f'"):
            hash_one(value)


# Columns

STRINGS = ["a", "", "é", "\0", "b\0c", *["name"] * LONG]
COLUMNS: dict[str, Any] = {
    "object": lambda values: pd.Series(values, dtype=object),
    "str": lambda values: pd.Series(values, dtype="str"),
    "python": lambda values: pd.Series(values, dtype="string[python]"),
    "pyarrow": lambda values: pd.Series(values, dtype="string[pyarrow]"),
    "index": lambda values: pd.Index(values),
    "category": lambda values: pd.Series(values, dtype="category"),
    "arrow dtype": lambda values: pd.Series(values, dtype=pd.ArrowDtype(pa.string())),
    "polars": lambda values: pl.Series(values, dtype=pl.String),
    "arrow": lambda values: pa.array(values, pa.string()),
    "large arrow": lambda values: pa.array(values, pa.large_string()),
    "chunked": lambda values: pa.chunked_array([values[:3], values[3:]], pa.string()),
}


@pytest.mark.parametrize("make", COLUMNS.values(), ids=COLUMNS)
@given(values=st.lists(st.none() | st.text("a\0é", max_size=2), max_size=5), data=st.data())
def test_a_column_differs_by_each_string(make: Any, values: Any, data: st.DataObject) -> None:
    other = data.draw(st.lists(st.none() | st.text("a\0é", max_size=2), max_size=5))

    for before in ([], STRINGS):
        alike = hash_one(make(before + values)) == hash_one(make(before + other))
        assert alike == (values == other)


@pytest.mark.parametrize("make", COLUMNS.values(), ids=COLUMNS)
def test_a_part_of_a_column_hashes_as_its_copy(make: Any) -> None:
    values = [*STRINGS, None, "last"]
    column = make(values)

    assert hash_one(column[2:]) == hash_one(pickle.loads(pickle.dumps(column[2:])))
    if not isinstance(column, (pd.Series, pd.Index)):
        assert hash_one(column[2:]) == hash_one(make(values[2:]))
    assert all_differ([column, column[2:], column[:0]])


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.int64()])
def test_a_part_of_an_arrow_column_without_holes(kind: Any) -> None:
    values = [*range(9)] if kind == pa.int64() else STRINGS
    column = pa.array(values, kind)

    assert hash_one(column[2:-1]) == hash_one(pa.array(values[2:-1], kind))


def test_by_which_library_pandas_keeps_strings_does_not_count() -> None:
    for values in (STRINGS, [*STRINGS, None], [None], []):
        one, other = (COLUMNS[name](values) for name in ("python", "pyarrow"))

        assert hash_one(one) == hash_one(other)
        assert hash_one(pd.DataFrame({"a": one})) == hash_one(pd.DataFrame({"a": other}))


def test_each_way_to_be_missing_counts_in_a_column_of_objects() -> None:
    columns = [pd.Series([*STRINGS, missing], dtype=object) for missing in MISSING]

    assert all_differ([*columns, pd.Series([*STRINGS, ""], dtype=object)])
    assert all_differ(
        [pd.Series([*STRINGS, None], dtype=kind) for kind in ("str", "string", object)]
    )


def test_lone_surrogates_in_a_column_are_kept() -> None:
    for dtype in (object, "string[python]"):
        columns = [pd.Series([*STRINGS, text], dtype=dtype) for text in ("\ud800", "\ud801", "?")]

        assert all_differ(columns)


def test_strings_of_arrow_that_are_no_text_have_no_hash() -> None:
    lasting = pa.py_buffer(b"\x80\x80")
    for offsets in ([0, 1, 2], [0, 0, 2]):
        places = pa.py_buffer(np.array(offsets, "<i4"))
        broken = pa.Array.from_buffers(pa.string(), 2, [None, places, lasting])

        for value in (broken, pa.table({"a": broken})):
            with pytest.raises(HashError, match="not UTF-8"):
                hash_one(value)


# Values that tasks share


@pytest.fixture(autouse=True)
def nothing_known() -> Any:
    shared._known.clear()
    yield
    shared._known.clear()


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the sizes of the long content that is hashed from now on."""
    sizes: list[int] = []
    whole = framing.pieces

    def counted(size: int, *args: Any) -> bytes:
        sizes.append(size)
        return whole(size, *args)

    monkeypatch.setattr(framing, "pieces", counted)
    monkeypatch.setattr("jug.hash.numpy.pieces", counted)
    return sizes


@pytest.mark.parametrize(
    "make",
    [
        lambda: "x" * shared.LONG,
        lambda: b"x" * shared.LONG,
        lambda: tuple(range(10_000)),
        lambda: np.frombuffer(memoryview(b"x" * shared.LONG), "f8"),
        lambda: np.frombuffer(memoryview(b"x" * 2 * shared.LONG), "f8").reshape(-1, 64)[::2],
    ],
)
def test_what_never_changes_is_hashed_once(make: Any, hashed: list[int]) -> None:
    value, equal = make(), make()

    first = hash_one(value)

    assert len(hashed) == 1
    assert hash_one([value, {1}]) == hash_one([value, {1}])
    assert hash_one(value) == first
    assert len(hashed) == 1
    assert hash_one(equal) == first
    assert len(hashed) == 2


def test_views_of_the_same_bytes_differ() -> None:
    data = bytes(range(256)) * 1024
    whole = np.frombuffer(memoryview(data), "u4")
    views = [
        whole,
        whole[1:],
        whole[:-1],
        whole[::2],
        whole[: len(whole) // 2],
        whole.reshape(2, -1),
        whole.view("f4"),
    ]
    views += [whole.view(">u4"), whole.reshape(256, -1).T, whole[::-1]]

    assert all_differ(views)
    assert [hash_one(view) for view in views] == [hash_one(view.copy()) for view in views]


def test_an_array_that_can_be_changed_is_hashed_each_time() -> None:
    array = np.zeros(shared.LONG)
    array.flags.writeable = False
    before = hash_one(array)

    array.flags.writeable = True
    array[0] = 1
    array.flags.writeable = False

    assert hash_one(array) != before


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_an_array_from_a_pickle_is_hashed_each_time(protocol: int) -> None:
    array = pickle.loads(pickle.dumps(np.zeros(shared.LONG), protocol))
    view = array.view()
    before = hash_one(array)

    array[0] = 1
    once = hash_one(array)
    array.flags.writeable = False
    again = hash_one(array)
    view[0] = 2

    assert before != once == again != hash_one(array)


def test_an_array_over_memory_that_changes_is_hashed_each_time() -> None:
    data = bytearray(8 * shared.LONG)
    for memory in (data, memoryview(data), memoryview(data).toreadonly()):
        array = np.frombuffer(memory, "f8")
        before = hash_one(array)

        data[0] += 1

        assert hash_one(array) != before


def test_a_tuple_with_something_that_changes_is_hashed_each_time() -> None:
    inner = bytearray(b"a")
    for value in ((*range(2000), inner), (*range(2000), (1, inner)), (*range(2000), [inner])):
        before = hash_one(value)

        inner[0] += 1

        assert hash_one(value) != before


def test_a_tuple_with_an_object_is_hashed_each_time() -> None:
    thing, array = types.SimpleNamespace(x=np.zeros(1)), np.zeros(1)
    thing.x = array
    for inner in (thing, array, Pair(1, array), array[:], functools.partial(f, array)):
        value = (*range(2000), inner)
        before = hash_one(value)

        array[0] += 1

        assert hash_one(value) != before


def test_a_tuple_that_holds_others_many_times_is_looked_at_once() -> None:
    value: Any = ("x",) * 2000
    for _ in range(20):
        value = (value,) * 2000

    assert hash_one(value) == hash_one(value)
    assert hash_one(value) != hash_one(value[:-1])


def test_what_nobody_else_holds_is_let_go() -> None:
    held = "held" * shared.LONG
    hash_one(held)
    for i in range(10):
        hash_one(str(i % 10) * (1 << 20))

    assert len(shared._known) == 2
    assert any(entry[0] is held for entry in shared._known.values())


def test_what_is_kept_has_an_end() -> None:
    values = [str(i) * shared.LONG for i in range(3 * shared._MOST)]
    for value in values:
        hash_one(value)

    assert 0 < len(shared._known) <= shared._MOST
