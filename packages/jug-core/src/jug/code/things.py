"""The functions and classes behind a thing that is called or given to a task.

A decorated function is its wrapper and what that wraps, a bound method also the class of its
object, a partial function what it calls and with what.  Containers, and objects of libraries
such as `numpy.vectorize` makes, are looked into one level deep.  Only what stands in an object's
own dictionary is asked for, so that no code of the user's runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from types import FunctionType, MethodType, ModuleType
from typing import Any, Final

from jug.code.modules import is_project

__all__ = ["dict_of", "innermost", "is_callable_kind", "module_of", "things_in"]

_CONTAINERS: Final = (list, tuple, dict, set, frozenset)
_MOST: Final = 1000
"""A container of more items is not looked into."""


def things_in(thing: Any) -> Iterator[FunctionType | type]:
    """Yield the functions and classes behind a thing, each once.

    >>> [one.__name__ for one in things_in(partial(is_callable_kind, print))]
    ['is_callable_kind']
    """
    seen = dict[int, Any]()  # the things too, so that no other gets the id of one
    stack = [(thing, 0)]
    while stack:
        one, depth = stack.pop()
        if id(one) in seen:
            continue
        seen[id(one)] = one
        if _is(one, FunctionType) or (_is(one, type) and is_project(module_of(one))):
            yield one
        stack += [(inner, deeper) for inner, deeper in _inside(one, depth) if deeper < 2]


def module_of(kind: type) -> str:
    """Return the name of the module of a class.

    >>> module_of(int)
    'builtins'
    """
    found = type.__getattribute__(kind, "__module__")
    return found if type(found) is str else ""


def _is(thing: Any, *kinds: type) -> bool:
    """Return whether a thing is of a class, whatever a stand-in for another one may say of it."""
    return issubclass(type(thing), kinds)


def innermost(thing: Any) -> Any:
    """Return the function that all others are wrapped around.

    >>> innermost(partial(print)) is print
    True
    """
    for _ in range(_MOST):
        inner: Any
        if _is(thing, partial):
            inner = thing.func
        elif _is(thing, MethodType, staticmethod, classmethod):
            inner = thing.__func__
        else:
            names = dict_of(thing)
            inner = names.get("__wrapped__") or names.get("py_func")
        if inner is None or _is(thing, type):
            return thing
        thing = inner
    return thing


def is_callable_kind(kind: type) -> bool:
    """Return whether objects of a class can bring code of the project with them.

    >>> is_callable_kind(FunctionType), is_callable_kind(int), is_callable_kind(ModuleType)
    (True, False, False)
    """
    return (
        issubclass(kind, (FunctionType, MethodType, partial, type))
        or is_project(module_of(kind))
        or kind.__name__ == "TaskGenerator"
    )


def _inside(thing: Any, depth: int) -> Iterator[tuple[Any, int]]:
    """Yield what is in a thing, and how many containers deep that is."""
    if _is(thing, FunctionType):
        yield from ((inner, depth) for inner in (*_cells(thing), *_wrapped(thing)))
    elif _is(thing, MethodType):
        owner = thing.__self__
        yield from ((inner, depth) for inner in (thing.__func__, _class_of(owner)))
    elif _is(thing, partial):
        yield from ((part, depth) for part in (thing.func, *thing.args, *thing.keywords.values()))
    elif _is(thing, staticmethod, classmethod):
        yield thing.__func__, depth
    elif _is(thing, property):
        yield from ((part, depth) for part in (thing.fget, thing.fset, thing.fdel))
    elif _is(thing, *_CONTAINERS):
        items = thing.values() if _is(thing, dict) else thing
        if len(thing) <= _MOST:
            yield from ((item, depth + 1) for item in tuple(items))
    elif not _is(thing, type, ModuleType):
        yield from _inside_object(thing, depth)


def _class_of(thing: Any) -> type:
    return thing if _is(thing, type) else type(thing)


def _inside_object(thing: Any, depth: int) -> Iterator[tuple[Any, int]]:
    if is_project(module_of(type(thing))):
        yield type(thing), depth
    names = dict_of(thing)
    if "__wrapped__" in names:
        yield names["__wrapped__"], depth
    code = FunctionType, MethodType, partial
    yield from ((inner, depth + 1) for inner in names.values() if _is(inner, *code))


def dict_of(thing: Any) -> dict[str, Any]:
    """Return what an object has of its own, without asking it.

    >>> dict_of(3)
    {}
    """
    try:
        found = object.__getattribute__(thing, "__dict__")
    except (AttributeError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}


def _wrapped(function: FunctionType) -> Iterator[Any]:
    """Yield what a function says that it wraps, and what it chooses among."""
    own = vars(function)
    if "__wrapped__" in own:
        yield own["__wrapped__"]
    registry = own.get("registry")  # that of functools.singledispatch
    if registry is not None and hasattr(registry, "values"):
        yield list(registry.values())


def _cells(function: FunctionType) -> Iterator[Any]:
    for cell in function.__closure__ or ():
        try:
            content = cell.cell_contents
        except ValueError:  # it is not filled yet
            continue
        if type(content) not in _PLAIN:
            yield content


_PLAIN: Final = frozenset({int, float, complex, str, bytes, bool, type(None), dict})
