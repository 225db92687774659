"""The bytes that jug 2.x stored, and what value they are.

    empty                         None
    zlib, then P and a pickle     the value
    zlib, then N and a .npy       an array
    a .npy, PAR1 and parquet      an array, a frame of polars

A pickle is a program, and runs as it is read.  So there is a second way to read, in
which no name of it means anything: for keys, which are plain bytes.
"""

from __future__ import annotations

import pickle
import zlib
from collections.abc import Callable
from io import BytesIO
from typing import Any, Final, NoReturn

from jug.errors import EncodeError, JugError
from jug.tracebacks import describe_exception

HASH_LENGTH: Final = 40

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
    except Exception as error:  # from damaged bytes also a MemoryError
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


class _Unpickler(pickle.Unpickler):
    """Finds what numpy has moved since."""

    def find_class(self, module: str, name: str) -> Any:
        if module.startswith("numpy.core"):
            import numpy

            if int(numpy.__version__.partition(".")[0]) >= 2:
                module = module.replace("numpy.core", "numpy._core", 1)
        return super().find_class(module, name)


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


# Packs: many results in one pickle


class Lost:
    """Stands for an object whose class is gone, in a pickle that holds others as well."""

    name = ""

    def __new__(cls, *args: Any, **kwargs: Any) -> Lost:
        return object.__new__(cls)

    def __setstate__(self, state: Any) -> None:
        """Ignore what the object was made of."""

    def __reduce__(self) -> NoReturn:
        """Refuse to be saved again."""
        raise EncodeError(f"{self.name} is gone, which its pickle names")


class _ForgivingUnpickler(_Unpickler):
    """Reads what it can: a name that is gone spoils only the values that it is in."""

    def find_class(self, module: str, name: str) -> Any:
        try:
            return super().find_class(module, name)
        except Exception:
            return type(name, (Lost,), {"name": f"{module}.{name}"})


def values_in_pack(content: bytes) -> dict[bytes, Any]:
    """Return the values in a pack by their hashes; this runs what is pickled in it."""
    pickled = BytesIO(inflated(content)[1:])
    try:
        found: dict[bytes, Any] = _ForgivingUnpickler(pickled).load()
    except Exception as error:
        raise Unreadable(f"the pack can't be read: {describe_exception(error)}") from error
    return found


class _Inert:
    """Stands for anything that a pickle names, and does nothing."""

    def __new__(cls, *args: Any, **kwargs: Any) -> _Inert:
        return object.__new__(cls)

    def __setstate__(self, state: Any) -> None: ...
    def __setitem__(self, key: Any, item: Any) -> None: ...
    def __call__(self, *args: Any, **kwargs: Any) -> _Inert:
        return self

    def append(self, item: Any) -> None: ...
    def extend(self, items: Any) -> None: ...
    def add(self, item: Any) -> None: ...
    def __hash__(self) -> int:
        return 0


class _InertUnpickler(pickle._Unpickler):
    """Reads a pickle without calling anything that it names."""

    stack: list[Any]
    metastack: list[list[Any]]

    def find_class(self, module: str, name: str) -> Any:
        return _Inert

    def get_extension(self, code: int) -> None:
        self.append(_Inert)  # type: ignore[attr-defined]

    def keys(self) -> set[bytes]:
        """Return the hashes in what was read, however far that went."""
        found: set[bytes] = set()
        for level in (*getattr(self, "metastack", ()), getattr(self, "stack", [])):
            for one in level:
                found.update(_hashes(one if isinstance(one, dict) else [one]))
        return found


def _hashes(keys: Any) -> list[bytes]:
    return [key for key in keys if isinstance(key, bytes) and len(key) == HASH_LENGTH]


def keys_in_pack(content: bytes) -> tuple[set[bytes], bool]:
    """Return the hashes of the results in a pack, and whether all of it was there to read.

    Nothing that is pickled in it runs.  Of one that is cut short, those in what is left.
    """
    stream = zlib.decompressobj()
    try:
        pickled = stream.decompress(content)
    except zlib.error:
        return set(), False
    unpickler = _InertUnpickler(BytesIO(pickled[1:]))
    try:
        return set(_hashes(unpickler.load())), stream.eof
    except Exception:
        return unpickler.keys(), False


def plain_dict(pickled: bytes) -> dict[bytes, bytes]:
    """Return a pickled dict of bytes, as the file of a dict_store is one; nothing in it runs."""
    try:
        found = _InertUnpickler(BytesIO(pickled)).load()
    except Exception as error:
        raise Unreadable(f"it is cut short or damaged: {describe_exception(error)}") from None
    return {k: v for k, v in found.items() if isinstance(k, bytes) and isinstance(v, bytes)}
