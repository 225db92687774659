"""The bytes that jug 2.x stored, and what value they are.

    empty                         None
    zlib, then P and a pickle     the value
    zlib, then N and a .npy       an array
    a .npy, PAR1 and parquet      an array, a frame of polars

A pickle is a program, and runs as it is read.
"""

from __future__ import annotations

import pickle
import zlib
from collections.abc import Callable
from io import BytesIO
from typing import Any, Final

from jug.errors import JugError
from jug.tracebacks import describe_exception

HASH_LENGTH: Final = 40

RAISED: Final = (Exception, SystemExit)
"""What code may raise that a pickle runs, and that ends this result alone."""

_NPY: Final = b"\x93NUMPY"
_PARQUET: Final = b"PAR1"


class Unreadable(JugError, ValueError):
    """Raised for a result that can't be made into a value; the message is why not."""


def value_of(content: bytes) -> Any:
    """Return the value of a result; this runs what is pickled in it.

    >>> value_of(b"") is None, value_of(zlib.compress(b"P" + pickle.dumps([1, 2])))
    (True, [1, 2])
    """
    return _made(_value_of, content) if content else None


def unpickled(pickled: bytes) -> Any:
    """Return the value that is pickled; this runs it."""
    return _made(_unpickled, pickled)


def _made(make: Callable[[bytes], Any], content: bytes) -> Any:
    try:
        return make(content)
    except Unreadable:
        raise
    except RAISED as error:  # from damaged bytes also a MemoryError
        raise Unreadable(f"it can't be made into a value: {describe_exception(error)}") from error


def _value_of(content: bytes) -> Any:
    if content.startswith(_NPY):
        return _array(content)
    if content.startswith(_PARQUET):
        return _frame(content)
    return _inflated_value(inflated(content))


def inflated(content: bytes) -> bytes:
    """Return what was compressed, whole."""
    try:
        return zlib.decompress(content)
    except zlib.error:
        raise Unreadable(f"it is cut short or damaged, at {len(content)} bytes") from None


def _inflated_value(inflated: bytes) -> Any:
    kind, rest = inflated[:1], inflated[1:]
    if kind == b"N":
        return _array(rest)
    if kind == b"P":
        return _unpickled(rest)
    raise Unreadable(f"it begins with {kind!r}, as no result of jug 2.x does")


def module_today(module: str) -> str:
    """Return where what a pickle names is today: numpy has moved some of its own."""
    if module.startswith("numpy.core"):
        import numpy

        if int(numpy.__version__.partition(".")[0]) >= 2:
            return module.replace("numpy.core", "numpy._core", 1)
    return module


class _Unpickler(pickle.Unpickler):
    """Finds what has moved since."""

    def find_class(self, module: str, name: str) -> Any:
        return super().find_class(module_today(module), name)


def _unpickled(pickled: bytes) -> Any:
    return _Unpickler(BytesIO(pickled)).load()


def _array(npy: bytes) -> Any:
    import numpy

    try:
        return numpy.load(BytesIO(npy), allow_pickle=True)
    except ValueError as error:
        raise Unreadable(f"it is cut short or damaged: {error}") from None


def _frame(parquet: bytes) -> Any:
    import polars

    return polars.read_parquet(BytesIO(parquet))
