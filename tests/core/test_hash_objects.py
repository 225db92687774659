"""Hashes of objects of other libraries, and of functions that their names do not lead to."""

from __future__ import annotations

import collections
import datetime
import decimal
import enum
import functools
import json
import os
import pickle
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import astropy.units as u
import attrs
import numba
import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import pyarrow as pa
import pydantic
import pytest
import scipy.sparse
import scipy.stats as st
import xarray as xr
from astropy.coordinates import EarthLocation
from astropy.modeling.models import Gaussian1D
from astropy.table import Table
from astropy.time import Time
from astropy.utils.masked import Masked
from dateutil.rrule import rrule  # type: ignore[import-untyped]
from scipy.interpolate import LinearNDInterpolator
from scipy.sparse.linalg import aslinearoperator
from scipy.spatial import Delaunay

from jug import Task, TaskGenerator, Tasklet
from jug.errors import HashError
from jug.hash import hash_one


def differ(*values: Any) -> bool:
    return len({hash_one(value) for value in values}) == len(values)


def alike(*values: Any) -> bool:
    return len({hash_one(value) for value in values}) == 1


# Functions


def times(n: int) -> Callable[[Callable[[int], int]], Callable[[int], int]]:
    def decorate(f: Callable[[int], int]) -> Callable[[int], int]:
        @functools.wraps(f)
        def call(x: int) -> int:
            return n * f(x)

        return call

    return decorate


def plain(x: int) -> int:
    return x


@times(2)
def decorated(x: int) -> int:
    return x


@TaskGenerator
@times(2)
def generated(x: int) -> int:
    return x


def test_wrappers_of_one_name_differ_by_what_they_close_over() -> None:
    assert differ(plain, times(2)(plain), times(3)(plain), times(3)(times(2)(plain)))
    assert differ(times(3)(times(2)(plain)), times(2)(times(3)(plain)))
    assert alike(times(2)(plain), times(2)(plain))


def test_a_wrapper_that_its_name_leads_to_is_its_name() -> None:
    undecorated = decorated.__wrapped__  # type: ignore[attr-defined]

    assert alike(decorated, undecorated)
    assert differ(decorated, times(2)(undecorated))
    assert alike(generated.f, generated.f.__wrapped__)


def test_a_method_of_what_a_library_keeps_is_found_by_its_name() -> None:
    before = hash_one(random.random)
    random.random()

    assert hash_one(random.random) == before
    assert differ(random.random, random.Random(1).random, random.Random(2).random)
    assert differ(st.norm.cdf, st.norm.pdf, st.expon.cdf, st.norm(0, 1).cdf, st.norm(0, 2).cdf)


class Model:
    def __init__(self, rate: float) -> None:
        self.rate = rate

    def fit(self) -> None: ...


model = Model(1.0)


def test_an_object_of_ones_own_at_module_level_is_what_it_holds() -> None:
    before = hash_one(model.fit)
    model.rate = 2.0

    assert hash_one(model.fit) != before


IN_TWO_PROCESSES: Final = [
    "np.random.normal",
    "np.random.mtrand._rand",
    "random.randint",
    "random.Random(3)",
    "st.norm.cdf",
    "st.norm",
    "st.norm(0, 1)",
    "st.gamma(2).rvs",
    "np.random.default_rng(3)",
    "np.vectorize(len)",
    "numba.njit(len_of)",
    "numba.njit(len_of, fastmath=True)",
    "numba.vectorize(len_of)",
    "make_compiled(2)",
    "Masked([1, 2], mask=[True, False])",
    "[1.0, 2.0] * u.m",
    "Table({'a': [1, 2]})",
    "{'a', 'b', 'c'}",
]
PRELUDE: Final = """
import json, random, sys
import astropy.units as u, numba, numpy as np, scipy.stats as st
from astropy.table import Table
from astropy.time import Time
from astropy.utils.masked import Masked
from dateutil.rrule import rrule  # type: ignore[import-untyped]
from scipy.interpolate import LinearNDInterpolator
from scipy.sparse.linalg import aslinearoperator
from scipy.spatial import Delaunay
from jug.hash import hash_one

def len_of(x):
    return len(x)

def make_compiled(n):
    @numba.njit
    def compiled(x):
        return n * x
    return compiled

random.random(), np.random.random()
print(json.dumps([hash_one(eval(line)).decode() for line in json.load(sys.stdin)]))
"""


def hashes_in_a_process(seed: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PRELUDE],
        input=json.dumps(IN_TWO_PROCESSES),
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[str] = json.loads(done.stdout)
    return found


@pytest.mark.slow
def test_what_was_drawn_or_compiled_in_a_process_does_not_count() -> None:
    one, other = hashes_in_a_process("1"), hashes_in_a_process("2")

    assert dict(zip(IN_TWO_PROCESSES, one, strict=True)) == dict(
        zip(IN_TWO_PROCESSES, other, strict=True)
    )
    assert len(set(one)) == len(one)


@numba.njit  # type: ignore[untyped-decorator]
def compiled(x: float) -> float:
    return x


def test_a_compiled_function_hashes_alike_before_and_after_a_call() -> None:
    before = hash_one(compiled)
    compiled(1.0)

    assert hash_one(compiled) == before
    assert differ(compiled, compiled.py_func)


def adding(number: int) -> Any:
    def add(x: float) -> float:
        return x + number

    return add


def test_a_compiled_function_that_no_name_leads_to_is_also_how_it_was_compiled() -> None:
    assert differ(
        numba.njit(adding(1)),
        numba.njit(adding(2)),
        numba.njit("f8(f8)")(adding(1)),
        numba.njit("i8(i8)")(adding(1)),
        numba.njit(locals={"y": numba.int64})(adding(1)),
        numba.vectorize(adding(1)),
        numba.vectorize(["f8(f8)"])(adding(1)),
        numba.vectorize(["f8(f8)"], identity=0)(adding(1)),
    )


@numba.vectorize  # type: ignore[untyped-decorator]
def elementwise(x: float) -> float:
    return x


def test_a_compiled_function_that_was_pickled_has_the_same_hash() -> None:
    for made in (elementwise, numba.vectorize(["f8(f8)"])(adding(1)), numba.njit(adding(1))):
        assert alike(made, pickle.loads(pickle.dumps(made)))


# Lambdas


def test_a_lambda_is_what_was_compiled_not_what_the_file_says_now(tmp_path: Path) -> None:
    file = tmp_path / "edited.py"

    def read(number: int) -> Any:
        names: dict[str, Any] = {"__name__": "edited"}
        file.write_text(f"f = lambda v: v + {number}\n")
        exec(compile(file.read_text(), str(file), "exec"), names)
        return names["f"]

    base = Task(plain, 1)
    first, old, new = Tasklet(base, read(1)).hash(), Tasklet(base, read(1)), read(100)

    assert Tasklet(base, new).hash() != first
    with pytest.raises(HashError, match="was changed since"):
        old.hash()


def test_two_lambdas_that_changed_places_are_not_taken_for_each_other(tmp_path: Path) -> None:
    file = tmp_path / "swapped.py"
    names: dict[str, Any] = {"__name__": "swapped"}
    file.write_text("fs = [lambda x: x + 1, lambda x: x + 2]\n")
    exec(compile(file.read_text(), str(file), "exec"), names)
    file.write_text("fs = [lambda x: x + 2, lambda x: x + 1]\n")

    for f in names["fs"]:
        with pytest.raises(HashError, match="was changed since"):
            Tasklet(Task(plain, 1), f).hash()


# Classes


class BothWays:
    def __init__(self, forward: dict[int, int], back: dict[int, int]) -> None:
        self.forward, self.back = forward, back

    def __getstate__(self) -> Any:
        return self.forward, self.back

    def __setstate__(self, state: Any) -> None:
        self.forward, self.back = state


def test_two_dicts_that_are_the_state_of_an_object_are_told_apart() -> None:
    states = [({1: 2}, {2: 1}), ({2: 1}, {1: 2}), ({}, {1: 2, 2: 1}), ({1: 3}, {1: 2, 2: 1})]

    assert differ(*(BothWays(*state) for state in states))
    assert alike(BothWays({1: 2}, {2: 1}), BothWays({1: 2}, {2: 1}))


class Unlike:
    def __init__(self, state: Any) -> None:
        self.state = state

    def __getstate__(self) -> Any:
        return self.state

    def __setstate__(self, state: Any) -> None:
        self.state = state


def test_only_the_class_knows_what_its_own_states_mean() -> None:
    assert differ(*map(Unlike, [(None, {"y": 2}), {"y": 2}, (None, {}), {}]))


def test_named_tuples_of_one_name_differ_by_their_fields() -> None:
    made = [collections.namedtuple("Row", names) for names in ("a b", "a c", "b a")]  # noqa: PYI024
    again = collections.namedtuple("Row", "a b")  # noqa: PYI024

    assert differ(*(row(1, 2) for row in made))
    assert alike(made[0](1, 2), again(1, 2))


def test_enums_that_no_name_leads_to_differ_by_their_values_and_methods() -> None:
    def make(value: int, n: int = 0) -> Any:
        class Level(enum.Enum):
            LOW = value

            def scaled(self) -> int:
                return n

        return Level.LOW

    functional = [enum.Enum("Level", {"LOW": value}) for value in (1, 2)]

    assert differ(make(1), make(2), make(1, n=1))
    assert differ(*(level["LOW"] for level in functional))
    assert alike(make(1), make(1))


def test_local_classes_differ_by_their_slots() -> None:
    def make(*names: str) -> Any:
        class Point:
            __slots__ = names

        return Point

    assert differ(make("a"), make("a", "b"))
    assert alike(make("a", "b"), make("b", "a"))


@attrs.define(slots=False, frozen=True, cache_hash=True)
class Cached:
    x: int


def test_the_hash_that_attrs_has_cached_does_not_count() -> None:
    used = Cached(1)
    hash(used)

    assert alike(used, Cached(1))
    assert differ(used, Cached(2))


class Person(pydantic.BaseModel):
    name: str = "Ada"
    tags: list[str] = []
    _cache: Any = pydantic.PrivateAttr(default=None)

    @functools.cached_property
    def shout(self) -> str:
        return self.name.upper()


class Open(pydantic.BaseModel, extra="allow"):
    x: int


def test_a_model_of_pydantic_is_its_fields() -> None:
    used = Person(name="Ada")
    used._cache = object()
    assert used.shout == "ADA"

    assert alike(used, Person(), Person(tags=[]))
    assert differ(Person(), Person(name="Eve"), Person(tags=["a"]), {"name": "Ada", "tags": []})
    assert differ(Open(x=1), Open(x=1, y=2), Open(x=1, y=3))  # type: ignore[call-arg]
    assert differ(Open(x=1), Open.model_construct())


# numpy


class Named(np.ndarray[Any, Any]):
    __slots__ = ("label",)

    @classmethod
    def of(cls, values: Any, label: str) -> Any:
        array = np.asarray(values).view(cls)
        array.label = label
        return array


class Weight(np.float64):
    unit = "g"


def weight(value: float, unit: str) -> Weight:
    made = Weight(value)
    made.unit = unit
    return made


def noted(note: str | None = None, hard: bool = False) -> Any:
    array = np.ma.array([1, 2], mask=[False, True], hard_mask=hard)
    if note:
        array.note = note
    return array


def test_what_an_array_of_a_subclass_holds_beside_its_elements_counts() -> None:
    assert differ(Named.of([1], "a"), Named.of([1], "b"), np.array([1]))
    assert differ(noted(), noted("a"), noted("b"), noted(hard=True))
    assert differ(weight(1, "g"), weight(1, "kg"), np.float64(1))
    assert differ([1, 2] * u.m, [1, 2] * u.s, [1, 3] * u.m, np.array([1.0, 2.0]))
    assert alike([1, 2] * u.m, pickle.loads(pickle.dumps([1, 2] * u.m)))


def test_an_array_that_gives_itself_as_its_own_view_has_a_hash() -> None:
    masked = [Masked([1, 2], mask=[True, False]), Masked([1, 2], mask=[False, True])]

    assert differ(*masked, Masked([1, 3], mask=[True, False]), [1, 2] * u.m)
    assert alike(masked[0], masked[0].copy())


def test_the_masked_constant_has_a_hash() -> None:
    assert differ(np.ma.masked, np.ma.array(0.0, mask=True), None)
    assert alike([np.ma.masked], [np.ma.array([1], mask=True)[0]])


def test_options_of_a_string_dtype_count() -> None:
    dtype: Any = np.dtypes.StringDType

    assert differ(dtype(), dtype(coerce=False), dtype(na_object=None), dtype(na_object="none"))


def test_a_vectorized_function_hashes_alike_before_and_after_a_call() -> None:
    used = np.vectorize(plain, otypes=[float])
    used([1, 2])

    assert alike(used, np.vectorize(plain, otypes=[float]))
    assert differ(used, np.vectorize(plain), np.vectorize(plain, signature="(n)->()"))


class Vectorized(np.vectorize):
    note = ""


class Private(np.ndarray[Any, Any]):
    __slots__ = ("__note",)


def test_attributes_of_subclasses_of_numpy_count_whatever_their_names() -> None:
    def vectorized(note: str) -> Any:
        made = Vectorized(plain)
        made.note = note
        return made

    def private(note: str) -> Any:
        made = np.zeros(2).view(Private)
        made._Private__note = note
        return made

    assert differ(vectorized("a"), vectorized("b"), Vectorized(plain), np.vectorize(plain))
    assert differ(private("a"), private("b"), np.zeros(2).view(Private))


def test_a_table_of_astropy_hashes_by_its_columns() -> None:
    def make(values: list[int], **meta: str) -> Table:
        return Table({"a": values}, meta=meta)

    used = make([1, 2])
    repr(used), used["a"].info

    assert alike(used, make([1, 2]), used.copy(), pickle.loads(pickle.dumps(used)))
    assert differ(used, make([1, 3]), make([1, 2], note="x"))


# What objects keep of their use


USED: Final[dict[str, tuple[Callable[[], Any], Callable[[Any], Any]]]] = {
    "distribution": (lambda: st.Normal(mu=0.0, sigma=2.0), lambda d: (d.mean(), d.cdf(1.0))),
    "entropy": (lambda: st.Normal(mu=0.0, sigma=2.0), lambda d: (d.entropy(), d.moment(2))),
    "adjoint": (lambda: aslinearoperator(np.eye(2)), lambda f: f.H),
    "triangles": (lambda: Delaunay(CORNERS), lambda d: d.find_simplex([0.2, 0.2])),
    "interpolator": (lambda: LinearNDInterpolator(CORNERS, [1, 2, 3]), lambda f: f(0.2, 0.2)),
    "limits of floats": (lambda: np.finfo("f8"), repr),
    "model": (lambda: Gaussian1D(1, 2, 3), lambda m: (m(1.0), m.parameters, m.bounds)),
    "moment": (lambda: Time(2.45e6, format="jd"), lambda t: (t.info, t.iso)),
    "place on earth": (lambda: EarthLocation(1 * u.m, 2 * u.m, 3 * u.m), lambda p: p.info.name),
    "unit": (lambda: u.m / u.s**2, lambda unit: (unit.decompose(), unit.si, str(unit))),
    "rolling": (lambda: pd.DataFrame({"a": [1, 2]}).rolling(2), lambda r: r.sum()),
    "resampler": (lambda: pd.Series([1, 2], DAYS).resample("D"), lambda r: r.sum()),
    "indexes": (lambda: make_dataset().xindexes, lambda indexes: indexes.get_unique()),
    "context": (lambda: decimal.Context(prec=3), lambda c: c.divide(1, 3)),
    "rule": (lambda: rrule(3, count=3, dtstart=MOMENT, cache=True), list),
}
CORNERS: Final = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]
DAYS: Final = pd.date_range("2000", periods=2)
MOMENT: Final = datetime.datetime(2000, 1, 1)


@pytest.mark.parametrize(("make", "use"), USED.values(), ids=USED)
def test_what_an_object_keeps_of_its_use_does_not_count(
    make: Callable[[], Any], use: Callable[[Any], Any]
) -> None:
    used = make()
    before = hash_one(used)
    use(used)

    assert hash_one(used) == before
    assert alike(used, make())


def test_a_description_counts_once_something_is_described() -> None:
    described = [1.0, 2.0] * u.m
    described.info.name = "height"

    assert differ(described, [1.0, 2.0] * u.m)


def test_sparse_matrices_differ_by_elements_shape_format_and_class() -> None:
    matrix = scipy.sparse.csr_matrix([[1, 2], [0, 3]])
    larger = scipy.sparse.csr_matrix(([1, 2, 3], [0, 1, 1], [0, 2, 3]), shape=(2, 3))

    assert differ(
        matrix,
        larger,
        matrix.T.tocsr(),
        matrix.astype("f8"),
        matrix.tocsc(),
        matrix.tocoo(),
        matrix.tobsr(),
        matrix.tolil(),
        scipy.sparse.csr_array(matrix),
        scipy.sparse.coo_array([1, 2, 0, 3]),
    )


# arrow


def nanoseconds(number: int, kind: Any) -> Any:
    return pa.array([number], pa.int64()).cast(kind)


TIMES: Final[dict[str, Callable[[int], Any]]] = {
    "timestamp": lambda number: nanoseconds(number, pa.timestamp("ns")),
    "time": lambda number: nanoseconds(number, pa.time64("ns")),
    "duration": lambda number: nanoseconds(number, pa.duration("ns")),
    "dictionary": lambda number: nanoseconds(number, pa.timestamp("ns")).dictionary_encode(),
    "list": lambda number: pa.ListArray.from_arrays(
        pa.array([0, 1], pa.int32()), nanoseconds(number, pa.timestamp("ns"))
    ),
    "large list": lambda number: pa.LargeListArray.from_arrays(
        pa.array([0, 1], pa.int64()), nanoseconds(number, pa.time64("ns"))
    ),
    "fixed list": lambda number: pa.FixedSizeListArray.from_arrays(
        nanoseconds(number, pa.duration("ns")), 1
    ),
    "struct": lambda number: pa.StructArray.from_arrays(
        [nanoseconds(number, pa.time64("ns"))], ["x"]
    ),
    "map": lambda number: pa.MapArray.from_arrays(
        pa.array([0, 1], pa.int32()), pa.array(["a"]), nanoseconds(number, pa.duration("ns"))
    ),
}


@pytest.mark.parametrize("make", TIMES.values(), ids=TIMES)
def test_times_of_arrow_differ_by_a_nanosecond(make: Callable[[int], Any]) -> None:
    columns = [pd.Series(pd.arrays.ArrowExtensionArray(make(number))) for number in (1, 2)]

    assert differ(make(1), make(2), *columns)
    assert alike(make(1), make(1), pa.concat_arrays([make(2), make(1)]).slice(1))


def test_a_table_of_arrow_hashes_by_its_values() -> None:
    table = pa.table({"a": [1, 2, None], "b": ["x", "y", None]})
    chunked = pa.concat_tables([table.slice(0, 1), table.slice(1)])

    assert alike(table, chunked)
    assert alike(table.slice(1), pa.table({"a": [2, None], "b": ["y", None]}))
    assert differ(
        table, table.slice(1), table.select(["a"]), table.rename_columns(["a", "c"]),
        pa.table({"a": [1, 2, 0], "b": ["x", "y", None]}), table["a"], table["a"][0],
    )  # fmt: skip


class Unit(pa.ExtensionType):
    def __init__(self, unit: str) -> None:
        self.unit = unit
        super().__init__(pa.int64(), "tests.unit")

    def __arrow_ext_serialize__(self) -> bytes:
        return self.unit.encode()

    @classmethod
    def __arrow_ext_deserialize__(cls, storage: Any, serialized: bytes) -> Unit:
        return cls(serialized.decode())


def test_types_of_arrow_differ_by_all_that_they_are_made_of() -> None:
    number = pa.int64()
    fields = [
        pa.field("a", number),
        pa.field("a", number, nullable=False),
        pa.field("a", number, metadata={"unit": "m"}),
        pa.field("a", number, metadata={"unit": "km"}),
        pa.field("a", Unit("m")),
        pa.field("a", Unit("km")),
    ]
    one_or_two = [pa.struct([("a: int64, b", number)]), pa.struct([("a", number), ("b", number)])]
    inside = [*map(pa.list_, fields), *map(pa.struct, ([one] for one in fields)), *one_or_two]

    assert differ(*inside)
    assert differ(*(pa.array([], kind) for kind in one_or_two))
    assert differ(*(pa.table([pa.nulls(0, one.type)], pa.schema([one])) for one in fields))
    assert differ(*(pa.dictionary(pa.int32(), kind) for kind in one_or_two))


def test_an_extension_array_of_arrow_is_also_its_parameters() -> None:
    def make(unit: str) -> Any:
        return pa.ExtensionArray.from_storage(Unit(unit), pa.array([1]))

    assert differ(make("m"), make("km"), pa.array([1]))
    assert alike(make("m"), make("m"))


def test_what_arrow_cannot_turn_into_numbers_is_refused() -> None:
    def view(values: Any) -> Any:
        return pa.ListViewArray.from_arrays(
            pa.array([0], pa.int32()), pa.array([1], pa.int32()), values
        )

    def union(values: Any) -> Any:
        return pa.UnionArray.from_dense(
            pa.array([0], pa.int8()), pa.array([0], pa.int32()), [values]
        )

    for make in (view, union):
        assert differ(make(pa.array([1])), make(pa.array([2])))
        with pytest.raises(HashError, match="pass its parts one by one"):
            hash_one(make(nanoseconds(1, pa.time64("ns"))))


# xarray


def make_dataset(values: Any = (1, 2, 3), **attributes: Any) -> xr.Dataset:
    return xr.Dataset({"a": ("x", list(values))}, coords={"x": [1, 2, 3]}, attrs=attributes)


def test_a_dataset_hashes_alike_before_and_after_it_is_used() -> None:
    used = make_dataset()
    repr(used), used.a.mean(), used.sel(x=1), used.indexes, used.to_dataframe()
    used.encoding["source"] = "file.nc"

    assert alike(used, make_dataset(), used.copy(deep=True), pickle.loads(pickle.dumps(used)))


def test_all_that_a_dataset_holds_counts() -> None:
    data = make_dataset()

    assert differ(
        data,
        make_dataset((1, 2, 4)),
        make_dataset(n=1),
        data.rename(a="b"),
        data.assign_coords(x=[1, 2, 4]),
        data.drop_indexes("x"),
        data["a"],
        data["a"].variable,
        data["a"].rename("c"),
        data["a"].assign_attrs(unit="m"),
        xr.DataTree(data),
        xr.DataTree(data, name="top"),
        xr.DataTree(children={"inner": xr.DataTree(data)}),
    )


class Survey(xr.Dataset):
    __slots__ = ("place",)


def survey(place: str) -> Survey:
    made = Survey({"a": ("x", [1, 2])})
    made.place = place
    return made


def test_an_attribute_of_a_subclass_of_xarray_counts() -> None:
    assert differ(survey("here"), survey("there"), xr.Dataset({"a": ("x", [1, 2])}))
    assert alike(survey("here"), survey("here"))


def test_an_index_variable_and_a_kind_of_index_are_their_own() -> None:
    both = pd.MultiIndex.from_arrays([[1, 2], [3, 4]], names=["p", "q"])
    plain = xr.Dataset(coords={"x": ("x", [1, 2])})
    at = plain.assign_coords(p=("x", [3, 4]))
    levels = xr.Dataset(coords=xr.Coordinates.from_pandas_multiindex(both, "x"))

    assert differ(xr.Variable("x", [1, 2]), xr.IndexVariable("x", [1, 2]))
    assert differ(plain, at, at.set_xindex("p"), levels)
    if hasattr(xr.indexes, "RangeIndex"):
        index = xr.indexes.RangeIndex.arange(0.0, 2.0, 1.0, dim="x")
        ranged = xr.Dataset(coords=xr.Coordinates.from_xindex(index))
        assert differ(ranged, xr.Dataset(coords={"x": [0.0, 1.0]}))


def test_what_a_part_of_a_tree_has_from_above_counts() -> None:
    def make(first: int) -> xr.DataTree:
        top = xr.Dataset(coords={"x": [first, 2]})
        return xr.DataTree.from_dict({"/": top, "/c": xr.Dataset({"v": ("x", [1, 2])})})

    below = xr.DataTree(xr.Dataset({"v": ("x", [1, 2])}), name="c")

    assert differ(make(1), make(5), make(1)["c"], make(5)["c"], below)
    assert alike(make(1)["c"], make(1)["c"])


# What has no end


class Endless:
    def __reduce__(self) -> Any:
        return Endless, (Endless(),)


@pytest.mark.slow
def test_an_object_without_an_end_is_refused() -> None:
    with pytest.raises(HashError, match="'Endless' is made of .* seems to have no end"):
        hash_one(Endless())


@pytest.mark.parametrize(
    "view", [{}.keys(), {}.values(), {}.items()], ids=["keys", "values", "items"]
)
def test_a_view_of_a_dict_is_refused_and_the_way_out_told(view: Any) -> None:
    with pytest.raises(HashError, match=r"pass list\(\.\.\.\) of it"):
        hash_one(view)
