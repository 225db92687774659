"""What an object is and holds, found out so that no code of the user's runs.

Objects may answer for themselves: a proxy gives another class than it has, an object loads what
it is asked for, a metaclass raises.  So only Python's own types are asked, for an object's real
class and for what stands in its own dictionary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from types import GetSetDescriptorType, MemberDescriptorType
from typing import Any, Final

__all__ = [
    "CONTAINERS",
    "PLAIN",
    "has_method",
    "is_a",
    "is_one_of",
    "items_of",
    "module_of",
    "names_in_class",
    "own_names",
    "qualname_of",
]

PLAIN: Final = (int, float, complex, str, bytes, bool, type(None))
"""The types of simple values."""

CONTAINERS: Final = (list, tuple, dict, set, frozenset)

_CLASS: Final = type.__dict__
_ITEMS: Final[dict[type, Callable[[Any], Iterator[Any]]]] = {
    list: list.__iter__,
    tuple: tuple.__iter__,
    set: set.__iter__,
    frozenset: frozenset.__iter__,
    dict: lambda thing: iter(dict.values(thing)),
}


def is_a(thing: Any, kinds: type | tuple[type, ...]) -> bool:
    """Return whether a thing is of a class, whatever it says itself.

    >>> is_a(True, int)
    True
    """
    return issubclass(type(thing), kinds)


def is_one_of(kind: type, kinds: Iterable[type]) -> bool:
    """Return whether a class is one of these, which is not asked of its metaclass."""
    return any(kind is one for one in kinds)


def items_of(thing: Any, most: int) -> list[Any] | None:
    """Return the first items of a container, or the values of a dictionary; None for others.

    >>> items_of({"a": 1, "b": 2}, 1), items_of(3, 1)
    ([1], None)
    """
    for kind, items in _ITEMS.items():
        if is_a(thing, kind):
            return [*islice(items(thing), most)]
    return None


def own_names(thing: Any) -> dict[str, Any]:
    """Return the dictionary of an object, empty if it has none.

    >>> own_names(lambda: 0), own_names(3)
    ({}, {})
    """
    for kind in _CLASS["__mro__"].__get__(type(thing)):
        found = _CLASS["__dict__"].__get__(kind).get("__dict__")
        if found is not None:
            if type(found) not in (GetSetDescriptorType, MemberDescriptorType):
                return {}
            names = found.__get__(thing)
            return names if type(names) is dict else {}
    return {}


def names_in_class(kind: type) -> Mapping[str, Any]:
    """Return what stands in a class itself."""
    found: Mapping[str, Any] = _CLASS["__dict__"].__get__(kind)
    return found


def has_method(kind: type, name: str) -> bool:
    """Return whether a class has a method, of its own or of a base.

    >>> has_method(type(print), "__call__"), has_method(int, "__call__")
    (True, False)
    """
    return any(name in names_in_class(one) for one in _CLASS["__mro__"].__get__(kind))


def module_of(kind: type) -> str:
    """Return the name of the module of a class.

    >>> module_of(int)
    'builtins'
    """
    found = _CLASS["__module__"].__get__(kind)
    return found if type(found) is str else ""


def qualname_of(kind: type) -> str:
    """Return the qualified name of a class."""
    found: str = _CLASS["__qualname__"].__get__(kind)
    return found
