"""Encodings of functions that numba compiles.

By the function that was compiled and how: what was compiled so far, and the random
number by which numba knows a function in this process, say nothing about it.
"""

from __future__ import annotations

from typing import Any

from numba.core.dispatcher import Dispatcher
from numba.np.ufunc.ufunc_base import UfuncBase

from jug.hash.containers import Encoder
from jug.hash.findable import is_found
from jug.hash.objects import by_stand_in


def encoder(cls: type) -> Encoder | None:
    """Return the encoder of a class of numba's functions, None if it is another class."""
    if issubclass(cls, (Dispatcher, UfuncBase)):
        return by_stand_in(f"numba.{cls.__qualname__}", _compiled)
    return None


def _compiled(function: Any) -> Any:
    plain = getattr(function, "py_func", None) or function.__wrapped__
    if is_found(function):
        return (plain.__module__, plain.__qualname__)
    return (plain, getattr(function, "targetoptions", None))
