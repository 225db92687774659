"""How far the work is: for each task name, how many tasks are in which state.

Tasks that are done are only looked up, so that a million finished ones are
counted in the time that it takes to make them.  What stands in the way of the
others is seen from their direct dependencies; no graph is built.

Who looks again and again keeps the state of each task (`StatusKeeper`), and looks anew only
at what has changed, and at what needs that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from itertools import compress
from operator import not_
from typing import Any

from jug.backends.base import BaseStore
from jug.backends.news import Reader
from jug.hash.names import task_names
from jug.task import Task
from jug.workers import living

__all__ = ["State", "Status", "StatusKeeper", "look", "states"]


class State(Enum):
    """What can be said of one task."""

    FAILED = "failed"
    WAITING = "waiting"
    """Something that it needs is not done."""
    READY = "ready"
    FINISHED = "finished"
    RUNNING = "running"


@dataclass
class Status:
    """How many tasks are in each state, at one moment."""

    counts: dict[State, Counter[str]] = field(
        default_factory=lambda: {state: Counter() for state in State}
    )
    """For each state, how many tasks of each name."""

    def names(self) -> list[str]:
        """Return the names of all tasks, sorted."""
        return sorted(set().union(*self.counts.values()))

    def total(self, state: State) -> int:
        """Return how many tasks are in a state."""
        return self.counts[state].total()

    def is_complete(self) -> bool:
        """Return whether every task is finished."""
        return not any(self.total(state) for state in State if state is not State.FINISHED)

    def rows(self) -> dict[str, list[int]]:
        """Return for each name how many tasks are in each state, in the order of the states."""
        return {name: [self.counts[state][name] for state in State] for name in self.names()}

    def _repr_html_(self) -> str:
        from jug import html  # of use in notebooks alone

        return html.table([state.value.capitalize() for state in State], self.rows())

    def sentence(self) -> str:
        """Return all in one line, of a form that programs rely on."""
        finished, running = self.total(State.FINISHED), self.total(State.RUNNING)
        if self.is_complete():
            return f"All tasks complete ({finished} tasks)."
        waiting = self.total(State.WAITING) + self.total(State.READY)
        return (
            f"{waiting} tasks waiting to be run, {self.total(State.FAILED)} failed, "
            f"{finished} complete, ({running or 'none'} active)."
        )


def look(store: BaseStore, tasks: Iterable[Task[Any]]) -> Status:
    """Return how far the tasks are, after a poll of the store.

    >>> from jug import set_jugdir
    >>> store, task = set_jugdir("dict_store"), Task(abs, -1)
    >>> look(store, [task, Task(sum, [task])]).sentence()
    '2 tasks waiting to be run, 0 failed, 0 complete, (none active).'
    """
    by_digest = {task.digest: task for task in tasks}
    distinct = list(by_digest.values())
    done = store.exists_after_poll(by_digest)
    status = Status()
    status.counts[State.FINISHED].update(task_names(compress(distinct, done)))
    if not all(done):
        _count_unfinished(store, list(compress(distinct, map(not_, done))), status)
    return status


def _count_unfinished(store: BaseStore, tasks: list[Task[Any]], status: Status) -> None:
    running = _running(store)
    for task, name in zip(tasks, task_names(tasks), strict=True):
        status.counts[_state(store, task, running)][name] += 1


def states(store: BaseStore, tasks: Iterable[Task[Any]]) -> list[State]:
    """Return the state of each task, after a poll of the store.

    >>> from jug import set_jugdir
    >>> store, task = set_jugdir("dict_store"), Task(abs, -1)
    >>> [state.value for state in states(store, [task, Task(sum, [task])])]
    ['ready', 'waiting']
    """
    store.poll()
    running = _running(store)
    return [_state(store, task, running) for task in tasks]


def _running(store: BaseStore) -> set[bytes]:
    return {*living(store, store.holders())}


class StatusKeeper:
    """How many tasks are in which state, kept up to date with what a reader has of the store.

    >>> from jug import set_jugdir
    >>> store, task = set_jugdir("dict_store"), Task(abs, -1)
    >>> keeper = StatusKeeper(store, [task], store.reader())
    >>> keeper.update().total(State.FINISHED), task.run(), keeper.update().total(State.FINISHED)
    (0, 1, 1)
    """

    def __init__(self, store: BaseStore, tasks: Iterable[Task[Any]], reader: Reader) -> None:
        self.tasks = {task.digest: task for task in tasks}
        """The tasks by their digests."""
        self.finished: dict[str, dict[bytes, None]] = {}
        """The digests of those that are finished, by name, in the order in which that was seen."""
        self._states: dict[bytes, State] = {}
        self._store = store
        self._reader = reader
        self._status = Status()
        self._running: set[bytes] = set()
        self._needed_by: dict[bytes, list[bytes]] = {}
        self._of_other_stores = {d for d, task in self.tasks.items() if task.store is not store}

    def update(self) -> Status:
        """Return how far the tasks are, after a poll of the store; it is the same object again."""
        changes, running = self._store.refresh(self._reader), _running(self._store)
        changed = {*changes.finished, *changes.failed, *changes.removed} | self._of_other_stores
        if self._states:
            needing = {one for digest in changed for one in self._needed_by.get(digest, ())}
            affected = (changed | needing | (running ^ self._running)) & self.tasks.keys()
        else:
            affected = set(self.tasks)
        self._running = running
        for digest in affected:
            self._set(digest, _state(self._store, self.tasks[digest], running))
        return self._status

    def _set(self, digest: bytes, state: State) -> None:
        before, counts, task = self._states.get(digest), self._status.counts, self.tasks[digest]
        if state is before:
            return
        self._states[digest] = state
        counts[state][task.name] += 1
        if before is not None:
            counts[before][task.name] -= 1
        if state is State.FINISHED:
            self.finished.setdefault(task.name, {})[digest] = None
        elif before in (None, State.FINISHED):
            self.finished.get(task.name, {}).pop(digest, None)
            for needed in task.dependencies():
                self._needed_by.setdefault(needed.digest, []).append(digest)


def _state(store: BaseStore, task: Task[Any], running: set[bytes]) -> State:
    if task.is_done(store):
        return State.FINISHED
    if task.digest in running:
        return State.RUNNING
    if task.digest in store.failures():
        return State.FAILED
    ready = all(needed.is_done(store) for needed in task.dependencies())
    return State.READY if ready else State.WAITING
