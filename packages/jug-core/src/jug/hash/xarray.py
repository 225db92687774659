"""Encodings of xarray's datasets, arrays and trees.

By dimensions, coordinates, data and attributes.  What xarray keeps beside, such as
the accessors that were used, file handles, and how a file was encoded, does not count.
A part of a tree is also the coordinates that it has from the parts above.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, Final

import xarray as xr
from xarray.indexes import PandasIndex, PandasMultiIndex

from jug.hash.containers import Encoder, encoders
from jug.hash.framing import sealed
from jug.hash.objects import attributes, by_stand_in

_USUAL: Final = (PandasIndex, PandasMultiIndex)
"""Indexes that the coordinates of their names say all about."""


def encoder(cls: type) -> Encoder | None:
    """Return the encoder of a class of xarray's, None if it has no other."""
    ancestor = next((kind for kind in cls.__mro__ if kind in _STAND_INS), None)
    if ancestor is None:
        return None
    encoder = by_stand_in(f"xarray.{ancestor.__qualname__}", _STAND_INS[ancestor])
    return encoder if cls is ancestor else _subclass(ancestor)


def _subclass(ancestor: type) -> Encoder:
    """Return the encoder of somebody's own datasets or arrays, with their attributes."""

    def encoder(data: Any) -> Generator[Any, bytes, bytes]:
        kept = {*dir(ancestor), "_cache"}
        own = {name: value for name, value in attributes(data).items() if name not in kept}
        return sealed(b"X", [(yield type(data)), (yield (_STAND_INS[ancestor](data), own))])

    return encoder


def _variable(variable: Any) -> Any:
    return (variable.dims, variable.data, variable.attrs)


class _Inside:
    """A variable of a dataset or an array: whether it is an index is told there."""

    __slots__ = ("variable",)

    def __init__(self, array: Any) -> None:
        self.variable = array.variable


def _coordinates(data: Any) -> Any:
    coordinates = {name: _Inside(array) for name, array in data.coords.items()}
    indexes = data.xindexes
    unusual = {name: index for name, index in indexes.items() if type(index) not in _USUAL}
    return (coordinates, {*indexes}, *([unusual] if unusual else ()))


def _array(array: Any) -> Any:
    return (array.name, _Inside(array), _coordinates(array))


def _dataset(data: Any) -> Any:
    variables = {name: _Inside(array) for name, array in data.data_vars.items()}
    return (variables, _coordinates(data), dict(data.sizes), data.attrs)


class _Branch:
    """A part of a tree that is hashed with what is above it."""

    __slots__ = ("tree",)

    def __init__(self, tree: Any) -> None:
        self.tree = tree


def _branch(tree: Any) -> tuple[Any, ...]:
    branches = {name: _Branch(child) for name, child in tree.children.items()}
    return (tree.name, tree.to_dataset(inherit=False), branches)


def _tree(tree: Any) -> Any:
    own = {*tree.to_dataset(inherit=False).coords}
    whole = tree.to_dataset()
    inherited = whole[[name for name in whole.coords if name not in own]]
    return (*_branch(tree), *([_coordinates(inherited)] if inherited.coords else ()))


_STAND_INS: Final[dict[type, Callable[[Any], Any]]] = {
    xr.IndexVariable: _variable,
    xr.Variable: _variable,
    xr.DataArray: _array,
    xr.Dataset: _dataset,
    xr.DataTree: _tree,
}
encoders[_Inside] = by_stand_in("xarray.Variable", lambda inside: _variable(inside.variable))
encoders[_Branch] = by_stand_in("xarray.DataTree", lambda branch: _branch(branch.tree))
