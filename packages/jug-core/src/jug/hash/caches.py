"""What objects keep of their own use, which says nothing new about them.

Such a thing is there or not, depending on what was done with the object, so it is left
out, or replaced by what a new object has.  Some can be told by how they are declared:
cached properties of Python and pandas, hashes of attrs, descriptions of astropy.  Those
of other libraries are listed by the names of their classes, so that no module is
imported that the program did not import itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, cached_property
from typing import Any, Final

Settle = Callable[[Any], Any]

_CACHE_OF_ATTRS: Final = "_attrs_cached_hash"
_CACHE_OF_PANDAS: Final = "_cache"
_DESCRIPTION: Final = "info"

_LEFT_OUT: Final = object()


def _left_out(value: Any) -> Any:
    return _LEFT_OUT


def _none(value: Any) -> None:
    return None


def _empty(value: Any) -> dict[Any, Any]:
    return {}


def _not_yet(value: Any) -> bool:
    return False


def _nothing_kept(value: Any) -> list[Any] | None:
    return None if value is None else []


def _fitted(data: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return what a spline of FITPACK was made of, without the memory that it worked in."""
    *given, n, knots, coefficients, residual, _, _, _ = data
    return (*given, n, knots[:n], coefficients[:n], residual)


_KNOWN: Final[dict[str, dict[str, Settle]]] = {
    "astropy.modeling.core.Model": {"_constraints_cache": _empty, "_parameters": _none},
    "astropy.units.core.UnitBase": {"_decomposed_cache": _left_out},
    "dateutil.rrule.rrulebase": {
        "_cache": _nothing_kept,
        "_cache_complete": _not_yet,
        "_len": _none,
    },
    "scipy.interpolate._fitpack2.UnivariateSpline": {"_data": _fitted},
    "scipy.sparse.linalg._interface.MatrixLinearOperator": {
        "_MatrixLinearOperator__adj": _none,
    },
    "scipy.spatial._qhull.Delaunay": {
        "_transform": _none,
        "_vertex_neighbor_vertices": _none,
        "_vertex_to_simplex": _none,
    },
    "scipy.stats._distribution_infrastructure.UnivariateDistribution": {
        "_constant_cache": _none,
        "_method_cache": _empty,
        "_moment_central_cache": _empty,
        "_moment_methods": _left_out,
        "_moment_raw_cache": _empty,
        "_moment_standardized_cache": _empty,
        "_support_cache": _none,
    },
    "sklearn.feature_extraction.text._VectorizerMixin": {"_stop_words_id": _left_out},
    "xarray.core.groupby.GroupBy": {"_dims": _none, "_groups": _none, "_sizes": _none},
    "xarray.core.indexes.Indexes": {
        "_Indexes__coord_name_id": _none,
        "_Indexes__id_coord_names": _none,
        "_Indexes__id_index": _none,
        "_dims": _none,
    },
}

_COUNTING: Final = ("sklearn.neighbors._kd_tree.", "sklearn.neighbors._ball_tree.")
_COUNTS: Final = slice(7, 11)
"""Where the state of a tree of scikit-learn says what was done with it so far."""


def without_caches(cls: type, state: dict[str, Any]) -> dict[str, Any]:
    """Return a copy of the attributes of an object, without what it has kept of its use."""
    caches = _caches_of(cls)
    if caches.keys().isdisjoint(state):
        return {**state}
    settled = {
        name: caches[name](value) if name in caches else value for name, value in state.items()
    }
    return {name: value for name, value in settled.items() if value is not _LEFT_OUT}


def without_counts(cls: type, state: Any) -> Any:
    """Return a state that is no dict, without numbers that count how an object was used."""
    label = f"{cls.__module__}.{cls.__qualname__}"
    if label.startswith(_COUNTING) and isinstance(state, tuple):
        return (*state[: _COUNTS.start], *state[_COUNTS.stop :])
    return state


@cache
def _caches_of(cls: type) -> Mapping[str, Settle]:
    """Return the names of all that a class may keep of the use of its objects."""
    found: dict[str, Settle] = {_CACHE_OF_ATTRS: _left_out}
    for base in cls.__mro__:
        for name, member in vars(base).items():
            if isinstance(member, cached_property):
                found[name] = _left_out
            elif type(member).__name__ == "CachedProperty" and "pandas" in type(member).__module__:
                found[_CACHE_OF_PANDAS] = _left_out
            elif name == _DESCRIPTION and hasattr(type(member), "_attr_defaults"):
                found.setdefault(_DESCRIPTION, _description_of(member))
        found |= _KNOWN.get(f"{base.__module__}.{base.__qualname__}", {})
    return found


def _description_of(member: Any) -> Settle:
    """Return what leaves out the description of an object in which nothing was described."""
    usual = getattr(type(member)(bound=True), "_attrs", {})

    def settle(info: Any) -> Any:
        attributes = info if isinstance(info, dict) else info.__getstate__()
        told = {n: v for n, v in attributes.items() if v is not None and v != usual.get(n)}
        return info if told else _LEFT_OUT

    return settle
