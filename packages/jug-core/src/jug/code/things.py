"""The functions and classes behind a thing that is called or given to a task.

A decorated function is its wrapper and what that wraps, a bound method also the class of its
object, a partial function what it calls and with what, a tasklet what makes its value.
Containers, and objects of libraries such as `numpy.vectorize` makes, are looked into one level
deep.  Only what stands in an object's own dictionary is asked for, so that no code of the user's
runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from types import FunctionType, MappingProxyType, MethodType, ModuleType
from typing import Any, Final

from jug.code.asking import (
    PLAIN,
    has_method,
    is_a,
    is_one_of,
    items_of,
    module_of,
    own_names,
    qualname_of,
)
from jug.code.modules import is_project

__all__ = [
    "defaults_in",
    "functions_of_tasklet",
    "innermost",
    "is_callable_kind",
    "is_tasklet_kind",
    "things_in",
]

_MOST: Final = 1000
"""A container of more items is not looked into."""
_TASKLETS: Final = "jug.task.tasklet"


def things_in(thing: Any) -> Iterator[FunctionType | type]:
    """Yield the functions and classes behind a thing, each once.

    >>> [one.__name__ for one in things_in(partial(is_callable_kind, print))]
    ['is_callable_kind']
    """
    seen: dict[int, Any] = {}  # the things too, so that each id is of one of them
    stack = [(thing, 0)]
    while stack:
        one, depth = stack.pop()
        if id(one) in seen:
            continue
        seen[id(one)] = one
        if is_a(one, FunctionType) or (is_a(one, type) and is_project(module_of(one))):
            yield one
        stack += [(inner, deeper) for inner, deeper in _inside(one, depth) if deeper < 2]


def innermost(thing: Any) -> Any:
    """Return the function that all others are wrapped around.

    >>> innermost(partial(print)) is print
    True
    """
    for _ in range(_MOST):
        inner: Any
        if is_a(thing, partial):
            inner = thing.func
        elif is_a(thing, (MethodType, staticmethod, classmethod)):
            inner = thing.__func__
        else:
            names = own_names(thing)
            inner = names.get("__wrapped__", names.get("py_func"))
        if inner is None or is_a(thing, type):
            return thing
        thing = inner
    return thing


def is_callable_kind(kind: type) -> bool:
    """Return whether objects of a class can bring code of the project with them.

    >>> is_callable_kind(FunctionType), is_callable_kind(int), is_callable_kind(ModuleType)
    (True, False, False)
    """
    module = module_of(kind)
    if module == _TASKLETS:
        return is_tasklet_kind(kind)
    return has_method(kind, "__call__") or is_project(module)


def is_tasklet_kind(kind: type) -> bool:
    """Return whether a class is that of tasklets."""
    return (module_of(kind), qualname_of(kind)) == (_TASKLETS, "Tasklet")


def functions_of_tasklet(tasklet: Any) -> list[Any]:
    """Return the functions that make the value of a tasklet, the last first."""
    kind, found = type(tasklet), []
    while type(tasklet) is kind:
        found.append(tasklet.f)
        tasklet = tasklet.base
    return found


def _inside(thing: Any, depth: int) -> Iterator[tuple[Any, int]]:
    """Yield what is in a thing, and how many containers deep that is."""
    items = items_of(thing, _MOST + 1)
    if items is not None:
        yield from ((item, depth + 1) for item in items if len(items) <= _MOST)
    elif is_a(thing, FunctionType):
        yield from ((cell, depth) for cell in _cells(thing))
        yield from ((default, depth) for default in defaults_in(thing))
        yield from ((inner, depth) for inner in _wrapped(thing))
    elif is_a(thing, MethodType):
        yield thing.__func__, depth
        yield (thing.__self__ if is_a(thing.__self__, type) else type(thing.__self__)), depth
    elif is_a(thing, partial):
        yield from ((part, depth) for part in (thing.func, *thing.args, *thing.keywords.values()))
    elif is_a(thing, (staticmethod, classmethod)):
        yield thing.__func__, depth
    elif is_a(thing, property):
        yield from ((part, depth) for part in (thing.fget, thing.fset, thing.fdel))
    elif is_tasklet_kind(type(thing)):
        yield from ((function, depth) for function in functions_of_tasklet(thing))
    elif not is_a(thing, (type, ModuleType)):
        yield from _inside_object(thing, depth)


def _inside_object(thing: Any, depth: int) -> Iterator[tuple[Any, int]]:
    if is_project(module_of(type(thing))):
        yield type(thing), depth
    names = own_names(thing)
    if "__wrapped__" in names:
        yield names["__wrapped__"], depth
    yield from ((inner, depth + 1) for inner in _functions_held(thing))


def _functions_held(thing: Any) -> list[Any]:
    """Return the functions among the attributes of an object."""
    held = [*own_names(thing).values()]  # which another thread may change meanwhile
    return [one for one in held if is_a(one, (FunctionType, MethodType, partial))]


def _wrapped(function: FunctionType) -> Iterator[Any]:
    """Yield what a function says that it wraps, and what it chooses among."""
    own = vars(function)
    if "__wrapped__" in own:
        yield own["__wrapped__"]
    registry = own.get("registry")  # that of functools.singledispatch
    if type(registry) is MappingProxyType:
        yield [*registry.values()]


def _cells(function: FunctionType) -> Iterator[Any]:
    for cell in function.__closure__ or ():
        try:
            content = cell.cell_contents
        except ValueError:  # it is not filled yet
            continue
        if not is_one_of(type(content), PLAIN):
            yield content


def defaults_in(function: FunctionType) -> Iterator[Any]:
    """Yield the defaults of a function that are no simple values."""
    given = (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values())
    return (value for value in given if not is_one_of(type(value), PLAIN))
