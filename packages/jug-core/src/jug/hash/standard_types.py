"""Plain values that stand for objects of the standard library, and a few of others.

By the names of the types, so that no module is imported that the program did
not import itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from jug.errors import HashError


def _range(value: range) -> tuple[int, ...]:
    """Return the same for ranges of the same numbers, which Python calls equal."""
    if not value:
        return (0,)
    first, last = value[0], value[-1]
    return (1, first) if first == last else (last, first, value.step)


def _decimal(value: Any) -> Any:
    sign, digits, exponent = value.as_tuple()
    return (sign, "".join(map(str, digits)), exponent)


def _time(value: Any) -> Any:
    clock = (value.hour, value.minute, value.second, value.microsecond)
    return (*clock, value.fold, value.tzinfo)


def key_of_zone(zone: Any) -> str:
    """Return the key of a `ZoneInfo`; raises HashError if it is not what the key leads to."""
    from pickle import PicklingError

    try:
        zone.__reduce__()
    except PicklingError:
        raise HashError(f"{zone!r} was read from a file: use ZoneInfo(key)") from None
    key: str = zone.key
    return key


def _path(value: Any) -> str:
    path: str = value.as_posix()
    return path


def _partial(value: Any) -> tuple[Any, ...]:
    own = vars(value)
    return (value.func, value.args, value.keywords, *([own] if own else ()))


def _cached(value: Any) -> Any:
    f = value.__wrapped__
    return (f, "typed") if value.cache_parameters()["typed"] else f


def _context(value: Any) -> tuple[Any, ...]:
    *settings, _, traps = value.__reduce__()[1]  # without the flags of what happened in it
    return (*settings, traps)


STAND_INS: Final[dict[str, Callable[[Any], Any]]] = {
    "array.array": lambda value: (value.typecode, value.tolist()),
    "builtins.classmethod": lambda value: value.__func__,
    "builtins.mappingproxy": dict,
    "builtins.property": lambda value: (value.fget, value.fset, value.fdel),
    "builtins.range": _range,
    "builtins.slice": lambda value: (value.start, value.stop, value.step),
    "builtins.staticmethod": lambda value: value.__func__,
    "datetime.date": lambda value: value.toordinal(),
    "datetime.datetime": lambda value: (value.toordinal(), *_time(value)),
    "datetime.time": _time,
    "datetime.timedelta": lambda value: (value.days, value.seconds, value.microseconds),
    "datetime.timezone": lambda value: value.__getinitargs__(),
    "decimal.Context": _context,
    "decimal.Decimal": _decimal,
    "fractions.Fraction": lambda value: (value.numerator, value.denominator),
    "functools._lru_cache_wrapper": _cached,
    "functools.cached_property": lambda value: value.func,
    "functools.partial": _partial,
    "pathlib.Path": _path,
    "pathlib.PosixPath": _path,
    "pathlib.PurePath": _path,
    "pathlib.PurePosixPath": _path,
    "pathlib.PureWindowsPath": _path,
    "pathlib.WindowsPath": _path,
    "re.Pattern": lambda value: (value.pattern, value.flags),
    "typing.ForwardRef": lambda value: value.__forward_arg__,
    "pyrsistent._pset.PSet": frozenset,
    "uncertainties.core.AffineScalarFunc": lambda value: (value.nominal_value, value.derivatives),
    "uuid.UUID": lambda value: value.int,
    "zoneinfo.ZoneInfo": key_of_zone,
}
