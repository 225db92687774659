"""How far the work of others is, seen in the store alone."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from jug.backends.base import BaseStore, Holder
from jug.backends.news import Reader
from jug.progress.earlier import (
    OF_EACH,
    recent_rate,
    records_in_history,
    some_records,
    spent_by_name,
)
from jug.progress.means import Means, Spent
from jug.progress.snapshot import (
    Activity,
    NameProgress,
    Snapshot,
    ages_by_name,
    seconds_left,
)
from jug.progress.tracker import Rate
from jug.records import Record
from jug.status import Sight, State, Status, StatusKeeper
from jug.task import Task
from jug.task.short_form import short_form
from jug.workers import Worker, living, silent

__all__ = ["Onlooker"]


class Onlooker:
    """Looks at tasks that others run: once, or again and again with a reader of the store.

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
        reader: Reader | None = None,
    ) -> None:
        self._store = store
        self._tasks = tasks
        self._clock = clock
        self._began = clock()
        self._rate = Rate()
        self._keeper = None if reader is None else StatusKeeper(store, tasks, reader)
        self._history: tuple[frozenset[str], dict[str, Spent]] = (frozenset(), {})
        self._names: list[str] = []
        self._blocked: tuple[Mapping[bytes, bool], Counter[str]] = ({}, Counter())
        self._since: dict[tuple[str, bytes], float | None] | None = None

    def look(self, seen: Sight | None = None) -> tuple[Status, Snapshot]:
        """Return how many tasks are in which state by now, and how fast that changes.

        `seen` is what the caller has just seen of the tasks, if so.
        """
        return self._look(seen or self._keeper or Sight(self._store, self._tasks))

    def _look(self, seen: Sight | StatusKeeper) -> tuple[Status, Snapshot]:
        status = seen.status()
        self._names = self._names or [*dict.fromkeys(seen.names)]
        now = self._clock()
        records = [] if status.is_complete() else some_records(self._store, seen.last_done(OF_EACH))
        held, silent_workers = self._held(seen)
        activities = self._activities(held, now)
        names = self._progress(status, records, activities, self._count_blocked(seen))
        done = status.total(State.FINISHED)
        self._rate.note(now, done)
        workers = len({holder.worker for _, holder in held})
        rate = (self._rate.per_second(now, done) or recent_rate(records)) if workers else None
        left = seconds_left(names, activities, workers or 1)
        so_far = Snapshot(names, activities, now - self._began, rate, *left)
        return status, so_far._replace(workers=workers, silent=silent_workers)

    # Names

    def _progress(
        self,
        status: Status,
        records: Sequence[Record],
        activities: Sequence[Activity],
        blocked: Counter[str],
    ) -> list[NameProgress]:
        means = self._means(status, records)
        counts, ages = status.counts, ages_by_name(activities)
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
            for name in self._names
        ]

    def _means(self, status: Status, records: Sequence[Record]) -> Means:
        spent = spent_by_name(records)
        left = {name for state in _LEFT for name, count in status.counts[state].items() if count}
        means = Means()
        means.note_earlier(spent)
        means.note_earlier(self._in_history(frozenset(left - spent.keys())))
        return means

    def _in_history(self, names: frozenset[str]) -> dict[str, Spent]:
        """Return what earlier runs took of names without results, which is looked up once."""
        if names != self._history[0]:
            self._history = names, spent_by_name(records_in_history(self._store, names))
        return self._history[1]

    def _count_blocked(self, seen: Sight | StatusKeeper) -> Counter[str]:
        """Count the tasks that wait for one that failed, anew if other tasks have."""
        known, blocked = self._blocked
        failures = dict(self._store.failures())
        if failures != known:
            blocked, hopeless = Counter(), set(failures)
            for task in seen.undone if failures else ():
                if task.digest not in hopeless and not hopeless.isdisjoint(seen.missing(task)):
                    hopeless.add(task.digest)
                    blocked[task.name] += 1
            self._blocked = failures, blocked
        return blocked

    # Workers

    def _held(
        self, seen: Sight | StatusKeeper
    ) -> tuple[list[tuple[Task[Any], Holder]], list[Worker]]:
        """Return the tasks that living workers hold, with them, and what workers are silent."""
        holders = self._store.holders()
        tasks = seen.among(holders) if holders else {}
        ours = {digest: holders[digest] for digest in tasks}
        alive = living(self._store, ours)
        held = sorted(((tasks[digest], one) for digest, one in alive.items()), key=_by_place)
        return held, silent(self._store, ours)

    def _activities(self, held: list[tuple[Task[Any], Holder]], now: float) -> list[Activity]:
        """Return who runs what, and for how long, as far as that was seen or the worker says it."""
        before, was_seen = self._since or {}, self._since is not None
        self._since = {}
        for task, holder in held:
            key = holder.worker, task.digest
            since = before.get(key, now if was_seen else None)
            self._since[key] = _since(holder, now) if since is None else since
        return [
            Activity(
                holder.place,
                task.name,
                None if since is None else now - since,
                short_form(task.args, task.kwargs),
            )
            for (task, holder), since in zip(held, self._since.values(), strict=True)
        ]


_LEFT: Final = (State.WAITING, State.READY, State.RUNNING)


def _since(holder: Holder, now: float) -> float | None:
    """Return by the monotonic clock since when somebody has a task, None if that is not known."""
    return now - max(0.0, time.time() - holder.since) if holder.since else None


def _by_place(held: tuple[Task[Any], Holder]) -> tuple[str, float]:
    return held[1].place, held[1].since
