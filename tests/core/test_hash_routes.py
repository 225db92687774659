"""Equal objects hash alike by whatever route they came, and a difference in one leaf shows."""

from __future__ import annotations

import array
import collections
import copy
import datetime
import decimal
import enum
import fractions
import functools
import ipaddress
import json
import operator
import os
import pathlib
import pickle
import random
import subprocess
import sys
import types
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import astropy.units as u
import attrs
import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import polars as pl
import pyarrow as pa  # type: ignore[import-untyped]
import pydantic
import pytest
import scipy.interpolate
import scipy.sparse
import scipy.spatial
import scipy.stats
import xarray as xr
from astropy.coordinates import SkyCoord
from astropy.table import Table
from astropy.time import Time
from astropy.utils.masked import Masked
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.lengths import Lengths

from jug.hash import hash_one

Make = Callable[[int], Any]


class Level(enum.IntFlag):
    A, B, C = 1, 2, 4


class Row(NamedTuple):
    number: int
    rest: Any = ()


@dataclass
class Data:
    number: int

    @functools.cached_property
    def double(self) -> int:
        return 2 * self.number


@attrs.define(slots=False, frozen=True, cache_hash=True)
class Attrs:
    number: int


@attrs.frozen
class Slotted:
    number: int


class Model(pydantic.BaseModel):
    number: int
    inner: dict[str, set[str]] = {"a": {"x", "y", "z"}}


class Plain:
    def __init__(self, number: int) -> None:
        self.number = number
        self.names = {"red", "green", "blue", str(number)}

    def method(self) -> None: ...


class Mapping(dict[str, Any]):
    note = ""


def mapping(number: int) -> Mapping:
    made = Mapping(a=1)
    made.note = str(number)
    return made


def frame(number: int) -> pd.DataFrame:
    index = pd.Index(["x", "y"], name="key")
    moments = pd.to_datetime([number, 0], unit="ns").tz_localize("UTC")
    return pd.DataFrame({"a": [number, 1], "b": pd.Categorical(["p", "q"]), "c": moments}, index)


def nested(number: int) -> pl.DataFrame:
    spans = pl.Series("spans", [[number], None, []], dtype=pl.List(pl.Duration("ns")))
    moments = pl.Series("moments", [[number, 0]] * 3, dtype=pl.Array(pl.Datetime("ns"), 2))
    clocks = pl.Series("clocks", [[number % 9]] * 3, dtype=pl.List(pl.Int64))
    return pl.DataFrame([spans, moments, clocks.cast(pl.List(pl.Time))]).with_columns(
        both=pl.struct("spans", "moments")
    )


def dataset(number: int) -> xr.Dataset:
    values = ("x", [number, 2])
    return xr.Dataset({"a": values}, {"x": ["p", "q"], "level": ("x", [0, 1])}, {"n": 1})


def unordered(kind: Any, number: int) -> Any:
    """Return a matrix whose elements are not in order, and two of them in one place."""
    return kind(([number, 1, 2, 3], [1, 0, 0, 1], [0, 3, 4]), shape=(2, 2))


def tree(number: int) -> xr.DataTree:
    top = xr.Dataset(coords={"x": [number, 9]})
    return xr.DataTree.from_dict({"/": top, "/c": xr.Dataset({"v": ("x", [1, 2])})})


MAKE: Final[dict[str, Make]] = {
    "int": int,
    "float": float,
    "text": str,
    "bytes": lambda n: str(n).encode(),
    "list": lambda n: [1, [n]],
    "dict": lambda n: {"a": {"b": n}, "c": 1},
    "set": lambda n: {"x", "y", "z", str(n)},
    "frozenset in a tuple": lambda n: (frozenset(["x", "y", str(n)]),),
    "deque": lambda n: collections.deque([n]),
    "counter": lambda n: collections.Counter({"a": n, "b": 1}),
    "ordered": lambda n: collections.OrderedDict(a=n),
    "default": lambda n: collections.defaultdict(list, a=[n]),
    "mapping": mapping,
    "namespace": lambda n: types.SimpleNamespace(a=n),
    "array.array": lambda n: array.array("q", [n]),
    "decimal": decimal.Decimal,
    "fraction": lambda n: fractions.Fraction(n, 7919),
    "date": lambda n: datetime.date(2000, 1, 1) + datetime.timedelta(n),
    "moment": lambda n: datetime.datetime(2000, 1, 1, microsecond=n, tzinfo=datetime.UTC),
    "span": lambda n: datetime.timedelta(microseconds=n),
    "path": lambda n: pathlib.Path(f"folder/{n}"),
    "address": lambda n: ipaddress.ip_address(n),
    "uuid": lambda n: uuid.UUID(int=n),
    "range": lambda n: range(n + 1),
    "slice": lambda n: slice(n),
    "flag": lambda n: Level(n % 8),
    "named tuple": Row,
    "dataclass": Data,
    "attrs": Attrs,
    "attrs with slots": Slotted,
    "pydantic": lambda n: Model(number=n),
    "object": Plain,
    "method": lambda n: Plain(n).method,
    "partial": lambda n: functools.partial(Data, number=n),
    "random": random.Random,
    "numpy array": lambda n: np.array([[n, 1], [2, 3]]),
    "numpy structured": lambda n: np.array([(n, "a")], "i8,U3"),
    "numpy objects": lambda n: np.array([{"a": n}, None], object),
    "numpy strings": lambda n: np.array([str(n)], np.dtypes.StringDType()),
    "numpy times": lambda n: np.array([n], "M8[ns]"),
    "numpy scalar": np.int64,
    "numpy masked": lambda n: np.ma.array([n, 1], mask=[False, True]),
    "numpy generator": np.random.default_rng,
    "pandas frame": frame,
    "pandas series": lambda n: pd.Series([n, None], dtype="Int64", name="s"),
    "pandas index": lambda n: pd.MultiIndex.from_tuples([(n, "a"), (1, "b")]),
    "pandas moment": lambda n: pd.Timestamp(n),
    "pandas arrow": lambda n: pd.Series(pd.arrays.ArrowExtensionArray(nanoseconds(n))),
    "polars frame": nested,
    "polars text": lambda n: pl.Series([str(n), None]),
    "arrow": lambda n: pa.table({"a": nanoseconds(n), "b": [[n]]}),
    "xarray dataset": dataset,
    "xarray array": lambda n: dataset(n)["a"],
    "astropy quantity": lambda n: [float(n), 1.0] * u.m,
    "astropy masked": lambda n: Masked([n, 1], mask=[False, True]),
    "astropy table": lambda n: Table({"a": [n]}, meta={"b": 1}),
    "astropy time": lambda n: Time(2_400_000 + n, format="jd"),
    "astropy unit": lambda n: u.Unit(n + 1) * u.m / u.s**2,
    "astropy place": lambda n: SkyCoord(n * u.deg, 1 * u.deg),
    "scipy distribution": lambda n: scipy.stats.norm(n, 1),
    "scipy csr": lambda n: unordered(scipy.sparse.csr_matrix, n),
    "scipy csc": lambda n: unordered(scipy.sparse.csc_array, n),
    "scipy bsr": lambda n: unordered(scipy.sparse.csr_array, n).tobsr(),
    "scipy coo": lambda n: scipy.sparse.coo_array(([n, 1, 1], ([1, 0, 0], [0, 1, 1]))),
    "scipy lil": lambda n: unordered(scipy.sparse.csr_array, n).tolil(),
    "scipy dok": lambda n: unordered(scipy.sparse.csr_array, n).todok(),
    "scipy dia": lambda n: scipy.sparse.dia_array(([[n, 1]], [0]), shape=(2, 2)),
    "scipy triangles": lambda n: scipy.spatial.Delaunay([[0, 0], [1 + n, 0], [0, 1], [3, 4]]),
    "scipy spline": lambda n: scipy.interpolate.UnivariateSpline([1, 2, 3, 4], [n, 2, 4, 5]),
    "pandas dtype": lambda n: [pd.Int8Dtype(), pd.ArrowDtype(pa.int8())] + [n],
    "pandas groups": lambda n: pd.DataFrame({"a": [n, 2], "b": ["x", "y"]}).groupby("b"),
    "pandas subclass": lambda n: pd.Series(Lengths([1.0, 2.0], str(n))),
    "xarray groups": lambda n: dataset(n).groupby("x"),
    "xarray part of a tree": lambda n: tree(n)["c"],
    "class": lambda n: type("Made", (), {"value": n}),
    "object of a class": lambda n: type("Made", (), {"value": n})(),
}


PICKLED_AS_ANOTHER: Final = {
    MAKE["class"],  # no name leads to it
    MAKE["xarray part of a tree"],  # its copy has no tree above it
    MAKE["object of a class"],
    MAKE["astropy masked"],  # its pickle has no mask
    MAKE["scipy distribution"],  # its copy has random numbers of its own, not the process's
}


ATTRIBUTES: Final = (
    "T",
    "double",
    "groups",
    "has_canonical_format",
    "indexes",
    "info",
    "kind",
    "numpy_dtype",
    "shape",
    "size",
    "transform",
    "vertex_to_simplex",
)
METHODS: Final = ("decompose", "max", "mean", "sum", "toarray")


def nanoseconds(number: int) -> Any:
    return pa.array([number], pa.int64()).cast(pa.time64("ns"))


def used(value: Any) -> Any:
    """Return the same object after what programs do with objects."""
    uses = [repr, str, copy.copy, copy.deepcopy, pickle.dumps, hash, vars, lambda v: bool(v == v)]
    uses += [operator.attrgetter(name) for name in ATTRIBUTES]
    uses += [operator.methodcaller(name) for name in METHODS]
    for use in uses:
        with suppress(Exception):  # whatever a library says
            use(value)
    return value


@pytest.mark.parametrize("make", MAKE.values(), ids=MAKE)
@settings(max_examples=10)
@given(one=st.integers(0, 7), other=st.integers(0, 7))
def test_a_difference_in_one_leaf_shows_and_no_other(make: Make, one: int, other: int) -> None:
    first = make(one)
    expected = hash_one(first)

    assert (expected == hash_one(make(other))) == (one == other)
    assert hash_one(used(first)) == expected
    if make not in PICKLED_AS_ANOTHER:
        assert hash_one(pickle.loads(pickle.dumps(first))) == expected
        assert hash_one(copy.deepcopy(first)) == expected
    assert hash_one([first, make(one)]) == hash_one([make(one), first])


def print_hashes() -> None:
    """Print the hashes of all that is made here."""
    print(json.dumps({name: hash_one(make(3)).decode() for name, make in MAKE.items()}))


@pytest.mark.slow
def test_another_process_under_another_hash_seed_finds_the_same() -> None:
    code = f"from {__name__} import print_hashes; print_hashes()"
    found = [
        subprocess.run(
            [sys.executable, "-W", "ignore", "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]

    assert json.loads(found[0]) == json.loads(found[1])
    assert json.loads(found[0]) == {name: hash_one(make(3)).decode() for name, make in MAKE.items()}
