"""How far the work is: for each task name, how many tasks are in which state.

Tasks that are done are only looked up, so that a million finished ones are
counted in the time that it takes to make them.  What stands in the way of the
others is seen from their direct dependencies; no graph is built.

Who looks again and again keeps the state of each task (`StatusKeeper`), and looks anew only
at what has changed, and at what needs that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from itertools import chain, compress, islice
from operator import not_
from typing import TYPE_CHECKING, Any

from jug.backends.base import BaseStore
from jug.backends.news import Reader
from jug.hash.names import task_names
from jug.task import Task
from jug.workers import living

if TYPE_CHECKING:
    from jug.task.graph import Graph

__all__ = ["GraphSight", "Sight", "State", "Status", "StatusKeeper", "look", "states"]


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
    return Sight(store, tasks).status()


class Sight:
    """Which tasks are done, seen once for all that is told of them.

    >>> from jug import set_jugdir
    >>> store, task = set_jugdir("dict_store"), Task(abs, -1)
    >>> sight = Sight(store, [task, Task(sum, [task])])
    >>> sight.are_done, len(sight.undone)
    ([False, False], 2)
    """

    def __init__(self, store: BaseStore, tasks: Iterable[Task[Any]]) -> None:
        """Look at tasks, after a poll of the store."""
        given = list(tasks)
        digests = [task.known_digest or task.digest for task in given]
        self._by_digest = dict(zip(digests, given, strict=True))
        self._look(store, list(self._by_digest.values()), self._by_digest)

    def _look(
        self, store: BaseStore, tasks: Sequence[Task[Any]], digests: Collection[bytes]
    ) -> None:
        self._store = store
        self.tasks = tasks
        """The tasks, each once."""
        self.are_done = store.exists_after_poll(digests)
        """For each whether it is done."""
        self._ask_other_stores()

    @cached_property
    def names(self) -> Sequence[str]:
        """The name of each."""
        return [*task_names(self.tasks)]

    @cached_property
    def undone(self) -> list[Task[Any]]:
        """Those that are not done."""
        return [*compress(self.tasks, self._are_undone())]

    def _are_undone(self) -> Iterator[bool]:
        return map(not_, self.are_done)

    def last_done(self, of_each: int) -> Iterator[Task[Any]]:
        """Yield all that are done, the last first, whatever `of_each` says."""
        return compress(reversed(self.tasks), reversed(self.are_done))

    def among(self, digests: Collection[bytes]) -> dict[bytes, Task[Any]]:
        """Return those with these digests, in their order."""
        return _among(self._by_digest, digests)

    def status(self) -> Status:
        """Return how many are in which state."""
        status = Status()
        status.counts[State.FINISHED].update(compress(self.names, self.are_done))
        if not self.undone:
            return status
        states = _States(self._store)
        names = compress(self.names, self._are_undone())
        for task, name in zip(self.undone, names, strict=True):
            status.counts[states.of_undone(task, self.missing(task))][name] += 1
        return status

    def missing(self, task: Task[Any]) -> Sequence[bytes]:
        """Return the digests of what a task needs that is not done."""
        return self._missing.get(task.digest, ())

    @cached_property
    def _missing(self) -> dict[bytes, list[bytes]]:
        undone, asked = {task.digest for task in self.undone}, self._by_digest
        return {
            task.digest: [
                needed.digest
                for needed in task.dependencies()
                if needed.digest in undone
                or (needed.digest not in asked and not needed.is_done(self._store))
            ]
            for task in self.undone
        }

    def _ask_other_stores(self) -> None:
        """Tasks with a store of their own are done if that says so."""
        for place, task in enumerate(self.tasks):
            if task.own_store is not None and task.own_store is not self._store:
                self.are_done[place] = task.is_done(self._store)


class GraphSight(Sight):
    """The same of all tasks of a graph, which has their digests already, and what they need.

    >>> from jug import set_jugdir
    >>> from jug.task.graph import Graph
    >>> store, task = set_jugdir("dict_store"), Task(abs, -1)
    >>> sight = GraphSight(store, Graph([Task(sum, [task])]))
    >>> sight.are_done, sight.missing(sight.tasks[1]) == [task.digest]
    ([False, False], True)
    """

    def __init__(self, store: BaseStore, graph: Graph) -> None:
        """Look at tasks, after a poll of the store."""
        self._graph = graph
        self._look(store, graph.tasks, graph.numbers)

    def among(self, digests: Collection[bytes]) -> dict[bytes, Task[Any]]:
        """Return those with these digests, in their order."""
        number_of = self._graph.numbers
        numbers = sorted(number_of[digest] for digest in digests if digest in number_of)
        return {task.digest: task for task in map(self.tasks.__getitem__, numbers)}

    @cached_property
    def _missing(self) -> dict[bytes, list[bytes]]:
        digests, needed_by, are_done = (
            self._graph.digests,
            self._graph.dependencies_of,
            self.are_done,
        )
        return {
            digests[number]: [digests[one] for one in needed_by(number) if not are_done[one]]
            for number in compress(range(len(digests)), self._are_undone())
        }


def _among(
    by_digest: Mapping[bytes, Task[Any]], digests: Collection[bytes]
) -> dict[bytes, Task[Any]]:
    return {digest: by_digest[digest] for digest in filter(digests.__contains__, by_digest)}


class _States:
    """Tells the states of tasks at one moment."""

    def __init__(self, store: BaseStore) -> None:
        self._store = store
        self._failures = store.failures()
        holders = living(store, store.holders())
        self.running = {digest for digest, holder in holders.items() if not holder.waits}

    def of(self, task: Task[Any]) -> State:
        """Return the state of a task."""
        if task.is_done(self._store):
            return State.FINISHED
        needed = task.dependencies()
        return self.of_undone(task, (one for one in needed if not one.is_done(self._store)))

    def of_undone(self, task: Task[Any], missing: Iterable[Any]) -> State:
        """Return the state of a task that is not done; something that it needs may be missing."""
        if task.digest in self.running:
            return State.RUNNING
        if task.digest in self._failures:
            return State.FAILED
        return State.READY if next(iter(missing), None) is None else State.WAITING


def states(store: BaseStore, tasks: Iterable[Task[Any]]) -> list[State]:
    """Return the state of each task, after a poll of the store.

    >>> from jug import set_jugdir
    >>> store, task = set_jugdir("dict_store"), Task(abs, -1)
    >>> [state.value for state in states(store, [task, Task(sum, [task])])]
    ['ready', 'waiting']
    """
    store.poll()
    return [*map(_States(store).of, tasks)]


class StatusKeeper:
    """How many tasks are in which state, kept up to date with what a reader has of the store.

    >>> from jug import set_jugdir
    >>> store, task = set_jugdir("dict_store"), Task(abs, -1)
    >>> keeper = StatusKeeper(store, [task], store.reader())
    >>> keeper.status().total(State.FINISHED), task.run(), keeper.status().total(State.FINISHED)
    (0, 1, 1)
    """

    def __init__(self, store: BaseStore, tasks: Iterable[Task[Any]], reader: Reader) -> None:
        self._tasks = {task.digest: task for task in tasks}
        self.finished: dict[str, dict[bytes, None]] = {}
        """The digests of those that are finished, by name, in the order in which that was seen."""
        self._states: dict[bytes, State] = {}
        self._store = store
        self._reader = reader
        self._status = Status()
        self._running: set[bytes] = set()
        self._needed_by: dict[bytes, list[bytes]] = {}
        self._of_other_stores = {d for d, task in self._tasks.items() if task.store is not store}

    def status(self) -> Status:
        """Return how far the tasks are, after a poll of the store; it is the same object again."""
        changes, states = self._store.refresh(self._reader), _States(self._store)
        running = states.running
        changed = {*changes.finished, *changes.failed, *changes.removed} | self._of_other_stores
        if self._states:
            needing = {one for digest in changed for one in self._needed_by.get(digest, ())}
            affected = (changed | needing | (running ^ self._running)) & self._tasks.keys()
        else:
            affected = set(self._tasks)
        self._running = running
        for digest in affected:
            self._set(digest, states.of(self._tasks[digest]))
        return self._status

    @property
    def names(self) -> Iterator[str]:
        """The name of each task."""
        return task_names(self._tasks.values())

    def among(self, digests: Collection[bytes]) -> dict[bytes, Task[Any]]:
        """Return the tasks with these digests, in their order."""
        return _among(self._tasks, digests)

    @property
    def undone(self) -> list[Task[Any]]:
        """Those of the tasks that are not done, as last seen."""
        states = self._states
        undone = (states[digest] is not State.FINISHED for digest in self._tasks)
        return [*compress(self._tasks.values(), undone)]

    @staticmethod
    def missing(task: Task[Any]) -> Iterator[bytes]:
        """Yield the digests of what a task needs, as it may be that it is not done."""
        return (needed.digest for needed in task.dependencies())

    def last_done(self, of_each: int) -> Iterator[Task[Any]]:
        """Yield up to `of_each` tasks of each name that are done, the last to be finished first."""
        last = (islice(reversed(digests), of_each) for digests in self.finished.values())
        return map(self._tasks.__getitem__, chain.from_iterable(last))

    def _set(self, digest: bytes, state: State) -> None:
        before, counts, task = (
            self._states.get(digest),
            self._status.counts,
            self._tasks[digest],
        )
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
