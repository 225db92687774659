"""Which tasks would run, and why each of them.

A worker's own agenda says which would: what is chosen, not done, and has not failed for
good.  The store's history says why.  Nothing is changed, and no lease is taken.

A task that ran before has its own last run for a reason.  One that never did may have
one in another task of its name, which the jugfile does not make any more: then an
argument was changed, and the nearest run tells which.

Why a task would run is found for all, and in which particulars only for those that are
shown, since there may be a hundred thousand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from jug.backends.base import BaseStore
from jug.execution.agenda import Agenda
from jug.execution.failures import failed_before
from jug.execution.plan import DONE, FAILED, SKIPPED
from jug.execution.settings import Settings
from jug.jugfile import Jugspace
from jug.records import RunState
from jug.selection import Selection
from jug.task import Task
from jug.task.graph import Graph
from jug.views.earlier import arguments_of, differences
from jug.views.explanation import Explanation, Reason
from jug.views.forecast import Forecast, forecast
from jug.views.past import Past
from jug.workers import Worker, by_task, living

__all__ = ["Outlook", "outlook", "outlook_of_invalidation"]


class Outlook:
    """What would run, and why."""

    def __init__(
        self,
        graph: Graph,
        reasons: dict[int, Reason],
        past: Past,
        missing: Callable[[int], Sequence[int]],
        holders: Mapping[bytes, Worker],
    ) -> None:
        self.graph = graph
        self.reasons = reasons
        """Why each task would run, or would not, by its number, in order."""
        self.past = past
        self._missing = missing
        self._holders = holders
        self._names = list(graph.names())

    def groups(self) -> dict[tuple[str, Reason], list[int]]:
        """Return the tasks by name and reason, in the order in which they first occur."""
        groups: dict[tuple[str, Reason], list[int]] = {}
        for number, reason in self.reasons.items():
            groups.setdefault((self._names[number], reason), []).append(number)
        return groups

    def forecast(self, workers: int) -> Forecast:
        """Return how long so many workers will take for what would run."""
        numbers = [number for number, reason in self.reasons.items() if reason.would_run]
        return forecast(self.graph, numbers, self.past.durations.mean, workers)

    def explain(self, number: int) -> Explanation:
        """Return the particulars of one task."""
        task, reason = self.graph.tasks[number], self.reasons[number]
        if reason in (Reason.NEVER, Reason.ARGUMENT):
            return self._compared(task, reason)
        needed = {self.graph.tasks[one]: self.reasons.get(one) for one in self._missing(number)}
        if reason is Reason.BLOCKED:
            needed = {one: why for one, why in needed.items() if why is None or why.is_final}
        return Explanation(
            task,
            reason,
            run=self.past.last(task.digest),
            needed=needed,
            holder=self._holders.get(task.digest),
        )

    def _compared(self, task: Task[Any], reason: Reason) -> Explanation:
        earlier = self.past.earlier(task.name)
        nearest = earlier.nearest(arguments_of(task))
        if nearest is None:
            return Explanation(task, reason, run=earlier.latest_unknown)
        arguments, run = nearest
        return Explanation(
            task,
            reason,
            run=run,
            nearest=f"{task.name}({', '.join(arguments)})",
            which=_which(reason, earlier.latest_unknown is not None),
            differences=differences(task, arguments),
        )


def _which(reason: Reason, some_are_unknown: bool) -> str:
    """Return which of the earlier runs is the nearest."""
    if reason is Reason.NEVER:
        return "the nearest run, of a task that is still made,"
    if some_are_unknown:
        return "the nearest earlier run that noted its arguments"
    return "the nearest earlier run"


def outlook(
    jugspace: Jugspace, select: Selection | None = None, task: Task[Any] | None = None
) -> Outlook:
    """Return why what is chosen would run, or one task with what it needs.

    >>> from jug import set_jugdir
    >>> store = set_jugdir("dict_store")
    >>> first = Task(abs, -1)
    >>> seen = outlook(Jugspace(store, [first, Task(sum, [first])]))
    >>> [reason.value for reason in seen.reasons.values()]
    ['never run', 'never run']
    """
    store = jugspace.store
    agenda = Agenda(jugspace, Settings(select=select), failed_before(store))
    graph, states = agenda.graph, agenda.plan.states
    wanted = [number for number, state in enumerate(states) if state not in (DONE, SKIPPED)]
    if task is None:
        past = Past(store, graph, wanted)
    else:
        number = graph.numbers[task.digest]
        wanted = _not_done_for(number, graph, states)
        past = Past(store, graph, [number, *wanted])
    finder = _Finder(store, graph, states, past)
    reasons = {number: finder.reason(number) for number in wanted}
    if task is not None and reasons:  # it comes first
        reasons = {number: reasons[number], **reasons}
    return Outlook(graph, reasons, past, finder.missing, finder.holders)


def outlook_of_invalidation(
    store: BaseStore,
    graph: Graph,
    chosen: Sequence[int],
    there: Iterable[int],
    why: Reason = Reason.CHOSEN,
) -> Outlook:
    """Return why the results that are there would be removed, if some tasks are chosen for it.

    `why` is why these were chosen.
    """
    named = set(chosen)
    reasons = {number: why if number in named else Reason.MADE_FROM for number in there}
    affected = graph.with_dependants(chosen)

    def missing(number: int) -> list[int]:
        return [needed for needed in graph.dependencies_of(number) if needed in affected]

    return Outlook(graph, reasons, Past(store, graph, reasons), missing, {})


def _not_done_for(number: int, graph: Graph, states: Sequence[int]) -> list[int]:
    """Return a task and all that it needs, directly or not, as far as they are not done."""
    found, stack = set[int](), [number]
    while stack:
        one = stack.pop()
        if one not in found and states[one] != DONE:
            found.add(one)
            stack.extend(graph.dependencies_of(one))
    return sorted(found)


class _Finder:
    """Finds why tasks would run, asked for each after what it needs."""

    def __init__(self, store: BaseStore, graph: Graph, states: Sequence[int], past: Past) -> None:
        self.holders = by_task(store, living(store, store.holders()))
        self._failures = store.failures()
        self._graph = graph
        self._states = states
        self._past = past
        self._stopped: set[int] = set()
        """What would not run, however long one waits."""

    def missing(self, number: int) -> list[int]:
        """Return what a task needs and is not done."""
        states = self._states
        return [one for one in self._graph.dependencies_of(number) if states[one] != DONE]

    def reason(self, number: int) -> Reason:
        """Return why a task would run, or would not."""
        reason = self._reason(number)
        if reason.is_final:
            self._stopped.add(number)
        return reason

    def _reason(self, number: int) -> Reason:
        task = self._graph.tasks[number]
        if task.digest in self.holders:
            return Reason.HELD
        if self._states[number] == FAILED:
            return Reason.KEPT
        missing = self.missing(number)
        if any(self._states[one] == SKIPPED or one in self._stopped for one in missing):
            return Reason.BLOCKED
        if task.digest in self._failures:
            return Reason.FAILED
        last = self._past.last(task.digest)
        if last is not None:
            return _AFTER.get(last.state, Reason.ENDED) if not missing else Reason.NEEDED
        return self._reason_of_new(task, bool(missing))

    def _reason_of_new(self, task: Task[Any], is_waiting: bool) -> Reason:
        if not self._past.is_replaced(task.name):
            return Reason.NEVER
        earlier = self._past.earlier(task.name)
        is_like_one = earlier.may_have(arguments_of(task))
        return Reason.NEEDED if is_waiting and is_like_one else Reason.ARGUMENT


_AFTER: Final = {
    RunState.FINISHED: Reason.REMOVED,
    RunState.ADOPTED: Reason.REMOVED,
    RunState.DISCARDED: Reason.REMOVED,
    RunState.FAILED: Reason.FAILED,
}
