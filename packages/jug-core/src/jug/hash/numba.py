"""Encodings of functions that numba compiles.

By the function that was compiled and how: what was compiled so far, and the random
number by which numba knows a function in this process, say nothing about it.
"""

from __future__ import annotations

from typing import Any

from numba.core.dispatcher import Dispatcher
from numba.np.ufunc.ufunc_base import UfuncBase

from jug.hash.containers import Encoder
from jug.hash.findable import found, is_found
from jug.hash.objects import by_stand_in


def encoder(cls: type) -> Encoder | None:
    """Return the encoder of a class of numba's functions, None if it is another class."""
    if issubclass(cls, (Dispatcher, UfuncBase)):
        return by_stand_in(f"numba.{cls.__qualname__}", _compiled)
    return None


def _compiled(function: Any) -> Any:
    plain = _plain(function)
    if _is_found(function, plain):
        return (plain.__module__, plain.__qualname__)
    told = _told(function)
    return (plain, getattr(function, "targetoptions", None), *([told] if told else ()))


def _is_found(function: Any, plain: Any) -> bool:
    """Return whether the name leads to the function; one that was pickled has no name."""
    if hasattr(function, "__qualname__"):
        return is_found(function)
    return type(found(plain.__module__, plain.__qualname__)) is type(function)


def _plain(function: Any) -> Any:
    """Return what was compiled; what was pickled is not a wrapper any more."""
    holders = [getattr(function, name, None) for name in ("_dispatcher", "gufunc_builder")]
    plains = [getattr(holder, "py_func", None) for holder in (function, *holders)]
    return next((plain for plain in plains if plain is not None), None) or function.__wrapped__


def _told(function: Any) -> dict[str, Any]:
    """Return what numba was told beside its options: types, and how a ufunc is applied."""
    fixed = not getattr(function, "_can_compile", True) or getattr(function, "_frozen", False)
    types: Any = getattr(function, "nopython_signatures", None) or getattr(function, "types", ())
    told = {
        "locals": {name: str(kind) for name, kind in getattr(function, "locals", {}).items()},
        "types": [*map(str, types)] if fixed else [],
        "signature": getattr(function, "signature", None),
        "identity": getattr(function, "identity", None),
    }
    return {name: part for name, part in told.items() if part not in (None, [], {})}
