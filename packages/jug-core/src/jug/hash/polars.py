"""Encodings of polars' frames, series and dtypes.

By column: its name, its dtype, which values are missing, and the values.
Numbers and times are hashed as memory, with numpy or without; all else by
element, with times as numbers.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable, Generator, Iterator
from sys import byteorder
from typing import Any, Final

import polars as pl

from jug.errors import HashError
from jug.hash.containers import Encoder
from jug.hash.framing import content, sealed
from jug.hash.objects import attributes, by_stand_in
from jug.hash.texts import Block, Encoded, texts_in
from jug.wording import an

_CODES: Final = {
    pl.Int8: "b",
    pl.Int16: "h",
    pl.Int32: "i",
    pl.Int64: "q",
    pl.UInt8: "B",
    pl.UInt16: "H",
    pl.UInt32: "I",
    pl.UInt64: "Q",
    pl.Float32: "f",
    pl.Float64: "d",
}


_AT_ONCE: Final = 1 << 14
"""How many strings are put together at a time."""


def encoder(cls: type) -> Encoder | None:
    """Return the encoder of a class of polars', None if it has no other."""
    stand_in = next((_STAND_INS[kind] for kind in cls.__mro__ if kind in _STAND_INS), None)
    if stand_in is not None and cls not in _STAND_INS:
        return _subclass(stand_in)
    if stand_in is None and issubclass(cls, (pl.DataType, type(pl.Int8))):
        stand_in = _describe
    return by_stand_in(f"polars.{cls.__name__}", stand_in) if stand_in else None


def _subclass(stand_in: Callable[[Any], Any]) -> Encoder:
    """Return the encoder of somebody's own frames or series, with their attributes."""

    def encoder(data: Any) -> Generator[Any, bytes, bytes]:
        kept = {"_df", "_s", "_ldf", *type(data)._accessors}
        own = {name: value for name, value in attributes(data).items() if name not in kept}
        return sealed(b"X", [(yield type(data)), (yield (stand_in(data), own))])

    return encoder


def _describe(dtype: Any) -> Any:
    """Return what a dtype is, with what it is made of."""
    if isinstance(dtype, pl.Struct):
        return ("Struct", [(field.name, _describe(field.dtype)) for field in dtype.fields])
    if isinstance(dtype, pl.Array):
        return ("Array", _describe(dtype.inner), dtype.shape)
    if isinstance(dtype, pl.List):
        return ("List", _describe(dtype.inner))
    if isinstance(dtype, pl.Enum):
        return ("Enum", dtype.categories.to_list())
    return str(dtype)


def _series(series: Any) -> Any:
    missing = series.is_null()
    holes = bytes(_memory(missing.cast(pl.UInt8))) if missing.any() else None
    return (series.name, _describe(series.dtype), len(series), holes, _values(series))


def _values(series: Any) -> Any:
    dtype = series.dtype
    if dtype == pl.Boolean:
        series = series.cast(pl.UInt8)
    else:
        series = series.cast(_in_numbers(dtype))
    if series.dtype.base_type() in _CODES:
        return Encoded(b"b" + content(_memory(series.fill_null(0))))
    if series.dtype == pl.String:
        return Encoded(texts_in(_blocks(series.fill_null(""))))
    return series.to_list()


def _blocks(strings: Any) -> Iterator[Block]:
    for some in strings.to_frame().iter_slices(_AT_ONCE):
        column = some.to_series()
        yield _memory(column.str.len_chars()), column.str.join("").item().encode()


def _in_numbers(dtype: Any) -> Any:
    """Return the dtype with numbers in place of times: Python's own are coarser."""
    if isinstance(dtype, pl.List):
        return pl.List(_in_numbers(dtype.inner))
    if isinstance(dtype, pl.Array):
        return pl.Array(_in_numbers(dtype.inner), dtype.size)
    if isinstance(dtype, pl.Struct):
        return pl.Struct([pl.Field(part.name, _in_numbers(part.dtype)) for part in dtype.fields])
    if dtype.is_temporal():
        return pl.Int32 if dtype == pl.Date else pl.Int64
    return dtype


def _memory(series: Any) -> bytes | memoryview:
    """Return numbers as little-endian bytes; numpy is only the faster way."""
    if byteorder == "little" and "numpy" in sys.modules:
        return series.to_numpy().view("u1").data  # type: ignore[no-any-return]
    values = array(_CODES[series.dtype.base_type()], series.to_list())
    if byteorder == "big":
        values.byteswap()
    return values.tobytes()


def _frame(frame: Any) -> Any:
    return (frame.height, frame.get_columns())


def _lazy(frame: Any) -> Any:
    raise HashError(f"{an(type(frame).__name__)} is a plan, not data: pass frame.collect()")


_STAND_INS: Final[dict[type, Callable[[Any], Any]]] = {
    pl.DataFrame: _frame,
    pl.Series: _series,
    pl.LazyFrame: _lazy,
}
