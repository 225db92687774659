"""Encodings of xarray's datasets, arrays and trees.

By dimensions, coordinates, data and attributes.  What xarray keeps beside, such as
the accessors that were used, file handles, and how a file was encoded, does not count.
"""

from __future__ import annotations

from typing import Any

import xarray as xr

from jug.hash.containers import Encoder
from jug.hash.objects import by_stand_in


def encoder(cls: type) -> Encoder | None:
    """Return the encoder of a class of xarray's, None if it has no other."""
    for ancestor in cls.__mro__:
        if ancestor in _STAND_INS:
            return by_stand_in(f"xarray.{ancestor.__qualname__}", _STAND_INS[ancestor])
    return None


def _variable(variable: Any) -> Any:
    return (variable.dims, variable.data, variable.attrs)


def _coordinates(data: Any) -> Any:
    coordinates = {name: array.variable for name, array in data.coords.items()}
    return (coordinates, set(data.xindexes))


def _array(array: Any) -> Any:
    return (array.name, array.variable, _coordinates(array))


def _dataset(data: Any) -> Any:
    variables = {name: array.variable for name, array in data.data_vars.items()}
    return (variables, _coordinates(data), dict(data.sizes), data.attrs)


def _tree(tree: Any) -> Any:
    return (tree.name, tree.to_dataset(inherit=False), dict(tree.children))


_STAND_INS = {
    xr.Variable: _variable,
    xr.DataArray: _array,
    xr.Dataset: _dataset,
    xr.DataTree: _tree,
}
