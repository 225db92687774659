"""Values: of tasks wherever in a structure they stand, and of calls made here and now."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar, overload

from jug.errors import CallFailed, OptionError, TaskError
from jug.task.arguments import value_of
from jug.task.elsewhere import refuse_to_compute
from jug.task.task import MISSING, Task
from jug.task.together import load_together

if TYPE_CHECKING:
    from jug.task.later import Later, Listed

K = TypeVar("K")
R = TypeVar("R")
S = TypeVar("S")
T = TypeVar("T")

_SOON: Final = 1.0  # seconds after which a wait looks again without a reason


@overload
def value(elem: Later[R]) -> R: ...
@overload
def value(elem: Listed[Later[R]]) -> list[R]: ...
@overload
def value(elem: Listed[Listed[Later[R]]]) -> list[list[R]]: ...
@overload
def value(elem: dict[K, Task[R]]) -> dict[K, R]: ...
@overload
def value(elem: tuple[Later[R], Later[S]]) -> tuple[R, S]: ...
@overload
def value(elem: tuple[Later[R], Later[S], Later[T]]) -> tuple[R, S, T]: ...
@overload
def value(elem: tuple[Later[R], ...]) -> tuple[R, ...]: ...
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
    wanted = obj if elem is MISSING else elem
    load_together(wanted)
    return value_of(wanted)


def CachedFunction(f: Callable[..., R], /, *args: Any, **kwargs: Any) -> R:  # noqa: N802
    """Return `f(*args, **kwargs)`, computed here and now if no earlier call has stored it.

    >>> from jug import set_jugdir
    >>> store = set_jugdir("dict_store")
    >>> CachedFunction(sum, [1, 2])
    3

    Where another process is just computing it, this waits for it, and after a few seconds
    says for whom.  Raises `CallFailed` for a call that failed for good.
    """
    task: Task[R] = Task(f, *args, **kwargs)
    if not task.can_load():
        _run_or_wait(task)
    return task.value()


def _run_or_wait(task: Task[Any]) -> None:
    """Return once the task is done, by this process or another."""
    refuse_to_compute(task)
    if task.is_locked_here:
        raise TaskError(
            f"the call of {task.name!r} would wait for itself for ever: it calls itself with the "
            "same arguments, or its task was locked before",
            task=task,
        )
    from jug.backends.wait_notice import LONG, WaitNotice  # `import jug` stays light

    store, notice, began = task.store, WaitNotice(), time.monotonic()
    with store.reader() as changes:
        while not task.can_load():
            if task.lock():
                try:
                    task.run()
                finally:
                    task.unlock()
                return
            _refuse_if_failed_for_good(task)
            if time.monotonic() >= began + LONG:
                notice.tell({task.digest: task.name}, store.holders())
            else:
                notice.see(store.holders())
            store.wait(changes, _SOON)


def _refuse_if_failed_for_good(task: Task[Any]) -> None:
    if task.store.failures().get(task.digest):
        record = task.store.record(task.digest)
        why = f" ({record.exception})" if record and record.exception else ""
        raise CallFailed(
            f"the call of {task.name!r} failed for good{why}: "
            "`jug cleanup --failed-only` lets it be tried again",
            task=task,
            barrier_tasks=[task],
        )
