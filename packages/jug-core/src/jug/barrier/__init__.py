"""Values that are needed while the jugfile is read: barrier and bvalue.

A jugfile is read to its end before any of its tasks runs.  Where its next lines
depend on a result, `barrier` and `bvalue` end the reading with a `BarrierError`;
a worker runs what there is and, as soon as what is waited for is done, reads
the jugfile again from its beginning.  From then on it works within the calls of
`barrier` and `bvalue` and then lets the reading go on (`jug.barrier.passage`).
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar, overload

from jug.barrier.passage import count_done, note_done, pass_by
from jug.errors import BarrierError
from jug.session import is_store_chosen
from jug.task import CachedFunction, Task, alltasks, find_dependencies, value
from jug.task.running import advice_for, running_name

if TYPE_CHECKING:
    from jug.task.later import Later, Listed

__all__ = ["CachedFunction", "barrier", "bvalue"]

K = TypeVar("K")
R = TypeVar("R")
S = TypeVar("S")
T = TypeVar("T")


def barrier() -> None:
    """Go on only when every task made so far is done.

    Raises `BarrierError`, which names the first one that is not; a jugfile stops
    there and is read again later.  A worker that reads it again runs them here.

    >>> from jug import set_jugdir
    >>> store, task = set_jugdir("dict_store"), Task(abs, -1)
    >>> barrier()
    Traceback (most recent call last):
    ...
    jug.errors.BarrierError: task 'builtins.abs' is not done yet, so ...
    >>> task.run()
    1
    >>> barrier()
    """
    outer = running_name()
    if outer:
        raise BarrierError(
            f"the function of task {outer!r} calls barrier(), which is for the jugfile: "
            "pass it what it needs as arguments",
            barrier_tasks=[],
        )
    _require(alltasks, count_done())
    note_done()


@overload
def bvalue(t: Later[R]) -> R: ...
@overload
def bvalue(t: Listed[Later[R]]) -> list[R]: ...
@overload
def bvalue(t: Listed[Listed[Later[R]]]) -> list[list[R]]: ...
@overload
def bvalue(t: dict[K, Task[R]]) -> dict[K, R]: ...
@overload
def bvalue(t: tuple[Later[R], Later[S]]) -> tuple[R, S]: ...
@overload
def bvalue(t: tuple[Later[R], Later[S], Later[T]]) -> tuple[R, S, T]: ...
@overload
def bvalue(t: tuple[Later[R], ...]) -> tuple[R, ...]: ...
@overload
def bvalue(t: Any) -> Any: ...
def bvalue(t: Any) -> Any:
    """Return the value of a task as soon as it is done, whatever else there is to do.

    Takes anything that `jug.value` does.  Raises `BarrierError` before, at which a
    jugfile stops, to be read again later.  A worker that reads it again runs it here.

    >>> from jug import set_jugdir
    >>> store, task = set_jugdir("dict_store"), Task(abs, -1)
    >>> task.run()
    1
    >>> for number in range(bvalue(task)):
    ...     another = Task(abs, number)
    """
    _require(list(find_dependencies(t)))
    return value(t)


def _require(tasks: list[Task[Any]], known: int = 0) -> None:
    """Raise unless these tasks are done, of which so many are known to be, or done here."""
    missing = _first_missing(tasks, known)
    if missing is not None and pass_by(tasks):
        missing = _first_missing(tasks, known)
    if missing is not None:
        raise BarrierError(_not_done(missing), barrier_tasks=list(tasks))


def _first_missing(tasks: list[Task[Any]], known: int) -> Task[Any] | None:
    return next((task for task in islice(tasks, known, None) if not _is_done(task)), None)


def _not_done(task: Task[Any]) -> str:
    if running_name():
        return f"task {task.name!r} is not done yet: {advice_for(task, '')}"
    return (
        f"task {task.name!r} is not done yet, so the jugfile can't be read further: "
        "run `jug execute`, which reads it again when it is"
    )


def _is_done(task: Task[Any]) -> bool:
    """Return whether a task has its value; in a program that chose no jugdir none has."""
    return (is_store_chosen() or task.own_store is not None) and task.can_load()
