"""Encodings of all other objects, found by looking at their class.

A class says itself what stands for its objects with ``__jug_hash__``; types of
the standard library, and those that were registered, have a *stand-in*: a plain
value that says the same.  Anything else is taken apart in the way of pickle and
copy, by ``__reduce_ex__``, and its parts are encoded by the same rules.  Pickled
bytes never enter a hash: they depend on which strings are one object in memory, and
on the order of sets in this process.
"""

from __future__ import annotations

import copyreg
from collections import OrderedDict
from collections.abc import Callable, Generator
from copyreg import _slotnames  # type: ignore[attr-defined]
from enum import Enum, Flag
from importlib import import_module
from typing import Any, Final

from jug.errors import HashError
from jug.hash.caches import without_caches, without_counts
from jug.hash.classes import encode_class, encode_named_tuple
from jug.hash.containers import (
    Encoder,
    Hidden,
    atoms,
    each,
    each_pair,
    encoders,
    leaves,
    looked_into,
)
from jug.hash.findable import is_found, name_in_library
from jug.hash.framing import content, sealed, text
from jug.hash.functions import named, stable_module
from jug.hash.standard_types import STAND_INS
from jug.tracebacks import text_of
from jug.wording import an

StandIn = Callable[[Any], Any]

_LIBRARIES: Final = {
    "numba": "jug.hash.numba",
    "numpy": "jug.hash.numpy",
    "pandas": "jug.hash.pandas",
    "polars": "jug.hash.polars",
    "pyarrow": "jug.hash.pyarrow",
    "pydantic": "jug.hash.pydantic",
    "scipy": "jug.hash.scipy",
    "xarray": "jug.hash.xarray",
}
"""Loaded when an object of the library is met, hence after the library itself."""

_TAKEN_APART_BY: Final = ("__new__", "__reduce__", "__reduce_ex__")
"""Methods of object by which pickle takes apart an object that says nothing about that."""

_STATE_BY: Final = ("__getstate__", "__reduce__", "__reduce_ex__")
"""Methods of object that give its attributes and slots for its state."""

_SET_REDUCES: Final = (set.__reduce__, frozenset.__reduce__)

_GLOBAL_GENERATORS: Final = {"random.Random", "numpy.random.mtrand.RandomState"}
"""Classes of random numbers of which a library keeps one object for the whole process."""

_VIEWS: Final = {"dict_keys", "dict_values", "dict_items"}


def resolve(cls: type) -> Encoder | None:
    """Return the encoder of a class, and keep it for the next time.

    None if its objects are leaves, which ``atoms`` and ``leaves`` have from now on.
    """
    if hasattr(cls, "__jug_hash__") and not issubclass(cls, type):
        leaves[cls] = _own_hash
        if not hasattr(cls, "__jug_dependencies__"):
            atoms[cls] = _own_hash
        return None
    encoder = encoders[cls] = _encoder(cls)
    return encoder


def _encoder(cls: type) -> Encoder:
    if issubclass(cls, type):
        return encode_class
    if hasattr(cls, "__jug_dependencies__"):
        return _object_with_tasks
    for ancestor in cls.__mro__:
        library = _LIBRARIES.get(ancestor.__module__.partition(".")[0])
        found = import_module(library).encoder(cls) if library else None
        if found is not None:
            return found  # type: ignore[no-any-return]
    label = f"{stable_module(cls.__module__)}.{cls.__qualname__}"
    if label in STAND_INS:
        return by_stand_in(label, STAND_INS[label])
    return _global_or_object if label in _GLOBAL_GENERATORS else _encoder_by_kind(cls)


def _encoder_by_kind(cls: type) -> Encoder:
    if issubclass(cls, Enum):
        return _enum_member
    if issubclass(cls, tuple) and hasattr(cls, "_fields") and not cls.__dictoffset__:
        return encode_named_tuple
    if issubclass(cls, (set, frozenset)) and cls.__reduce__ in _SET_REDUCES:
        return _set_object
    if issubclass(cls, (list, tuple, dict)):
        return _container_object
    if _is_plain_dataclass(cls):
        return _dataclass
    if hasattr(cls, "__next__") and cls.__module__ in ("builtins", "itertools"):
        return _iterator
    return _view if cls.__module__ == "builtins" and cls.__name__ in _VIEWS else taken_apart


def _own_hash(value: Any) -> bytes:
    given = value.__jug_hash__()
    if type(given) is not bytes:
        raise HashError(
            f"__jug_hash__ of {type(value).__qualname__!r} gave {an(type(given).__qualname__)}:"
            " it must give bytes"
        )
    return b"J" + content(given)


# Stand-ins


def by_stand_in(label: str, stand_in: StandIn) -> Encoder:
    """Return an encoder that encodes what ``stand_in`` makes of an object, under a label."""
    head = text(label)

    def encoder(value: Any) -> Generator[Any, bytes, bytes]:
        return sealed(b"X", [head, (yield stand_in(value))])

    return encoder


def register(cls: type, stand_in: StandIn) -> None:
    """Let objects of exactly this class be encoded by what ``stand_in`` makes of them."""
    if not isinstance(cls, type) or cls.__module__ == "builtins":
        raise HashError(f"{cls!r} cannot be registered: register a class that Python does not own")
    atoms.pop(cls, None)
    leaves.pop(cls, None)
    encoders[cls] = by_stand_in(f"{stable_module(cls.__module__)}.{cls.__qualname__}", stand_in)


# Enumerations and dataclasses


def _enum_member(member: Enum) -> Generator[Any, bytes, bytes]:
    identity = member.value if isinstance(member, Flag) else member.name
    return sealed(b"e", [(yield type(member)), (yield identity)])


def _is_plain_dataclass(cls: type) -> bool:
    """Return whether fields and attributes are all that an object of the class is."""
    return (
        hasattr(cls, "__dataclass_fields__")
        and all(getattr(cls, n) is getattr(object, n) for n in _TAKEN_APART_BY)
        and getattr(cls.__getstate__, "__module__", None) in (None, "dataclasses")
        and cls not in copyreg.dispatch_table
    )


def _dataclass(value: Any) -> Generator[Any, bytes, bytes]:
    from dataclasses import fields

    state = {f.name: getattr(value, f.name) for f in fields(value) if hasattr(value, f.name)}
    state = without_caches(type(value), {**attributes(value), **state})
    return sealed(b"D", [(yield type(value)), (yield state)])


def attributes(thing: Any) -> dict[str, Any]:
    """Return the attributes of an object, in its dict or in slots."""
    slots = [name for name in _slotnames(type(thing)) if hasattr(thing, name)]
    return {**getattr(thing, "__dict__", {}), **{name: getattr(thing, name) for name in slots}}


# Any object


def taken_apart(value: Any) -> Generator[Any, bytes, bytes]:
    """Encode an object that is found by its name, or taken apart as pickle does it."""
    if callable(value) and hasattr(value, "__qualname__") and is_found(value):
        return named(b"F", value.__module__, value.__qualname__)
    reduced = _reduce(value)
    if isinstance(reduced, str):
        return named(b"F", getattr(value, "__module__", None), reduced)
    function, args, state, items, pairs, setter = (*reduced, None, None, None, None)[:6]
    encoded_pairs = yield from each_pair(pairs or ())
    if isinstance(value, dict) and not isinstance(value, OrderedDict):
        encoded_pairs.sort()
    return sealed(
        b"O",
        [
            (yield function),
            (yield args),
            (yield from _state(value, state)),
            sealed(b"l", (yield from each(items or ()))),
            sealed(b"m", encoded_pairs),
            (yield setter),
        ],
    )


def _global_or_object(value: Any) -> Generator[Any, bytes, bytes]:
    """Encode random numbers: those of the whole process by their name."""
    place = name_in_library(value)
    return named(b"F", *place) if place else (yield from taken_apart(value))


def _container_object(value: Any) -> Generator[Any, bytes, bytes]:
    """Encode an object of a subclass of list, tuple or dict: jug looks into its items."""
    return (yield from taken_apart(value))


def _object_with_tasks(value: Any) -> Generator[Any, bytes, bytes]:
    """Encode an object that names its tasks itself."""
    return (yield from taken_apart(value))


looked_into.update({_container_object, _object_with_tasks})


def _state(value: Any, state: Any) -> Generator[Any, bytes, bytes]:
    """Encode attributes; whether there are none or no dict of them is all the same."""
    state = _normal_state(value, state)
    if state is not None and isinstance(value, (list, tuple, dict)):
        return (yield Hidden(state, f"an attribute of {an(type(value).__qualname__)}"))
    return (yield state)


def _normal_state(value: Any, state: Any) -> Any:
    if type(state) is dict:
        return without_caches(type(value), state) or None
    if type(state) is tuple and len(state) == 2 and type(state[1]) is dict:
        attributes, slots = state
        if type(attributes) in (dict, type(None)) and not _has_own_state(type(value)):
            return without_caches(type(value), {**(attributes or {}), **slots}) or None
        if type(attributes) is dict:
            return tuple(without_caches(type(value), half) for half in state)
    return without_counts(type(value), state)


def _has_own_state(cls: type) -> bool:
    """Return whether only the class itself knows what two dicts say of an object."""
    is_pythons = all(getattr(cls, n) is getattr(object, n) for n in _STATE_BY)
    return hasattr(cls, "__setstate__") and not is_pythons


def _reduce(value: Any) -> Any:
    reduce = copyreg.dispatch_table.get(type(value))
    try:
        return reduce(value) if reduce is not None else value.__reduce_ex__(4)
    except Exception as error:  # whatever the object's own code raises
        raise _nameless(value, text_of(error)) from error


def _nameless(value: Any, why: str) -> HashError:
    return HashError(
        f"{an(type(value).__qualname__)} has no hash that another process would compute ({why}):"
        " pass what it is made from, give its class a __jug_hash__ method, register its type with"
        " jug.hash.register, or wrap it in jug.utils.CustomHash"
    )


def _iterator(value: Any) -> Generator[Any, bytes, bytes]:
    yield from ()
    raise HashError(
        f"{an(type(value).__qualname__)} can be read only once, so it has no hash:"
        " pass a list of what it yields"
    )


def _view(value: Any) -> Generator[Any, bytes, bytes]:
    yield from ()
    raise HashError(
        f"{an(type(value).__qualname__)} is a view of a dict, which may change, so it has no hash:"
        " pass list(...) of it"
    )


def _set_object(value: Any) -> Generator[Any, bytes, bytes]:
    """Encode an object of a subclass of set, which pickle takes apart in no certain order."""
    items = sorted((yield from each(value)))
    _, _, state = _reduce(value)
    return sealed(
        b"O", [(yield type(value)), sealed(b"S", items), (yield from _state(value, state))]
    )
