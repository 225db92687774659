"""What stands in the arguments of a task: other tasks, and values.

jug looks into lists, tuples (named ones too) and dicts, however nested, and asks
any object that wants to take part through two methods: `__jug_dependencies__`
gives the tasks that it stands for, `__jug_value__` the value that it becomes
when they are done.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Container, Iterable, Iterator
from typing import Any, Final, TypeVar

from jug.errors import TaskError

T = TypeVar("T")

ATOMS: Final = frozenset({int, str, float, bool, bytes, complex, type(None)})
"""Types of which every value is immutable and contains nothing."""


def find_dependencies(*values: Any) -> Iterator[Any]:
    """Yield the tasks in the values, in order, as often as they occur.

    >>> list(find_dependencies([1, {"a": (2, "three")}]))
    []
    """
    stack: list[Iterator[Any]] = [iter(values)]
    seen: set[int] = set()
    while stack:
        for found in stack[-1]:
            kind = type(found)
            if kind in ATOMS:
                continue
            if hasattr(kind, "__jug_dependencies__"):
                yield from found.__jug_dependencies__()
                continue
            inner = _contents(found)
            if inner is not None and id(found) not in seen:
                seen.add(id(found))
                stack.append(inner)
                break
        else:
            stack.pop()


def _contents(found: Any) -> Iterator[Any] | None:
    if isinstance(found, (list, tuple)):
        return iter(found)
    if isinstance(found, dict):
        return iter(found.values())
    return None


def dependencies_first(
    wanted: Iterable[T],
    dependencies: Callable[[T], Iterable[T]],
    key: Callable[[T], Any],
    done: Container[Any],
) -> Iterator[tuple[T, list[T]]]:
    """Yield each thing after what it depends on, without recursion, and with its dependencies.

    What has its key in `done` is passed over.  What is yielded must have it there when
    the next is asked for.

    >>> order, needs = [], {"sum": ["b", "a"], "b": ["a"], "a": []}
    >>> for name, _ in dependencies_first(["sum"], needs.get, str, order):
    ...     order.append(name)
    >>> order
    ['a', 'b', 'sum']
    """
    for root in wanted:
        stack = [root]
        while stack:
            last = stack[-1]
            if key(last) in done:
                stack.pop()
                continue
            needed = list(dependencies(last))
            missing = [one for one in needed if key(one) not in done]
            if missing:
                stack += missing
            else:
                yield last, needed
                stack.pop()


def value_of(x: Any) -> Any:
    """Return `x` with every task in it replaced by its value.

    Lists, tuples and dicts are copied.  What holds no task is passed on as it is if it is
    of a class of its own, or nested too deep to be copied, or inside itself.
    """
    try:
        return _value_of(x)
    except RecursionError:
        if not _holds_tasks(x):
            return x
        raise TaskError(
            "tasks are inside of something that is nested too deep, or inside itself, to be made "
            "anew with their values: pass them in a list of their own"
        ) from None


def _value_of(x: Any) -> Any:
    kind = type(x)
    if kind in ATOMS:
        return x
    if kind is list:
        return [_value_of(item) for item in x]
    if kind is tuple:
        return tuple([_value_of(item) for item in x])
    if kind is dict:
        return {key: _value_of(item) for key, item in x.items()}
    if hasattr(kind, "__jug_value__"):
        return x.__jug_value__()
    if isinstance(x, (list, tuple, dict)) and _holds_tasks(x):
        return _value_of_subclass(x)
    return x


def _value_of_subclass(x: Any) -> Any:
    """Return the same for a named tuple, an ordered dict and their like, keeping the type."""
    if isinstance(x, tuple):
        return _tuple_like(x, [_value_of(item) for item in x])
    if isinstance(x, list):
        fresh: Any = copy.copy(x)
        fresh[:] = [_value_of(item) for item in x]
        return fresh
    items = {key: _value_of(item) for key, item in x.items()}
    try:
        fresh = copy.copy(x)
        fresh.update(items)
    except TypeError:  # it is frozen
        return type(x)(items)
    return fresh


def _tuple_like(x: Any, items: list[Any]) -> Any:
    if hasattr(x, "n_sequence_fields"):  # one of Python's own, such as os.stat_result
        return type(x)(items)
    fresh: Any = tuple.__new__(type(x), items)
    if hasattr(x, "__dict__"):
        fresh.__dict__.update(x.__dict__)
    return fresh


def _holds_tasks(x: Any) -> bool:
    """Return whether anything inside becomes another value."""
    stack, seen = [x], {id(x)}
    while stack:
        found = stack.pop()
        if hasattr(type(found), "__jug_value__"):
            return True
        inner = [one for one in _contents(found) or () if id(one) not in seen]
        seen.update(map(id, inner))
        stack += inner
    return False
