"""Values that are computed here and now, once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from jug.task.task import Task

R = TypeVar("R")

_SOON: Final = 1.0  # seconds after which a wait looks again of its own accord


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
