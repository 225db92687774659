"""numpy arrays in a pickle, with their memory beside it.

By itself numpy brings only plain contiguous arrays out of band, and copies the
strided, broadcast, masked and datetime64 ones into the pickle.  Here every array
that holds no Python objects becomes plain bytes with a dtype, a shape and an
order: a contiguous one uncopied, any other by what it shows, not by its base.

The functions `restore` and `restore_masked` are part of the format: stored
results name them.  They rely on nothing private of numpy, so what was stored
under one version of numpy is read under another.  numpy is imported only where
there is an array, hence never by jug itself.
"""

from __future__ import annotations

import sys
from pickle import PickleBuffer
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from numpy import ndarray

    Array = ndarray[Any, Any]


def reduce(array: Array) -> Any:
    """Return how pickle shall write an array, NotImplemented to leave it to the array."""
    import numpy

    kind = type(array)
    if array.dtype.hasobject:
        return NotImplemented
    if kind is numpy.ndarray:
        return restore, _taken_apart(array)
    # These are but another view of plain memory; other subclasses may hold more.
    if kind in (numpy.matrix, numpy.memmap, numpy.recarray):
        return restore, (*_taken_apart(array.view(numpy.ndarray)), kind)
    # A module of its own that numpy loads when it is first needed.
    masked = sys.modules.get("numpy.ma")
    if masked is not None and kind is masked.MaskedArray:
        return _reduce_masked(array)
    return NotImplemented


def _taken_apart(array: Array) -> tuple[Any, ...]:
    """Return the memory of an array, its dtype, its shape and its order."""
    if not array.nbytes:
        return b"", array.dtype, array.shape, "C"
    order: Literal["C", "F"] = "F" if array.flags.fnc else "C"
    # As bytes, since not every dtype can be exported (datetime64, for one).
    flat: Any = array.ravel(order).view("u1")
    return PickleBuffer(flat), array.dtype, array.shape, order


def restore(
    memory: bytes | bytearray | memoryview,
    dtype: Any,
    shape: tuple[int, ...],
    order: Literal["C", "F"],
    kind: type[Array] | None = None,
) -> Array:
    """Return an array over the given memory."""
    import numpy

    if not memory:
        array: Array = numpy.empty(shape, dtype)
    else:
        array = numpy.ndarray(shape, dtype, buffer=memory, order=order)
        # Memory at an odd address works in Python, but not in all compiled code.
        if not array.flags.aligned:
            array = array.copy(order)
    return array if kind is None else array.view(kind)


def _reduce_masked(array: Any) -> Any:
    from numpy.ma import getmask, nomask

    mask = getmask(array)
    state = None if mask is nomask else mask, array.fill_value, array.hardmask
    return restore_masked, (array.data, *state)


def restore_masked(data: Array, mask: Array | None, fill_value: Any, hard_mask: bool) -> Array:
    """Return a masked array over the given data and mask."""
    from numpy.ma import MaskedArray, nomask

    return MaskedArray(
        data,
        mask=nomask if mask is None else mask,
        fill_value=fill_value,
        hard_mask=hard_mask,
        copy=False,
    )
