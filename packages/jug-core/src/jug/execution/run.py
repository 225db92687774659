"""`jug.run`: the values of tasks, computed by workers started from a script or a notebook."""

from __future__ import annotations

import os
import warnings
from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict, TypeVar, Unpack, overload

from jug.backends.base import BaseStore
from jug.backends.registry import open_store
from jug.errors import OptionError, TaskError, TaskFailed
from jug.execution.capacity import Capacity
from jug.execution.settings import Settings, check_workers
from jug.execution.summary import Ending, Summary
from jug.execution.worker import Worker
from jug.jugfile import Jugspace
from jug.progress import Display
from jug.progress.choice import display_here
from jug.session import current_store, is_jug_running, of_this_thread, using_here
from jug.task import Task, find_dependencies, value
from jug.task.elsewhere import is_bringing, refuse_to_compute
from jug.task.graph import Graph
from jug.task.running import running_here
from jug.wording import counted

if TYPE_CHECKING:
    from jug.task.later import Later, Listed

K = TypeVar("K")
R = TypeVar("R")
S = TypeVar("S")
T = TypeVar("T")
Jugdir: TypeAlias = str | os.PathLike[str] | BaseStore | None


class Machine(TypedDict, total=False):
    """How much of the machine the workers together may use."""

    cpus: int | None
    memory: float | str | None
    gpus: int | None


@overload
def run(
    x: Later[R],
    workers: int = 1,
    jugdir: Jugdir = None,
    keep_going: bool = False,
    progress: bool = True,
    **machine: Unpack[Machine],
) -> R: ...
@overload
def run(
    x: Listed[Later[R]],
    workers: int = 1,
    jugdir: Jugdir = None,
    keep_going: bool = False,
    progress: bool = True,
    **machine: Unpack[Machine],
) -> list[R]: ...
@overload
def run(
    x: Listed[Listed[Later[R]]],
    workers: int = 1,
    jugdir: Jugdir = None,
    keep_going: bool = False,
    progress: bool = True,
    **machine: Unpack[Machine],
) -> list[list[R]]: ...
@overload
def run(
    x: dict[K, Task[R]],
    workers: int = 1,
    jugdir: Jugdir = None,
    keep_going: bool = False,
    progress: bool = True,
    **machine: Unpack[Machine],
) -> dict[K, R]: ...
@overload
def run(
    x: tuple[Later[R], Later[S]],
    workers: int = 1,
    jugdir: Jugdir = None,
    keep_going: bool = False,
    progress: bool = True,
    **machine: Unpack[Machine],
) -> tuple[R, S]: ...
@overload
def run(
    x: tuple[Later[R], Later[S], Later[T]],
    workers: int = 1,
    jugdir: Jugdir = None,
    keep_going: bool = False,
    progress: bool = True,
    **machine: Unpack[Machine],
) -> tuple[R, S, T]: ...
@overload
def run(
    x: tuple[Later[R], ...],
    workers: int = 1,
    jugdir: Jugdir = None,
    keep_going: bool = False,
    progress: bool = True,
    **machine: Unpack[Machine],
) -> tuple[R, ...]: ...
@overload
def run(
    x: Any,
    workers: int = 1,
    jugdir: Jugdir = None,
    keep_going: bool = False,
    progress: bool = True,
    **machine: Unpack[Machine],
) -> Any: ...
def run(
    x: Any,
    workers: int = 1,
    jugdir: Jugdir = None,
    keep_going: bool = False,
    progress: bool = True,
    *,
    cpus: int | None = None,
    memory: float | str | None = None,
    gpus: int | None = None,
) -> Any:
    """Return the value of `x`, after running whatever in it has not run yet.

    `x` is a task or anything that `jug.value` takes; only what it needs is run, by that
    many workers, in the jugdir given or else the one in use.  Other workers may share
    that jugdir at the same time.  Raises `TaskFailed` if a task failed, and `TaskError` if the
    function of a task asks for that task itself.

    `cpus`, `memory` such as ``"64 GB"``, and `gpus` are how much of the machine the workers
    together may use for tasks that say what they need; by default what there is.

    Meanwhile a bar below a notebook's cell, one line in a terminal, or a line every ten
    seconds elsewhere shows how far that is, unless `progress` is false.

    >>> from jug import TaskGenerator
    >>> distance = TaskGenerator(abs)
    >>> run([distance(-1), distance(2)], jugdir="dict_store")
    [1, 2]
    """
    if isinstance(workers, bool) or not isinstance(workers, int):
        raise OptionError(f"workers must be a whole number, not {workers!r}")
    check_workers(workers)
    settings = Settings(keep_going=keep_going, capacity=Capacity.given(cpus, memory, gpus))
    # What a task runs is a part of what its command shows.
    display = display_here() if progress and not is_jug_running() else None
    if jugdir is None:
        return _run_in(current_store(), x, workers, settings, display)
    store = open_store(jugdir)
    try:
        here = of_this_thread(store)
        with using_here(here):
            return _run_in(here, x, workers, settings, display)
    finally:
        if store is not jugdir:
            store.close()


def _run_in(
    store: BaseStore, x: Any, workers: int, settings: Settings, display: Display | None
) -> Any:
    if is_bringing():
        return _brought(x)
    graph = Graph(find_dependencies(x))
    jugspace = Jugspace(store, graph.tasks)
    try:
        _check_for_itself(store, graph)
        summary = _work(jugspace, workers, settings, display)
    finally:
        if display is not None:
            display.close()
    _raise_for(summary)
    store.poll()
    return value(x)


def _brought(x: Any) -> Any:
    """Return the value of `x` if all that it holds was brought over; raise BarrierError if not."""
    for task in find_dependencies(x):
        if not task.can_load():
            refuse_to_compute(task)
    return value(x)


def _check_for_itself(store: BaseStore, graph: Graph) -> None:
    """Raise if a task would wait for itself, as it runs in here."""
    outer = running_here(graph.numbers)
    if outer is None or store.exists_after_poll([outer.digest]) == [True]:
        return
    raise TaskError(
        f"the function of task {outer.name!r} calls jug.run() for its own task or for one that "
        "needs it, which would wait for ever: ask for other tasks"
    )


def _work(jugspace: Jugspace, workers: int, settings: Settings, display: Display | None) -> Summary:
    reason = _why_here(jugspace, workers)
    if reason:
        warnings.warn(f"the tasks run in this process alone: {reason}", stacklevel=4)
    if workers == 1 or reason:
        return Worker(jugspace, lambda at_barrier: jugspace, settings, display=display).run()
    from jug.execution.processes import run_forked

    return run_forked(jugspace, settings, workers, display)


def _why_here(jugspace: Jugspace, workers: int) -> str:
    if workers == 1:
        return ""
    if not hasattr(os, "fork"):
        return "this system can't fork"
    if not jugspace.store.shared:
        return f"other processes can't open {jugspace.store.url}"
    from jug.execution.processes import unsafe_library

    return unsafe_library()


def _raise_for(summary: Summary) -> None:
    if summary.ending is Ending.INTERRUPTED:
        raise KeyboardInterrupt
    failures = summary.failures + summary.failures_elsewhere
    if failures:
        first = failures[0]
        raise TaskFailed(
            f"task {first.name!r} failed: {first.exception}\n{first.traceback}".rstrip(),
            failures=failures,
        )
    if summary.left:
        why = "; ".join([summary.ending.value, *map(str, summary.too_large)])
        raise TaskError(f"{counted(summary.left, 'task')} not done: {why}", summary=summary)
