"""Values that differ in one detail alone have other hashes, and the same one when made anew."""

from __future__ import annotations

import array
import datetime
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from jug import Task, TaskGenerator
from jug.hash import hash_one

np = pytest.importorskip("numpy")
pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")
xr = pytest.importorskip("xarray")
pydantic = pytest.importorskip("pydantic")

Made = Callable[[], Any]


def with_attrs(made: Any, **attrs: Any) -> Any:
    made.attrs.update(attrs)
    return made


def masked(**about: Any) -> Any:
    made = np.ma.masked_array([1, 2], mask=[0, 1])
    made._optinfo.update(about)
    return made


class Metres(pydantic.BaseModel):
    value: int


class Feet(pydantic.BaseModel):
    value: int


def child(**about: Any) -> Any:
    return xr.DataTree(children={"child": xr.DataTree(xr.Dataset(about))})


def local_class(base: type) -> type:
    class Local(base):  # type: ignore[misc]
        pass

    return Local


def local_function(default: int) -> Any:
    def local(*, factor: int = default) -> int:
        return factor

    return local


SPARSE = [0.0, 1.0]
SUMMER = datetime.datetime(2024, 10, 27, 2, 30)

PAIRS: dict[str, tuple[Made, Made]] = {
    "Series.attrs": (
        lambda: with_attrs(pd.Series([1]), unit="m"),
        lambda: with_attrs(pd.Series([1]), unit="s"),
    ),
    "DataFrame.attrs": (
        lambda: with_attrs(pd.DataFrame({"a": [1]}), unit="m"),
        lambda: with_attrs(pd.DataFrame({"a": [1]}), unit="s"),
    ),
    "Index.name": (lambda: pd.Index([1], name="a"), lambda: pd.Index([1], name="b")),
    "Categorical.ordered": (
        lambda: pd.Categorical(["a"], categories=["a", "b"], ordered=True),
        lambda: pd.Categorical(["a"], categories=["a", "b"]),
    ),
    "Interval.closed": (
        lambda: pd.IntervalIndex.from_breaks([0, 1], closed="left"),
        lambda: pd.IntervalIndex.from_breaks([0, 1], closed="right"),
    ),
    "sparse fill_value": (
        lambda: pd.arrays.SparseArray(SPARSE, fill_value=0.0),
        lambda: pd.arrays.SparseArray(SPARSE, fill_value=1.0),
    ),
    "Timestamp.fold": (
        lambda: pd.Timestamp(SUMMER.replace(fold=0), tz="Europe/Berlin"),
        lambda: pd.Timestamp(SUMMER.replace(fold=1), tz="Europe/Berlin"),
    ),
    "Period.freq": (lambda: pd.Period("2024-01", "M"), lambda: pd.Period("2024-01-01", "D")),
    "polars.Enum": (
        lambda: pl.Series(["a"], dtype=pl.Enum(["a", "b"])),
        lambda: pl.Series(["a"], dtype=pl.Enum(["a", "c"])),
    ),
    "polars.List": (
        lambda: pl.Series([[1]], dtype=pl.List(pl.Int64)),
        lambda: pl.Series([[1]], dtype=pl.List(pl.Int32)),
    ),
    "polars.List of times": (
        lambda: pl.Series([[1]], dtype=pl.List(pl.Duration("ms"))),
        lambda: pl.Series([[1]], dtype=pl.List(pl.Duration("us"))),
    ),
    "arrow schema metadata": (
        lambda: pa.table({"a": [1]}).replace_schema_metadata({"unit": "m"}),
        lambda: pa.table({"a": [1]}).replace_schema_metadata({"unit": "s"}),
    ),
    "arrow dictionary": (
        lambda: pa.array(["a", "a"]).dictionary_encode(),
        lambda: pa.array(["a", "b"]).dictionary_encode(),
    ),
    "arrow run ends": (
        lambda: pa.RunEndEncodedArray.from_arrays([2], [1]),
        lambda: pa.RunEndEncodedArray.from_arrays([2], [3]),
    ),
    "xarray children": (lambda: child(a=1), lambda: child(a=2)),
    "pydantic class": (lambda: Metres(value=1), lambda: Feet(value=1)),
    "masked fill_value": (
        lambda: np.ma.masked_array([1, 2], mask=[0, 1], fill_value=8),
        lambda: np.ma.masked_array([1, 2], mask=[0, 1], fill_value=9),
    ),
    "masked _optinfo": (lambda: masked(unit="m"), lambda: masked(unit="s")),
    "vectorize otypes": (
        lambda: np.vectorize(abs, otypes=[float]),
        lambda: np.vectorize(abs, otypes=[int]),
    ),
    "vectorize cache": (lambda: np.vectorize(abs, cache=True), lambda: np.vectorize(abs)),
    "array typecode": (lambda: array.array("i", [1]), lambda: array.array("I", [1])),
    "local bases": (lambda: local_class(list), lambda: local_class(tuple)),
    "keyword defaults": (lambda: local_function(1), lambda: local_function(2)),
}


@pytest.mark.parametrize("pair", PAIRS)
def test_a_detail_counts(pair: str) -> None:
    one, other = PAIRS[pair]

    assert hash_one(one()) == hash_one(one())
    assert hash_one(one()) != hash_one(other())


@pytest.mark.parametrize(
    "pair", [name for name in PAIRS if not name.startswith(("local", "keyword", "masked _"))]
)
def test_what_was_pickled_has_the_hash_that_it_had(pair: str) -> None:
    for made in (one() for one in PAIRS[pair]):
        assert hash_one(pickle.loads(pickle.dumps(made))) == hash_one(made)


def test_a_module_counts_with_its_whole_name() -> None:
    import os.path
    import posixpath
    import xml.dom
    import xml.sax

    modules = [xml.dom, xml.sax, posixpath]
    assert len({hash_one(module) for module in modules}) == 3
    assert hash_one(os.path) == hash_one(posixpath)


def test_an_index_and_its_text_are_two_parts(store: Any) -> None:
    task = TaskGenerator(dict)({0: "a"})

    assert Task(print, task[0]).digest != Task(print, task["0"]).digest


def test_a_name_that_is_given_later_counts(store: Any) -> None:
    task = Task(abs, -1)
    before = task.digest

    task.name = "other"

    assert task.digest != before
