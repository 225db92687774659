"""What stands in the arguments of a task: other tasks, and values.

jug looks into lists, tuples (named ones too) and dicts, however nested, and asks
any object that wants to take part through two methods: `__jug_dependencies__`
gives the tasks that it stands for, `__jug_value__` the value that it becomes
when they are done.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator
from typing import Any, Final, TypeVar

from jug.errors import TaskError

T = TypeVar("T")

ATOMS: Final = frozenset({int, str, float, bool, bytes, complex, type(None)})
"""Types of which every value is immutable and contains nothing."""


TASKS: Final[set[type]] = set()
"""Types of which every value is a task that stands for itself alone; filled by `jug.task.task`."""


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
            if kind in TASKS:
                yield found
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
                stack += reversed(missing)  # the first is on top
            else:
                yield last, needed
                stack.pop()


def value_of(x: Any) -> Any:
    """Return `x` with every task in it replaced by its value.

    Lists, tuples and dicts are copied, one that occurs several times once.  What holds no
    task is passed on as it is if it is of a class of its own, or nested too deep to be
    copied, or inside itself.
    """
    try:
        return _value_of(x, {})
    except RecursionError:
        if not _holds_tasks(x):
            return x
        raise TaskError(
            "tasks are inside of something that is nested too deep, or inside itself, to be made "
            "anew with their values: pass them in a list of their own"
        ) from None


def _value_of(x: Any, made: dict[int, Any]) -> Any:
    """Return the value; `made` has, by their ids, the values of the containers so far."""
    kind = type(x)
    if kind in ATOMS:
        return x
    if kind in TASKS:
        return x.value()
    if kind is list or kind is tuple or kind is dict:
        fresh = made.get(id(x))
        if fresh is None:
            fresh = made[id(x)] = _plain(x, kind, made)
        return fresh
    if hasattr(kind, "__jug_value__"):
        return x.__jug_value__()
    if isinstance(x, (list, tuple, dict)) and _holds_tasks(x):
        fresh = made.get(id(x))
        if fresh is None:
            fresh = made[id(x)] = _of_subclass(x, made)
        return fresh
    return x


def _plain(x: Any, kind: type, made: dict[int, Any]) -> Any:
    if kind is dict:
        return {
            key: item if type(item) in ATOMS else _value_of(item, made) for key, item in x.items()
        }
    items = [
        item if (of := type(item)) in ATOMS
        else item.value() if of in TASKS
        else _value_of(item, made)
        for item in x
    ]  # fmt: skip
    return items if kind is list else tuple(items)


def _of_subclass(x: Any, made: dict[int, Any]) -> Any:
    """Return the same for a named tuple, an ordered dict and their like, keeping the type.

    A class may count, order or refuse what is put into it.  So its objects are copied,
    and only the values in the copy are replaced, past the methods of the class.
    """
    if isinstance(x, tuple):
        return _tuple_like(x, [_value_of(item, made) for item in x])
    items: Any
    if isinstance(x, list):
        items = [_value_of(item, made) for item in x]
    else:
        items = {key: _value_of(item, made) for key, item in dict.items(x)}
    fresh = _copied(x)
    if fresh is None:
        return _made_anew(x, items)
    if isinstance(x, list):
        list.__setitem__(fresh, slice(None), items)
    else:
        dict.update(fresh, items)
    return fresh


def _copied(x: Any) -> Any:
    """Return a copy, None if there is none: what is frozen may give itself, or refuse."""
    from copy import copy  # few tasks need it

    try:
        fresh = copy(x)
    except Exception:
        return None
    return fresh if type(fresh) is type(x) and fresh is not x else None


def _made_anew(x: Any, items: Any) -> Any:
    """Return another object of the class, with the attributes but for the private ones.

    These may be made from the items, as a hash is that was kept.
    """
    fresh = type(x)(items)
    for name, attribute in getattr(x, "__dict__", {}).items():
        if not name.startswith("_"):
            fresh.__dict__[name] = attribute
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
