"""Encodings of pandas' frames, series, indexes and scalars.

By column: its name, its dtype, its values, what is missing, and what the dtype
alone does not say (categories, time zone).  Never by pandas' internals, which
depend on how a frame came to be.  An array of somebody else's class is taken apart as
any object: what its dtype says need not be all that it keeps.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from datetime import timezone
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd  # type: ignore[import-untyped]  # it ships no types

from jug.hash.containers import Encoder
from jug.hash.framing import sealed
from jug.hash.objects import by_stand_in
from jug.hash.standard_types import key_of_zone
from jug.hash.texts import Encoded, texts


def encoder(cls: type) -> Encoder | None:
    """Return the encoder of a class of pandas', None if it has no other."""
    if cls in _STAND_INS:
        return by_stand_in(f"pandas.{cls.__qualname__}", _STAND_INS[cls])
    if issubclass(cls, pd.api.extensions.ExtensionArray):
        return by_stand_in(f"pandas.{cls.__qualname__}", _bare) if _is_own(cls) else None
    if issubclass(cls, (pd.DataFrame, pd.Series)):
        return _subclass
    return None


def _is_own(cls: type) -> bool:
    """Return whether a class of arrays is pandas' own, so that its dtype tells what it keeps."""
    return cls.__module__.partition(".")[0] == "pandas"


def _subclass(data: Any) -> Generator[Any, bytes, bytes]:
    """Encode a frame or series of somebody's own class, with the attributes that it declares."""
    stand_in = _frame(data) if isinstance(data, pd.DataFrame) else _series(data)
    own = {name: getattr(data, name, None) for name in data._metadata if name != "_name"}
    return sealed(b"X", [(yield type(data)), (yield (stand_in, own))])


def _array(array: Any) -> Any:
    """Return what a column or an index holds, as plain values and numpy arrays."""
    if isinstance(array, np.ndarray) or not _is_own(type(array)):
        return array
    dtype = array.dtype
    if isinstance(dtype, np.dtype) and dtype.kind not in "mM":
        return array.to_numpy()
    if isinstance(dtype, pd.DatetimeTZDtype) and not _is_told(dtype.tz):
        return (f"datetime64[{dtype.unit}]", dtype.tz, array.asi8)
    return (str(dtype), *_parts(array, dtype))


def _is_told(zone: Any) -> bool:
    """Return whether the text of a time zone says all that it is."""
    if type(zone) is timezone:
        return str(zone) == str(timezone(zone.utcoffset(None)))
    if type(zone) is ZoneInfo:
        return bool(key_of_zone(zone))
    return type(zone).__module__.partition(".")[0] in ("pytz", "dateutil")


def _parts(array: Any, dtype: Any) -> tuple[Any, ...]:
    if isinstance(dtype, pd.CategoricalDtype):
        return (array.categories, array.ordered, array.codes)
    if isinstance(dtype, (pd.DatetimeTZDtype, pd.PeriodDtype, np.dtype)):
        return (array.asi8,)
    if isinstance(dtype, pd.IntervalDtype):
        return (array.left, array.right, array.closed)
    if isinstance(dtype, pd.SparseDtype):
        return (dtype.fill_value, np.asarray(array))
    if isinstance(dtype, pd.StringDtype):
        return (dtype.na_value, *_strings(array))
    if isinstance(dtype, pd.ArrowDtype):
        from jug.hash.pyarrow import column

        return (column(array.__arrow_array__()),)
    if isinstance(array, pd.api.extensions.ExtensionArray) and hasattr(dtype, "numpy_dtype"):
        if dtype.kind == "O":
            return (array.to_numpy(),)
        missing = array.isna()
        if dtype.kind in "biuf":
            return (array.to_numpy(dtype=dtype.numpy_dtype, na_value=0), missing)
    return (list(array),)


def _strings(array: Any) -> tuple[Any, ...]:
    """Return what is missing, and the strings by whichever library pandas keeps them."""
    missing = array.isna()
    holes = missing if missing.any() else None
    if array.dtype.storage == "python":
        values = array.to_numpy(dtype=object)
        return (holes, Encoded(texts(np.where(missing, "", values).tolist())))
    from jug.hash.pyarrow import strings

    return (holes, strings(array.__arrow_array__()))


def _bare(array: Any) -> Any:
    return (*_array(array), *_frequency(array)) if _frequency(array) else _array(array)


def _frequency(times: Any) -> tuple[Any, ...]:
    """Return the frequency that times were made with, if there is one."""
    frequency = getattr(times, "freq", None) if times.dtype.kind in "mM" else None
    return () if frequency is None else (frequency,)


def _index(index: Any) -> Any:
    return (index.name, _array(index.array), *_frequency(index))


def _multi_index(index: Any) -> Any:
    return [_index(index.get_level_values(level)) for level in range(index.nlevels)]


def _range_index(index: Any) -> Any:
    return (index.name, range(index.start, index.stop, index.step))


def _series(series: Any) -> Any:
    return (series.name, _array(series.array), series.index, series.attrs, *_flags(series))


def _frame(frame: Any) -> Any:
    columns = [_array(frame.iloc[:, i].array) for i in range(frame.shape[1])]
    return (frame.columns, columns, frame.index, frame.attrs, *_flags(frame))


def _flags(data: Any) -> tuple[str, ...]:
    return () if data.flags.allows_duplicate_labels else ("unique labels",)


_STAND_INS: Final[dict[type, Callable[[Any], Any]]] = {
    pd.DataFrame: _frame,
    pd.Series: _series,
    pd.Index: _index,
    pd.RangeIndex: _range_index,
    pd.MultiIndex: _multi_index,
    pd.DatetimeIndex: _index,
    pd.TimedeltaIndex: _index,
    pd.PeriodIndex: _index,
    pd.CategoricalIndex: _index,
    pd.IntervalIndex: _index,
    type(pd.NA): lambda value: None,
    type(pd.NaT): lambda value: None,
    pd.Timestamp: lambda value: (value.asm8, value.fold, value.tzinfo),
    pd.Timedelta: lambda value: value.asm8,
    pd.Period: lambda value: (value.ordinal, value.freqstr),
    pd.Interval: lambda value: (value.left, value.right, value.closed),
}
