"""Hashes of what numpy, pandas and polars make."""

from __future__ import annotations

import datetime
import os
import pickle
import subprocess
import sys
from importlib import resources
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import polars as pl
import pytest
from tests.core.lengths import Lengths

import jug.hash
from jug import Task
from jug.errors import HashError
from jug.hash import framing, hash_one

SOURCES = Path(jug.hash.__file__).parents[2]


def all_differ(values: list[Any]) -> bool:
    return len({hash_one(value) for value in values}) == len(values)


def copies(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value))


def f() -> None: ...


# numpy


def test_the_order_of_an_array_in_memory_does_not_count() -> None:
    for shape in [(3, 4), (700, 900), (2, 3, 100_000), (1_000_000, 2)]:
        array = np.arange(np.prod(shape), dtype="f8").reshape(shape)
        transposed = np.ascontiguousarray(array.T).T

        assert hash_one(array) == hash_one(np.asfortranarray(array)) == hash_one(transposed)
        assert hash_one(array) == hash_one(array.astype(">f8"))
        assert hash_one(array) != hash_one(array.T)


def test_arrays_differ_by_dtype_shape_and_content() -> None:
    zeros = [np.zeros(4, code) for code in "?bhilBHILefdgFDG"]
    texts = [np.zeros(4, code) for code in ("S1", "S2", "U1", "U2", "V1", "V2", "O")]
    times = [np.zeros(4, f"{kind}8[{unit}]") for kind in "mM" for unit in ("D", "s", "ns", "2s")]
    named = [np.zeros(4, dtype) for dtype in ("i4,i4", [("a", "i4"), ("b", "i4")], [("a", "2i4")])]
    shaped = [np.zeros(s) for s in [(), 0, (0, 0), (0, 1), 1, (1, 1), (4, 1), (1, 4), (2, 2)]]

    assert all_differ([*zeros, *texts, *times, *named, *shaped, np.ones(4), np.array([0, 0, 0, 1])])


def test_datetime64_arrays_hash_by_content() -> None:
    days = np.array(["2024-01-01", "2024-01-02"], "M8[D]")

    assert hash_one(days) == hash_one(days.copy())
    assert all_differ([days, days[::-1], days.astype("M8[s]"), days.view("i8"), days - days])
    assert all_differ([days[0], days[1], np.datetime64("NaT", "D"), np.timedelta64("NaT", "D")])


def test_bytes_between_fields_are_not_data() -> None:
    dtype = np.dtype([("a", "i1"), ("b", "i8")], align=True)
    one, other = np.zeros(3, dtype), np.zeros(3, dtype)
    other.view(np.uint8)[1] = 7

    assert hash_one(one) == hash_one(other)
    assert hash_one(one[0]) == hash_one(other[0])
    other["b"][1] = 7
    assert hash_one(one) != hash_one(other)


def test_the_padding_of_long_doubles_is_not_data() -> None:
    one = np.arange(5, dtype=np.longdouble)
    other = np.frombuffer(b"\xff" * one.nbytes, np.longdouble).copy()
    other[:] = one

    assert hash_one(one) == hash_one(other)
    assert hash_one(one + 0j) == hash_one(other + 0j)
    assert all_differ([one, one + 1, one + 0j, one + 1j, one[0], one[1]])


def test_objects_and_variable_strings_are_taken_one_by_one() -> None:
    words = np.array(["".join(["a", "b"]), "ab", {"x", "y"}], object)
    strings = np.array(["a", "long" * 20], np.dtypes.StringDType())

    assert hash_one(words) == hash_one(np.array(["ab", "ab", {"y", "x"}], object))
    assert hash_one(strings) == hash_one(strings.copy())
    assert all_differ(
        [words, words[:2], strings, strings[:1], strings[::-1], strings.astype(object)]
    )


def test_masked_arrays_matrices_and_their_like_are_classes_of_their_own() -> None:
    data = np.arange(4).reshape(2, 2)
    masked = np.ma.masked_array(data, data == 1)
    matrix = data.view(np.matrix)
    record = np.rec.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")])

    assert hash_one(masked) == hash_one(copies(masked))
    assert hash_one(matrix) == hash_one(np.asfortranarray(matrix).view(np.matrix))
    assert all_differ([data, masked, np.ma.masked_array(data), matrix, record, np.asarray(record)])


def test_a_mapped_array_hashes_as_one_in_memory(tmp_path: Path) -> None:
    array = np.arange(1000.0)
    np.save(tmp_path / "array.npy", array)

    assert hash_one(np.load(tmp_path / "array.npy", mmap_mode="r")) == hash_one(array)


def test_scalars_differ_from_numbers_and_by_dtype() -> None:
    ones = [1, 1.0, True, np.bool_(1), np.str_("1"), np.bytes_("1"), np.array(1), np.array([1])]
    numbers = [np.dtype(code).type(1) for code in "bhiqBHIQefdgFDG"]

    assert all_differ([*ones, *numbers])
    assert hash_one(np.float64("nan")) == hash_one(-np.float64("nan"))
    nan = float("nan")
    assert hash_one(np.complex128(complex(nan, 1))) == hash_one(np.complex128(complex(-nan, 1)))


def test_dtypes_differ_by_what_they_are() -> None:
    dtypes = ["i4", ">i4", "u4", "f4", "M8[s]", "M8[ms]", "U1", "S1", "O", "i4,i4", "i4,f4", "2i4"]
    packed, aligned = (np.dtype([("a", "i1"), ("b", "i8")], align=a) for a in (False, True))

    assert all_differ([*map(np.dtype, dtypes), packed, aligned, np.dtype([("c", ">i4")])])
    assert hash_one(packed) == hash_one(copies(packed))


def test_dtypes_differ_by_what_is_deep_inside_them() -> None:
    def spread(at: int) -> Any:
        return np.dtype(
            {"names": ["a", "b"], "formats": ["i1", "i1"], "offsets": [0, at], "itemsize": 8}
        )

    pairs: list[list[Any]] = [[("s", ">i4", 2)], [("s", "<i4", 2)], [("s", [("a", ">i4")])]]
    inner: list[Any] = [(">i4", 2), ("<i4", 2), *pairs, [("s", [("a", "<i4")])]]

    assert all_differ([*map(np.dtype, inner), np.dtype([("s", spread(1))])])
    assert all_differ([np.dtype([("s", spread(at))]) for at in (1, 4)])


def test_records_differ_from_structured_arrays() -> None:
    record = np.rec.array([(1,)], dtype=[("x", "i8")])
    plain = np.array([(1,)], dtype=[("x", "i8")])

    assert all_differ([record, np.asarray(record), plain])
    assert all_differ([record[0], plain[0]])
    assert all_differ([record.dtype, plain.dtype])


def test_second_names_of_fields_count() -> None:
    titled: list[Any] = [np.dtype([((title, "a"), "i8")]) for title in ("s", "t")]

    assert all_differ([np.zeros(1, dtype) for dtype in (*titled, np.dtype([("a", "i8")]))])


def test_functions_of_numpy_go_by_name() -> None:
    assert all_differ([np.concatenate, np.stack, np.add, np.sin, np.float64, np.bool_, np.ndarray])
    with pytest.raises(HashError, match="ufunc .* has no module"):
        hash_one(np.frompyfunc(len, 1, 1))


def test_a_task_in_an_array_is_refused() -> None:
    with pytest.raises(HashError, match="is inside a 'ndarray'.*pass it in a list"):
        hash_one(np.array([Task(f), None], object))


def test_any_number_of_threads_gives_one_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    array = np.arange(3 * framing.CHUNK // 4, dtype="f4")
    data = array.tobytes()
    expected = hash_one(array), hash_one(data), hash_one(array[::2])

    for processors in (1, 3, 100):
        monkeypatch.setattr(os, "cpu_count", lambda n=processors: n)

        assert (hash_one(array), hash_one(data), hash_one(array[::2])) == expected


@pytest.mark.parametrize("size", [4096, 4097, framing.CHUNK, framing.CHUNK + 1])
def test_every_byte_of_long_content_counts(size: int) -> None:
    data = bytearray(size)
    before = hash_one(bytes(data)), hash_one(np.frombuffer(data, "u1").copy())

    data[-1] = 1

    after = hash_one(bytes(data)), hash_one(np.frombuffer(data, "u1").copy())
    assert len({*before, *after}) == 4


# pandas


def make_frame() -> Any:
    return pd.DataFrame(
        {
            "number": [1, 2],
            "object": pd.Series(["x", None], dtype=object),
            "category": pd.Categorical(["u", "v"], ["u", "v", "w"]),
            "zoned": pd.date_range("2020", periods=2, tz="Europe/Paris"),
            "naive": pd.date_range("2020", periods=2),
            "span": pd.to_timedelta([1, 2]),
            "whole": pd.array([1, None], dtype="Int64"),
            "real": pd.array([1.5, None], dtype="Float64"),
            "truth": pd.array([True, None], dtype="boolean"),
            "text": pd.array(["a", None], dtype="string"),
            "interval": pd.interval_range(0, 2),
            "month": pd.period_range("2020-01", periods=2, freq="M"),
            "sparse": pd.array([0, 1], dtype="Sparse[int]"),
        }
    )


def test_a_frame_hashes_as_its_copies_however_they_came_to_be() -> None:
    frame = make_frame()
    by_column = pd.DataFrame({name: frame[name].copy() for name in frame})
    rows = pd.concat([frame.iloc[:1], frame.iloc[1:]])

    assert hash_one(frame) == hash_one(copies(frame)) == hash_one(by_column)
    assert hash_one(frame[["number"]]) == hash_one(rows[["number"]].reset_index(drop=True))


@pytest.mark.parametrize("name", list(make_frame()))
def test_each_column_of_a_frame_counts(name: str) -> None:
    frame, changed = make_frame(), make_frame()

    changed[name] = changed[name].iloc[[1, 1]].set_axis(changed.index)

    assert all_differ([frame, changed, frame.rename(columns={name: "other"})])
    assert all_differ([frame[name], changed[name], frame[name].rename("other")])


def test_a_value_under_a_mask_is_not_data() -> None:
    one = pd.arrays.IntegerArray(np.array([1, 2]), np.array([False, True]))
    other = pd.arrays.IntegerArray(np.array([1, 3]), np.array([False, True]))

    assert hash_one(pd.Series(one)) == hash_one(pd.Series(other))


def test_indexes_zones_and_categories_count() -> None:
    zoned = pd.date_range("2020", periods=2, tz="UTC")
    categories = [["a", "b"], ["b", "a"], ["a", "b", "c"]]
    frame = make_frame()

    assert all_differ([zoned, zoned.tz_convert("Europe/Paris"), zoned.tz_localize(None)])
    assert all_differ([pd.Series(pd.Categorical(["a", "b"], order)) for order in categories])
    assert all_differ(
        [
            frame,
            frame.set_axis(["a", "b"]),
            frame.set_index("number"),
            frame.set_index(["number", "category"]),
            frame.T,
        ]
    )


class Zone(datetime.tzinfo):
    """A zone whose text is its address."""

    def __init__(self, hours: int) -> None:
        self.hours = hours

    def utcoffset(self, moment: Any) -> datetime.timedelta:
        return datetime.timedelta(hours=self.hours)

    def dst(self, moment: Any) -> datetime.timedelta:
        return datetime.timedelta(0)

    def __reduce__(self) -> tuple[Any, ...]:
        return Zone, (self.hours,)


def test_zones_differ_that_have_one_name_and_are_found_again_without_one() -> None:
    moments = pd.date_range("2020", periods=2, tz="UTC")
    named = [datetime.timezone(datetime.timedelta(hours=h), "local") for h in (1, 2)]
    zoned = [moments.tz_convert(zone) for zone in (*named, Zone(1), Zone(2))]

    for kind in (lambda index: index, pd.Series, lambda index: index.array):
        assert all_differ([kind(index) for index in (moments, *zoned)])
    assert hash_one(zoned[2]) == hash_one(moments.tz_convert(Zone(1)))


class Shown(Zone):
    """A zone of which the text does not tell which it is."""

    def __repr__(self) -> str:
        return "<a zone>"

    def __reduce__(self) -> tuple[Any, ...]:
        return Shown, (self.hours,)


def test_a_zone_is_known_by_its_name_only_where_that_leads_to_it() -> None:
    moments = pd.date_range("2020", periods=2, tz="UTC")
    shown = [moments.tz_convert(Shown(hours)) for hours in (1, 2)]
    with resources.files("tzdata.zoneinfo.Asia").joinpath("Tokyo").open("rb") as tokyo:
        named = ZoneInfo.from_file(tokyo, key="Europe/Berlin")

    assert all_differ(shown)
    with pytest.raises(HashError):
        hash_one(moments.tz_convert(named))
    assert hash_one(moments.tz_convert("Europe/Berlin")) == hash_one(
        moments.tz_convert(ZoneInfo("Europe/Berlin"))
    )


def test_scalars_of_pandas_hash_by_content() -> None:
    scalars = [
        pd.NA,
        pd.NaT,
        pd.Timestamp("2020"),
        pd.Timestamp("2020", tz="UTC"),
        pd.Timedelta(1, "s"),
        pd.Timedelta(2, "s"),
        pd.Period("2020", "M"),
        pd.Period("2020", "Y"),
        pd.Interval(0, 1),
        pd.Interval(0, 1, "left"),
    ]

    assert all_differ(scalars)
    assert [hash_one(scalar) for scalar in scalars] == [hash_one(copies(s)) for s in scalars]


# polars


def make_polars() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "whole": [1, None],
            "real": [1.5, float("nan")],
            "truth": [True, None],
            "text": ["x", None],
            "bytes": [b"1", None],
            "list": [[1, 2], None],
            "struct": [{"x": 1}, {"x": 2}],
            "date": [datetime.date(2020, 1, 1), None],
            "moment": [datetime.datetime(2020, 1, 1), None],
            "clock": [datetime.time(1), None],
            "span": [datetime.timedelta(1), None],
        }
    ).with_columns(
        pl.col("text").cast(pl.Categorical).alias("category"),
        pl.col("text").cast(pl.Enum(["x", "y"])).alias("choice"),
        pl.col("moment").dt.replace_time_zone("Europe/Paris").alias("zoned"),
        pl.col("whole").cast(pl.Decimal(10, 2)).alias("decimal"),
    )


def test_a_polars_frame_hashes_as_its_copies() -> None:
    frame = make_polars()

    assert hash_one(frame) == hash_one(copies(frame))
    assert hash_one(frame) == hash_one(pl.concat([frame[:1], frame[1:]]))


@pytest.mark.parametrize("name", make_polars().columns)
def test_each_column_of_a_polars_frame_counts(name: str) -> None:
    frame = make_polars()
    changed = frame.with_columns(frame[name].gather([1, 0]))

    assert all_differ([frame, changed, frame.rename({name: "other"}), frame.drop(name)])
    assert all_differ([frame[name], changed[name], frame[name].alias("other")])


@pytest.mark.parametrize("dtype", [pl.Datetime("ns"), pl.Duration("ns"), pl.Time])
def test_times_inside_other_values_of_polars_differ_by_a_nanosecond(dtype: Any) -> None:
    def make(number: int) -> list[pl.Series]:
        times = pl.Series("t", [number], dtype=pl.Int64).cast(dtype)
        return [
            times,
            times.implode(),
            times.reshape((1, 1)),
            pl.select(pl.struct(times)).to_series(),
            pl.select(pl.struct(times.implode())).to_series().implode(),
        ]

    assert all_differ([*make(1), *make(2)])
    assert list(map(hash_one, make(1))) == list(map(hash_one, make(1)))


class Survey(pd.DataFrame):  # type: ignore[misc]
    _metadata = ["place"]  # noqa: RUF012

    @property
    def _constructor(self) -> type[Survey]:
        return Survey


def make_survey(place: str, split: bool = False) -> Survey:
    survey = Survey({"a": [1, 2]}) if split else Survey({"a": [1, 2], "b": [3, 4]})
    if split:
        survey["b"] = [3, 4]
    survey.place = place
    return survey


def test_a_frame_of_a_subclass_hashes_by_columns_and_declared_attributes() -> None:
    survey = make_survey("here")
    repr(survey), survey.loc[0], survey.describe()

    assert hash_one(survey) == hash_one(make_survey("here")) == hash_one(make_survey("here", True))
    assert all_differ([survey, make_survey("there"), pd.DataFrame(survey)])


def test_all_that_an_array_of_somebody_elses_class_keeps_counts() -> None:
    def make(values: Any, unit: str) -> list[Any]:
        array = Lengths(values, unit)
        return [array, pd.Series(array), pd.DataFrame({"a": pd.Series(array)})]

    assert all_differ([*make([1, 2], "m"), *make([1, 2], "km"), *make([1, 3], "m")])
    assert list(map(hash_one, make([1, 2], "m"))) == list(map(hash_one, make([1, 2], "m")))


def test_the_frequency_of_an_index_and_unique_labels_count() -> None:
    days = pd.date_range("2000", periods=3, freq="D")
    spans = pd.timedelta_range(0, periods=3, freq="D")
    holidays = [
        pd.date_range("2000-01-05", periods=2, freq=pd.offsets.CustomBusinessDay(holidays=[day]))
        for day in ("2001-01-01", "2001-01-02")
    ]
    series, frame = pd.Series([1]), pd.DataFrame({"a": [1]})

    assert all_differ([days, pd.DatetimeIndex(days, freq=None), days.array])
    assert all_differ([spans, pd.TimedeltaIndex(spans, freq=None)])
    assert all_differ(holidays)
    for data in (series, frame):
        assert all_differ([data, data.set_flags(allows_duplicate_labels=False)])


class Noted(pl.DataFrame):
    pass


def test_an_attribute_of_a_subclass_of_polars_counts() -> None:
    def make(cls: Any, **attributes: str) -> Any:
        made = cls({"a": [1]})
        vars(made).update(attributes)
        return made

    assert all_differ([make(Noted, note="a"), make(Noted, note="b"), make(Noted)])
    assert all_differ([make(Noted), make(pl.DataFrame)])
    assert hash_one(make(Noted, note="a")) == hash_one(make(Noted, note="a"))


def test_a_missing_value_is_not_a_zero() -> None:
    values: list[list[Any]] = [[0], [None], [0.0], [""], [False], [0, 0], []]

    assert all_differ([pl.Series(v) for v in values])
    assert all_differ([pl.Series(v, dtype=pl.Int8) for v in ([0], [None], [0, None], [None, 0])])


def test_columns_of_one_look_differ_by_dtype() -> None:
    dtypes: list[Any] = [
        pl.Int8,
        pl.Int64,
        pl.UInt8,
        pl.Float32,
        pl.Datetime("ms"),
        pl.Datetime("us"),
        pl.Date,
    ]

    assert all_differ([pl.Series([0, 1]).cast(dtype) for dtype in dtypes])
    assert all_differ([pl.DataFrame(), pl.DataFrame({"a": []}), pl.DataFrame({"a": [1]})])


def test_a_plan_of_polars_is_refused() -> None:
    with pytest.raises(HashError, match=r"'LazyFrame' is a plan, not data: pass frame.collect\(\)"):
        hash_one(make_polars().lazy())


@pytest.mark.slow
def test_polars_hashes_alike_with_numpy_and_without() -> None:
    code = (
        "import sys, polars as pl\n"
        "{}\n"
        "from jug.hash import hash_one\n"
        "s = pl.DataFrame({{'a': [1, None], 'b': [1.5, -0.0], 'c': [True, None]}})\n"
        "s = s.with_columns(pl.Series('d', ['é', None]))\n"
        "print(hash_one(s), 'numpy' in sys.modules)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(SOURCES)}

    outputs = [
        subprocess.run(
            [sys.executable, "-c", code.format(line)],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        for line in ("", "import numpy")
    ]

    assert outputs[0][0] == outputs[1][0]
    assert [output[1] for output in outputs] == ["False", "True"]
