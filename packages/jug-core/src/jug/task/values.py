"""The values of tasks, wherever in a structure they stand."""

from __future__ import annotations

from typing import Any, TypeVar, overload

from jug.task.arguments import value_of
from jug.task.task import Task

K = TypeVar("K")
R = TypeVar("R")


@overload
def value(x: Task[R]) -> R: ...
@overload
def value(x: list[Task[R]]) -> list[R]: ...
@overload
def value(x: dict[K, Task[R]]) -> dict[K, R]: ...
@overload
def value(x: Any) -> Any: ...
def value(x: Any) -> Any:
    """Return `x` with every task in it replaced by its value.

    Goes through lists, tuples and dicts.  Anything else that is not a task is
    its own value.  Raises `ResultNotFound` if a task has not run yet.

    >>> value([1, ("two", {"three": 3})])
    [1, ('two', {'three': 3})]
    """
    return value_of(x)
