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
    """Return `x` with every task in it replaced by its value."""
    kind = type(x)
    if kind in ATOMS:
        return x
    if kind is list:
        return [value_of(item) for item in x]
    if kind is tuple:
        return tuple([value_of(item) for item in x])
    if kind is dict:
        return {key: value_of(item) for key, item in x.items()}
    if hasattr(kind, "__jug_value__"):
        return x.__jug_value__()
    if isinstance(x, (list, tuple, dict)):
        return _value_of_subclass(x)
    return x


def _value_of_subclass(x: Any) -> Any:
    """Return the same for a named tuple, an ordered dict and their like, keeping the type."""
    if isinstance(x, tuple):
        items: Iterable[Any] = [value_of(item) for item in x]
        return type(x)._make(items) if hasattr(x, "_make") else tuple.__new__(type(x), items)
    fresh = copy.copy(x)
    if isinstance(x, dict):
        for key, item in x.items():
            fresh[key] = value_of(item)
    else:
        fresh[:] = [value_of(item) for item in x]
    return fresh
