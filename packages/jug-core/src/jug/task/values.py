"""Values: of tasks wherever in a structure they stand, and of calls made here and now."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar, overload

from jug.errors import OptionError
from jug.task.arguments import value_of
from jug.task.task import MISSING, Task

K = TypeVar("K")
R = TypeVar("R")

_SOON: Final = 1.0  # seconds after which a wait looks again without a reason


@overload
def value(elem: Task[R]) -> R: ...
@overload
def value(elem: list[Task[R]]) -> list[R]: ...
@overload
def value(elem: dict[K, Task[R]]) -> dict[K, R]: ...
@overload
def value(elem: Any) -> Any: ...
@overload
def value(*, obj: Any) -> Any: ...
def value(elem: Any = MISSING, *, obj: Any = MISSING) -> Any:
    """Return `elem`, which may also be given as `obj`, with every task in it replaced by its value.

    Goes through lists, tuples and dicts.  Anything else that is not a task is
    its own value.  Raises `ResultNotFound` if a task has not run yet.

    >>> value([1, ("two", {"three": 3})])
    [1, ('two', {'three': 3})]
    """
    if (elem is MISSING) == (obj is MISSING):
        raise OptionError("value() takes one thing: value(task)")
    return value_of(obj if elem is MISSING else elem)


def CachedFunction(f: Callable[..., R], *args: Any, **kwargs: Any) -> R:  # noqa: N802
    """Return `f(*args, **kwargs)`, computed here and now if no earlier call has stored it.

    >>> from jug import set_jugdir
    >>> store = set_jugdir("dict_store")
    >>> CachedFunction(sum, [1, 2])
    3

    Where another process is just computing it, this waits for it.
    """
    task: Task[R] = Task(f, *args, **kwargs)
    with task.store.reader() as changes:
        while not task.can_load():
            if not task.lock():
                task.store.wait(changes, _SOON)
                continue
            try:
                task.run()
            finally:
                task.unlock()
    return task.value()
