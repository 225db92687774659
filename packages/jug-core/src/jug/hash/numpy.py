"""Encodings of numpy's arrays, scalars, dtypes and ufuncs.

An array is its dtype, its shape and its elements in C order as little-endian
bytes, so neither its layout in memory nor its byte order counts.  Structured
arrays are taken field by field, because the bytes between fields are not data;
long doubles without their padding; objects and variable strings by element.
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from typing import Any

import numpy as np

from jug.errors import HashError
from jug.hash.caches import without_caches
from jug.hash.containers import Encoder, in_order
from jug.hash.framing import CHUNK, INLINE, content, pieces, sealed, text
from jug.hash.functions import named
from jug.hash.objects import attributes, by_stand_in
from jug.hash.shared import LONG, keep, recall
from jug.hash.task_texts import look_through

Array = np.ndarray[Any, np.dtype[Any]]

_X87 = np.finfo(np.longdouble).nmant == 63
"""Whether a long double is 10 bytes of data and padding."""
_WIDE = ("f16", "f12", "c32", "c24")

_STATE_OF_NDARRAY = 5
"""So many parts of an array's state are its layout and elements; what follows is a subclass's."""

_KEPT_BY_MASKED = frozenset(vars(np.ma.array(0)))
"""Attributes of every masked array."""

_KEPT_BY_VECTORIZE = frozenset(vars(np.vectorize(len))) | {"__wrapped__", "__qualname__"}
"""Attributes of every vectorized function."""


def encoder(cls: type) -> Encoder | None:
    """Return the encoder of a class of numpy's, or made from one; None if it has no other."""
    if cls in (np.ndarray, np.memmap):
        return _array
    if issubclass(cls, np.ma.MaskedArray):
        return _masked
    if issubclass(cls, np.ndarray):
        return _subclass
    if issubclass(cls, np.generic):
        return _scalar
    if issubclass(cls, np.dtype):
        return _dtype
    if issubclass(cls, np.vectorize):
        return _vectorized
    if issubclass(cls, np.finfo):
        return by_stand_in("numpy.finfo", lambda limits: limits.dtype)
    return _ufunc if issubclass(cls, np.ufunc) else None


# Dtypes


def describe(dtype: np.dtype[Any], titled: bool = True) -> Any:
    """Return what a dtype is, apart from byte order and the places of fields."""
    if dtype.subdtype is not None:
        return (describe(dtype.subdtype[0]), dtype.subdtype[1])
    if dtype.names is not None:
        held: Any = dtype.fields
        fields = [_field(name, held[name], titled) for name in dtype.names]
        return fields if dtype.type is np.void else (dtype.type, fields)
    if dtype.kind == "T":
        return ("T", _missing(dtype), *(() if dtype.coerce else ("exact",)))  # type: ignore[attr-defined]
    if dtype.isbuiltin == 2:  # a third party's
        return (dtype.type.__module__, dtype.type.__qualname__)
    described = dtype.str[1:]
    return described + " x87" if _X87 and described in _WIDE else described


def _field(name: str, field: Any, titled: bool) -> tuple[Any, ...]:
    """Return a field's name and dtype, and its second name if it has one."""
    return (name, describe(field[0]), *field[2:]) if titled else (name, describe(field[0]))


def _missing(dtype: Any) -> Any:
    """Return what stands for missing strings, told from the word that says that nothing does."""
    missing = getattr(dtype, "na_object", None)
    if not hasattr(dtype, "na_object"):
        return "none"
    return ("none",) if type(missing) is str and missing == "none" else missing


def _dtype(dtype: np.dtype[Any]) -> Generator[Any, bytes, bytes]:
    described = (describe(dtype, titled=False), _places(dtype))
    inner = _inner_places(dtype)
    whole = (*described, inner) if inner else described
    return sealed(b"X", [text("numpy.dtype"), (yield whole)])


def _places(dtype: np.dtype[Any]) -> tuple[Any, ...]:
    order = [dtype[name].str[0] for name in dtype.names or ()]
    fields = [dtype.fields[name][1:] for name in dtype.names or ()] if dtype.fields else []
    return (dtype.itemsize, dtype.str[0], order, fields)


def _inner_places(dtype: np.dtype[Any]) -> Any:
    """Return the places and byte orders that are deeper, None if they are as usual."""
    if dtype.names is None and dtype.subdtype is None:
        return None
    parts = [dtype[name] for name in dtype.names] if dtype.names else [dtype]
    inner = [part.base for part in parts if part.subdtype or part.names]
    if all(map(_is_usual, inner)):
        return None
    return [(_places(part), _inner_places(part)) for part in inner]


def _is_usual(dtype: np.dtype[Any]) -> bool:
    """Return whether a dtype is little-endian, and its fields without space between them."""
    little: np.dtype[Any] = dtype.newbyteorder("<")
    if dtype.names is not None:
        little = np.dtype([(name, little[name]) for name in dtype.names])
    return dtype == little and _inner_places(dtype) is None


# Arrays


def _array(array: Array) -> Generator[Any, bytes, bytes]:
    head = [(yield describe(array.dtype)), (yield array.shape)]
    return sealed(b"A", [*head, (yield from _elements(array))])


def _elements(array: Array) -> Generator[Any, bytes, bytes]:
    if array.dtype.names is not None:
        fields = []
        for name in array.dtype.names:
            fields.append((yield from _elements(array[name])))
        return sealed(b"l", fields)
    if array.dtype.kind in "OT":
        return sealed(b"l", (yield from in_order(array.ravel().tolist())))
    if array.dtype.kind in "SU":
        look_through(array.flat)
    return _raw(array)


def _raw(array: Array) -> bytes:
    """Return what stands for the bytes of an array that holds nothing but bytes."""
    little = array.dtype.newbyteorder("<")
    width = _width(array.dtype)
    size = array.size * width
    if size <= INLINE:
        return content(_as_bytes(np.ascontiguousarray(array).reshape(-1), little, width))
    held = _unchanging(array) if size >= LONG else None
    key = None if held is None else _place(array, held)
    known = recall(key)
    if known is not None:
        return known
    step = max(1, CHUNK // width)

    def piece(i: int) -> bytes | memoryview:
        return _as_bytes(_stretch(array, i * step, (i + 1) * step), little, width)

    encoding = pieces(size, -(-array.size // step), piece)
    return encoding if held is None else keep(key, held, encoding)


def _unchanging(array: Array) -> bytes | None:
    """Return the bytes object over a memoryview of which an array is; None for other arrays.

    An array that is over a bytes object itself may be from a pickle, which others write to.
    """
    owner: Any = array
    while isinstance(owner, np.ndarray):
        owner = owner.base
    held = owner.obj if type(owner) is memoryview else None
    return held if type(held) is bytes else None


def _place(array: Array, held: bytes) -> tuple[Any, ...]:
    """Return what tells an array from any other over the same bytes object."""
    address = array.__array_interface__["data"][0]
    return (id(held), address, array.shape, array.strides, array.dtype.str)


def _stretch(array: Array, start: int, stop: int) -> Array:
    """Return a stretch of the elements in C order, copying as little as that needs."""
    if array.flags.c_contiguous:
        return array.reshape(-1)[start:stop]
    row = array.size // len(array)
    if row > stop - start:
        return array.flat[start:stop]
    first, last = start // row, -(-stop // row)
    rows = np.ascontiguousarray(array[first:last]).reshape(-1)
    return rows[start - first * row : stop - first * row]


def _width(dtype: np.dtype[Any]) -> int:
    """Return how many bytes of an element are data."""
    if _X87 and dtype.str[1:] in _WIDE:
        return 20 if dtype.kind == "c" else 10
    return dtype.itemsize


def _as_bytes(flat: Array, little: np.dtype[Any], width: int) -> bytes | memoryview:
    """Return the data of a one-dimensional array, without a copy where it can be."""
    if flat.size * width == 0:
        return b""
    data = np.ascontiguousarray(flat.astype(little, copy=False)).view(np.uint8)
    if width != little.itemsize:
        doubles = width // 10
        padded = data.reshape(flat.size * doubles, little.itemsize // doubles)
        data = np.ascontiguousarray(padded[:, :10])
    return data.reshape(-1).data


def _masked(array: Any) -> Generator[Any, bytes, bytes]:
    if array is np.ma.masked:
        return named(b"F", "numpy.ma", "masked")
    data = np.ma.getdata(array)
    base = data if array.baseclass is not np.ndarray else np.asarray(data)
    fill_value = array.view().fill_value  # an array keeps it once it was asked for, in its pickle
    parts = (base, np.ma.getmaskarray(array), fill_value)
    own = attributes(array)
    own |= own.pop("_optinfo", {})
    own = {name: value for name, value in own.items() if name not in _KEPT_BY_MASKED}
    if array.hardmask:
        own["hardmask"] = True
    return sealed(b"X", [(yield type(array)), (yield (*parts, own) if own else parts)])


def _subclass(array: Array) -> Generator[Any, bytes, bytes]:
    memory = np.ndarray.view(array, np.ndarray)  # a class may give itself for a view
    if isinstance(array, np.recarray) and array.dtype.type is np.record:  # as always in these
        memory = memory.view(np.dtype((np.void, array.dtype)))
    return sealed(b"X", [(yield type(array)), (yield (memory, _own_state(array)))])


def _own_state(array: Array) -> Any:
    """Return what an array of a subclass is beside its elements: None if nothing."""
    if type(array).__reduce__ is np.ndarray.__reduce__:
        return without_caches(type(array), attributes(array)) or None
    state: Any = array.__reduce__()[2]
    while isinstance(state, tuple) and state and isinstance(state[0], tuple):
        state = (*state[0], *state[1:])
    own = state[_STATE_OF_NDARRAY:]
    return tuple(without_caches(type(array), p) if type(p) is dict else p for p in own) or None


# Scalars and functions


def _scalar(scalar: Any) -> Generator[Any, bytes, bytes]:
    array = np.array(scalar)
    if array.dtype.kind in "fc":
        array = _one_nan(array)
    if type(scalar).__module__ == "numpy":
        return sealed(b"G", [(yield array)])
    return sealed(b"X", [(yield type(scalar)), (yield (array, attributes(scalar)))])


def _vectorized(function: Any) -> Generator[Any, bytes, bytes]:
    parts = (function.pyfunc, function.otypes, function.excluded, function.signature)
    own = {name: v for name, v in vars(function).items() if name not in _KEPT_BY_VECTORIZE}
    whole = (*parts, function.cache, *([own] if own else ()))
    return sealed(b"X", [(yield type(function)), (yield whole)])


def _one_nan(array: Array) -> Array:
    """Return the same with one kind of NaN, in each part if it is complex."""
    nan = array.real.dtype.type("nan")
    array.real = np.where(np.isnan(array.real), nan, array.real)
    if array.dtype.kind == "c":
        array.imag = np.where(np.isnan(array.imag), nan, array.imag)
    return array


def _ufunc(ufunc: np.ufunc) -> Generator[Any, bytes, bytes]:
    yield from ()
    for module in ("numpy", "scipy.special"):
        if getattr(sys.modules.get(module), ufunc.__name__, None) is ufunc:
            return named(b"F", module, ufunc.__name__)
    raise HashError(
        f"ufunc {ufunc.__name__!r} has no module that jug knows: call it in a function of your own"
    )
