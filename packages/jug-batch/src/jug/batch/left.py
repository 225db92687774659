"""What is left to do, how long it may take, and whether it fits into the time of a job."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from jug.backends.base import BaseStore
from jug.errors import OptionError
from jug.needs import Needs
from jug.records import RunState
from jug.task import Task
from jug.task.graph import Graph
from jug.views.forecast import Durations
from jug.wording import counted, duration

__all__ = ["Left", "look", "require_time"]


@dataclass(frozen=True)
class Left:
    """The tasks that are not done."""

    tasks: list[Task[Any]]
    hopeless: int = 0
    """How many of them have failed, or need one that has."""
    widths: dict[Needs, int] = field(default_factory=dict)
    """How many of each kind can be in progress at the same time: more workers are of no use."""
    work: float = 0.0
    """How many seconds they take, as far as that is known from runs of their names."""
    unknown: int = 0
    """Of how many it is not known."""

    def __str__(self) -> str:
        """Return what is to be said of them."""
        count = len(self.tasks)
        told = f"{counted(count, 'task')} {'is' if count == 1 else 'are'} left"
        if self.unknown < count:
            told += f", about {duration(self.work)} of work"
        if 0 < self.unknown < count:
            told += f", and {self.unknown} of unknown length"
        elif self.unknown:
            told += ", of unknown length"
        if self.hopeless:
            told += f", {self.hopeless} of them failed or in need of one that did"
        return told


def look(graph: Graph, numbers: Iterable[int], store: BaseStore) -> Left:
    """Return what is left of the tasks with these numbers in a graph, after a poll.

    >>> from jug import set_jugdir
    >>> store, tasks = set_jugdir("dict_store"), [Task(abs, n) for n in range(3)]
    >>> left = look(Graph([Task(sum, tasks)]), range(4), store)
    >>> print(left, *left.widths.values())
    4 tasks are left, of unknown length 3
    """
    done = store.exists_after_poll(graph.digests)
    rest = [number for number in numbers if not done[number]]
    tasks = [graph.tasks[number] for number in rest]
    known = _durations(store, {task.name for task in tasks})
    seconds = [_seconds(task, known) for task in tasks]
    return Left(
        tasks,
        hopeless=_count_hopeless(graph, rest, store),
        widths=_widths(graph, rest),
        work=sum(one for one in seconds if one is not None),
        unknown=seconds.count(None),
    )


def _durations(store: BaseStore, names: set[str]) -> Durations:
    """Return how long runs of these names took, in earlier commands too."""
    found = Durations()
    for batch in store.each_time():
        if batch.name in names and batch.state in (RunState.FINISHED, RunState.DISCARDED):
            for seconds in batch.durations:
                found.add(batch.name, seconds)
    return found


def _seconds(task: Task[Any], known: Durations) -> float | None:
    mean = known.mean(task.name)
    return task.options.runtime if mean is None else mean


def _count_hopeless(graph: Graph, rest: Iterable[int], store: BaseStore) -> int:
    failures, hopeless = store.failures(), set[int]()
    for number in rest:
        needed = graph.dependencies_of(number)
        if graph.tasks[number].digest in failures or any(one in hopeless for one in needed):
            hopeless.add(number)
    return len(hopeless)


def _widths(graph: Graph, rest: Iterable[int]) -> dict[Needs, int]:
    """Return of each kind how many tasks are at most equally many steps away from the first."""
    steps: dict[int, int] = {}
    for number in rest:
        needed = (steps.get(one, 0) for one in graph.dependencies_of(number))
        steps[number] = 1 + max(needed, default=0)
    on_step = Counter((graph.tasks[number].needs, step) for number, step in steps.items())
    widths: dict[Needs, int] = {}
    for (needs, _), count in on_step.items():
        widths[needs] = max(count, widths.get(needs, 0))
    return widths


def require_time(left: Left, seconds: float, store: BaseStore, margin: float | None = None) -> None:
    """Refuse a time into which tasks do not fit, by how long others of their names took."""
    from jug.execution.budget import Budget
    from jug.execution.end_time import EndTime

    now = time.time()
    too_long = Budget(EndTime(now, now + seconds, margin), store).too_long(left.tasks)
    if too_long:
        names = "; ".join(
            f"{counted(one.tasks, 'task')} of {one.name}, as {one.why}" for one in too_long
        )
        needed = max(one.needed for one in too_long)
        raise OptionError(
            f"--time {duration(seconds)} is too short for {names}: "
            f"ask for {duration(needed)} or more"
        )
