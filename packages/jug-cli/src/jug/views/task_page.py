"""All that can be said of one task: what it is, how it is, why, and what its runs were."""

from __future__ import annotations

from inspect import signature
from typing import Any, NamedTuple

from jug.backends.base import BaseStore
from jug.code import find_stale
from jug.code.wording import what_changed
from jug.jugfile import Jugspace
from jug.status import State, states
from jug.task import Task
from jug.task.graph import Graph
from jug.task.short_form import call_form, short_form
from jug.views.history import History, PastRun
from jug.views.neighbours import Neighbours, neighbours
from jug.views.results import ResultSummary, summary_of
from jug.wording import counted, escaped
from jug.workers import Worker, held_by, holder_of

__all__ = ["TaskPage", "task_page"]


class TaskPage(NamedTuple):
    """What `jug show` tells of a task."""

    task: Task[Any]
    arguments: dict[str, str]
    """The short form of each argument, by its name, or by its number from 1 if it has none."""
    state: State
    why: str
    """What the state comes from."""
    result: ResultSummary | None
    dependencies: Neighbours
    dependants: Neighbours
    runs: list[PastRun]
    holder: Worker | None
    """Who holds it, alive or not."""

    @property
    def call(self) -> str:
        """The call that it stands for."""
        return call_form(self.task)

    @property
    def version(self) -> str:
        """The version of its function, empty if none was stated."""
        return self.task.options.version

    @property
    def traceback(self) -> str:
        """The traceback of the last run that has one, empty if none has."""
        return next((r.record.traceback for r in reversed(self.runs) if r.record.traceback), "")

    @property
    def output(self) -> str:
        """What the last run printed of which that is known, empty if it is of none."""
        return next((r.record.output for r in reversed(self.runs) if r.record.output), "")

    def as_dict(self) -> dict[str, Any]:
        """Return it for ``--json``."""
        return {
            "hash": self.task.digest.hex(),
            "name": self.task.name,
            "version": self.version or None,
            "arguments": self.arguments,
            "state": self.state.value,
            "why": self.why,
            "holder": self.holder and self.holder.as_holder(self.task.digest),
            "result": self.result and self.result.as_dict(),
            "dependencies": self.dependencies.as_dict(),
            "dependants": self.dependants.as_dict(),
            "runs": [run.as_dict() for run in self.runs],
        }


def task_page(jugspace: Jugspace, graph: Graph, task: Task[Any]) -> TaskPage:
    """Return what can be said of a task of a graph.

    >>> from jug import set_jugdir
    >>> jugspace = Jugspace(set_jugdir("dict_store"), [Task(abs, -1)])
    >>> page = task_page(jugspace, Graph(jugspace.tasks), jugspace.tasks[0])
    >>> page.state.value, page.why, page.arguments
    ('ready', 'it was never run', {'x': '-1'})
    """
    store, number = jugspace.store, graph.numbers[task.digest]
    runs = History(jugspace, graph).runs_of(task.digest)
    dependencies = neighbours(store, [graph.tasks[one] for one in graph.dependencies_of(number)])
    (state,) = states(store, [task])
    holder = holder_of(store, task.digest) if state in (State.RUNNING, State.READY) else None
    return TaskPage(
        task,
        _arguments(task),
        state,
        _why(store, task, state, dependencies, runs, holder),
        summary_of(task) if state is State.FINISHED else None,
        dependencies,
        neighbours(store, [graph.tasks[one] for one in graph.dependants_of(number)]),
        runs,
        holder,
    )


def _arguments(task: Task[Any]) -> dict[str, str]:
    try:
        given = signature(task.f).bind(*task.args, **task.kwargs).arguments
    except (TypeError, ValueError):  # a function in C may have none, or a task the wrong ones
        given = {**{str(number): one for number, one in enumerate(task.args, 1)}, **task.kwargs}
    return {name: short_form((one,), {}) for name, one in given.items()}


def _why(
    store: BaseStore,
    task: Task[Any],
    state: State,
    needed: Neighbours,
    runs: list[PastRun],
    holder: Worker | None,
) -> str:
    """Return what the state comes from."""
    if state is State.FINISHED:
        return _why_finished(store, task)
    if state is State.FAILED:
        kept = store.failures().get(task.digest)
        return f"{_exception(store, task)}; {_KEPT if kept else _RETRYABLE}"
    if holder is not None:
        free = "" if state is State.RUNNING else ": another one may take it over"
        return f"held by {held_by(holder, task.digest)}{free}"
    if state is State.RUNNING:
        return "held by a worker that has just ended"
    if state is State.WAITING:
        return f"{counted(needed.undone, 'task')} that it needs {_be(needed.undone)} not done"
    return f"its last run: {runs[-1].state}" if runs else "it was never run"


def _why_finished(store: BaseStore, task: Task[Any]) -> str:
    (record,) = store.records([task.digest])
    if record is not None and record.source:
        return f"its result was brought over from {record.source}"
    stale = find_stale([task], store).stale
    since = f"; since then {what_changed(stale[0].changes[0])}" if stale else ""
    return f"its result is there{since}"


_KEPT = "not tried again before `jug cleanup --failed-only`"
_RETRYABLE = "tried again by workers that start from now on"


def _exception(store: BaseStore, task: Task[Any]) -> str:
    (record,) = store.records([task.digest])
    return escaped(record.exception) if record and record.exception else "its record is damaged"


def _be(count: int) -> str:
    return "is" if count == 1 else "are"
