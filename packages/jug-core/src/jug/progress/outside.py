"""How far the work of others is, seen in the store alone."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import compress
from typing import Any, Final

from jug.backends.base import BaseStore, Holder
from jug.hash.names import task_names
from jug.progress.earlier import recent_rate, records_in_history, some_records, spent_by_name
from jug.progress.means import Means
from jug.progress.snapshot import (
    Activity,
    NameProgress,
    Snapshot,
    ages_by_name,
    seconds_left,
)
from jug.progress.tracker import Rate
from jug.records import Record
from jug.status import State, Status, look
from jug.task import Task
from jug.task.short_form import short_form

__all__ = ["Onlooker"]


class Onlooker:
    """Looks at tasks that others run, again and again or once.

    >>> from jug import set_jugdir
    >>> store, task = set_jugdir("dict_store"), Task(abs, -1)
    >>> status, snapshot = Onlooker(store, [task]).look()
    >>> snapshot.done, snapshot.total, snapshot.workers, snapshot.time_left
    (0, 1, 0, None)
    """

    def __init__(
        self,
        store: BaseStore,
        tasks: Sequence[Task[Any]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._tasks = tasks
        self._clock = clock
        self._began = clock()
        self._rate = Rate()
        self._since: dict[tuple[str, bytes], float | None] | None = None

    def look(self) -> tuple[Status, Snapshot]:
        """Return how many tasks are in which state by now, and how fast that changes."""
        status = look(self._store, self._tasks)
        now = self._clock()
        records = [] if status.is_complete() else some_records(self._store, self._done())
        held = self._held()
        activities = self._activities(held, now)
        names = self._names(status, records, activities)
        done = status.total(State.FINISHED)
        self._rate.note(now, done)
        workers = len({holder.worker for _, holder in held})
        rate = (self._rate.per_second(now, done) or recent_rate(records)) if workers else None
        left = seconds_left(names, activities, workers or 1)
        return status, Snapshot(names, activities, now - self._began, rate, *left, workers=workers)

    def _done(self) -> Iterator[Task[Any]]:
        """Yield the tasks that are done, the last in the jugfile first."""
        backwards = self._tasks[::-1]
        return compress(backwards, self._store.exists(task.digest for task in backwards))

    # Names

    def _names(
        self, status: Status, records: Sequence[Record], activities: Sequence[Activity]
    ) -> list[NameProgress]:
        means = self._means(status, records)
        counts, blocked, ages = status.counts, self._blocked(status), ages_by_name(activities)
        return [
            NameProgress(
                name,
                sum(counts[state][name] for state in State),
                counts[State.FINISHED][name],
                counts[State.RUNNING][name],
                counts[State.FAILED][name],
                blocked[name],
                means.seconds(name, ages.get(name, ())),
            )
            for name in dict.fromkeys(task_names(self._tasks))
        ]

    def _means(self, status: Status, records: Sequence[Record]) -> Means:
        spent = spent_by_name(records)
        left = {name for state in _LEFT for name in status.counts[state]}
        means = Means()
        means.note_earlier(spent)
        means.note_earlier(spent_by_name(records_in_history(self._store, left - spent.keys())))
        return means

    def _blocked(self, status: Status) -> Counter[str]:
        """Count the tasks that wait for one that failed."""
        blocked: Counter[str] = Counter()
        if status.total(State.FAILED):
            hopeless = set(self._store.failures())
            for task in self._tasks:
                if not task.is_done(self._store) and task.digest not in hopeless:
                    if any(needed.digest in hopeless for needed in task.dependencies()):
                        hopeless.add(task.digest)
                        blocked[task.name] += 1
        return blocked

    # Workers

    def _held(self) -> list[tuple[Task[Any], Holder]]:
        """Return the tasks that are held by workers that are alive, with them."""
        held = {d: holder for d, holder in self._store.holders().items() if holder.alive}
        if not held:
            return []
        tasks = {task.digest: task for task in self._tasks if task.digest in held}
        return sorted(((task, held[digest]) for digest, task in tasks.items()), key=_by_place)

    def _activities(self, held: list[tuple[Task[Any], Holder]], now: float) -> list[Activity]:
        """Return who runs what, and for how long as far as its beginning was seen."""
        before, was_seen = self._since or {}, self._since is not None
        self._since = {
            key: before.get(key, now if was_seen else None)
            for key in ((holder.worker, task.digest) for task, holder in held)
        }
        return [
            Activity(
                _place(holder),
                task.name,
                None if since is None else now - since,
                short_form(task.args, task.kwargs),
            )
            for (task, holder), since in zip(held, self._since.values(), strict=True)
        ]


_LEFT: Final = (State.WAITING, State.READY, State.RUNNING)


def _place(holder: Holder) -> str:
    process = holder.process
    return f"{process.host}:{process.pid}" if process is not None else holder.worker


def _by_place(held: tuple[Task[Any], Holder]) -> str:
    return _place(held[1])
