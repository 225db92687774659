"""Results that tasks have elsewhere, asked for while a jugfile is read.

A jugfile asks for results as it is read: at a barrier, by `CachedFunction` or `jug.run`, in a
compound task.  Who brings results over from another place, as `jug adopt` does from a store of
jug 2.x, is asked before a task counts as not done.  Nothing is computed meanwhile: what is
not found ends the reading, as a barrier does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from jug.errors import BarrierError

_bring: Callable[[Any], None] | None = None


@contextmanager
def brought_by(bring: Callable[[Any], None]) -> Iterator[None]:
    """Let the function save the results of tasks that are not done, where it has them."""
    global _bring
    before, _bring = _bring, bring
    try:
        yield
    finally:
        _bring = before


def look_for(task: Any) -> None:
    """Ask for the result of a task that its store does not have."""
    if _bring is not None:
        _bring(task)


def is_bringing() -> bool:
    """Return whether results are only brought over now, and none is computed."""
    return _bring is not None


def refuse_to_compute(task: Any) -> None:
    """Raise `BarrierError` if results are only brought over now."""
    if _bring is not None:
        raise BarrierError(
            f"the result of task {task.name!r} is not there, and nothing is computed now: "
            "`jug execute` computes it",
            barrier_tasks=[task],
        )
