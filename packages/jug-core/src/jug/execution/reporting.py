"""What a worker says while it works, for who wants to know how far the tasks are.

It says which task it begins and which it has done, and from time to time how all tasks
stand, which is read in the store and so includes what others have done.  Of several
workers of one run any speaks for all.

The arguments of a task in short take longer than all else that is said of it, and nobody
could read those of very short tasks.  So a worker shows them a thousand times a second at
most, and may be ahead of that by a second's worth: after less than a thousand short tasks
in a row those of a long one are shown.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import compress
from typing import Any, Final

from jug.backends.base import BaseStore, Reader
from jug.execution.agenda import Agenda
from jug.execution.connection import SupervisorConnection
from jug.execution.plan import DONE
from jug.execution.tally import added
from jug.progress import Activity, Display, Spent, Standing, Tracker
from jug.progress.earlier import records_in_history, some_records, spent_by_name
from jug.task import Task

_APART: Final = 1.0  # seconds between two reports
_SHARE: Final = 0.02  # of the time may go into reports
_TRIES: Final = 5  # to read the store while nothing is counted
_CALL: Final = 0.001  # seconds between two tasks whose arguments are shown, in the long run
_AHEAD: Final = 1.0  # seconds by which a worker may be ahead of that


class Reporter:
    """Says nothing: nobody wants to know."""

    def begin(self, agenda: Agenda) -> None:
        """Say how far the tasks are, now that the jugfile was read, or read further."""

    def look(self, agenda: Agenda) -> bool:
        """Say how far the tasks are, if it is time to; return whether others changed that."""
        return False

    def end(self, agenda: Agenda) -> None:
        """Say how far the tasks are at last."""

    def publish(self, task: Task[Any]) -> None:
        """Say which task this worker has taken."""

    def count_executed(self, name: str) -> None:
        """Say that the task was run and saved."""

    def count_none(self) -> None:
        """Say that the task was run, and that its result was not wanted."""

    def clear(self) -> None:
        """Say that this worker runs nothing."""


class ToSupervisor(Reporter):
    """Says it to the supervisor."""

    def __init__(self, connection: SupervisorConnection, store: BaseStore, news: Reader) -> None:
        self._connection = connection
        self._slots = connection.slots
        self._store = store
        self._news = news
        self._is_watched = connection.slots.is_watched()
        self._has_begun = False
        self._next_look = 0.0
        self._next_call = 0.0

    def begin(self, agenda: Agenda) -> None:
        """Say how far the tasks are, unless another worker that has read as far has said so."""
        if self._is_watched and self._slots.claim_reading(len(agenda.graph)):
            self._send(agenda, earlier_runs(self._store, agenda))

    def look(self, agenda: Agenda) -> bool:
        """Say how far the tasks are, if no other worker did so within about a second."""
        now = time.monotonic()
        if now < self._next_look or not self._is_watched:
            return False
        self._next_look = now + _APART / 10
        if not self._slots.claim_report(now, _APART):
            return False
        has_changed = self._send(agenda, {})
        took = time.monotonic() - now
        self._slots.delay_report(now + took / _SHARE)
        return has_changed

    def end(self, agenda: Agenda) -> None:
        """Say how far the tasks are at last, as more may be known than when another said so."""
        if self._is_watched:
            self._send(agenda, {})

    def _send(self, agenda: Agenda, earlier: dict[str, Spent]) -> bool:
        has_changed, executed = self._read_with_counts(agenda)
        workers = self._store.turn()[1] if self._has_begun else 1
        standing = standing_of(agenda, executed, workers, earlier)
        try:
            self._connection.send_standing(standing)
        except OSError:  # a task has closed what is not its own
            self._is_watched = False
        return has_changed

    def _read_with_counts(self, agenda: Agenda) -> tuple[bool, dict[str, Spent]]:
        """Read what others did; return if that was anything, and what of it this run did.

        That is what its workers have counted, and what they have saved and are about to count.
        """
        has_changed = False
        for _ in range(_TRIES):
            executed = self._slots.executed()
            if changes := self._store.refresh(self._news):
                has_changed = True
                agenda.note(changes)
            uncounted = self._slots.uncounted_beside(self._connection.slot)
            if self._slots.executed() == executed:
                break
        return has_changed, added((executed, done_of(agenda, uncounted)))

    def publish(self, task: Task[Any]) -> None:
        """Show the task in this worker's slot, with its arguments unless tasks are short."""
        self._has_begun = True
        self._connection.publish(task)
        if self._is_watched:
            now = time.monotonic()
            if now >= self._next_call:
                self._next_call = max(self._next_call + _CALL, now - _AHEAD)
                self._connection.show_arguments(task)

    def count_executed(self, name: str) -> None:
        """Count the task in this worker's tally."""
        self._connection.count_executed(name)

    def count_none(self) -> None:
        """Show in this worker's slot that no more is to be counted of the task."""
        self._connection.count_none()

    def clear(self) -> None:
        """Clear this worker's slot."""
        self._connection.clear_slot()


class ToDisplay(Reporter):
    """Draws it, between two tasks of a worker that no other process looks after."""

    def __init__(self, display: Display, store: BaseStore) -> None:
        self._display = display
        self._store = store
        self._tracker = Tracker()
        self._executed: dict[str, Spent] = {}
        self._began = 0.0
        self._next = self._next_report = 0.0

    def begin(self, agenda: Agenda) -> None:
        """Find out how far the tasks are, and what earlier runs took."""
        self._take(agenda, earlier_runs(self._store, agenda))

    def look(self, agenda: Agenda) -> bool:
        """Draw, if it is time to."""
        now = time.monotonic()
        if now >= self._next:
            self._next = now + self._display.interval
            if now >= self._next_report:
                self._take(agenda, {})
                took = time.monotonic() - now
                self._next_report = now + max(_APART, took / _SHARE)
            self._draw()
        return False

    def end(self, agenda: Agenda) -> None:
        """Draw for the last time."""
        self._take(agenda, {})
        self._draw()

    def _take(self, agenda: Agenda, earlier: dict[str, Spent]) -> None:
        workers = self._store.turn()[1] if self._began else 1
        standing = standing_of(agenda, self._executed, workers, earlier)
        self._tracker.take(standing, local_workers=1)

    def _draw(self) -> None:
        snapshot = self._tracker.look(self._executed, [Activity("worker 1", "")])
        assert snapshot is not None  # it has been told how far the tasks are
        self._display.show(snapshot)

    def publish(self, task: Task[Any]) -> None:
        """Note when the task begins."""
        self._began = time.monotonic()

    def count_executed(self, name: str) -> None:
        """Count the task, and note what it took."""
        spent = Spent(1, time.monotonic() - self._began)
        self._executed[name] = self._executed.get(name, Spent()).plus(spent)


def reporter_to(
    connection: SupervisorConnection | None,
    display: Display | None,
    store: BaseStore,
    news: Reader,
) -> Reporter:
    """Return what speaks for a worker to its supervisor, or else to a display, if there is one.

    `news` is the worker's reader of the store.
    """
    if connection is not None:
        return ToSupervisor(connection, store, news)
    return Reporter() if display is None else ToDisplay(display, store)


def standing_of(
    agenda: Agenda, executed: Mapping[str, Spent], workers: int, earlier: dict[str, Spent]
) -> Standing:
    """Return how far the tasks are, given what this run has executed."""
    census = agenda.census
    census.update()
    elsewhere = census.done()
    elsewhere.subtract({name: spent.runs for name, spent in executed.items()})
    return Standing(
        census.total(), elsewhere, census.failed(), census.blocked(),
        workers, earlier, agenda.has_barrier,
    )  # fmt: skip


def done_of(agenda: Agenda, digests: Iterable[bytes]) -> dict[str, Spent]:
    """Return by name how many of these tasks are done, as if that had taken no time."""
    graph, states = agenda.graph, agenda.plan.states
    numbers = (graph.numbers.get(digest) for digest in digests)
    done = Counter(graph.tasks[n].name for n in numbers if n is not None and states[n] == DONE)
    return {name: Spent(count, 0.0) for name, count in done.items()}


def earlier_runs(store: BaseStore, agenda: Agenda) -> dict[str, Spent]:
    """Return what some earlier runs took, for the names of tasks that are not done."""
    left = agenda.census.names_left()
    is_done = map(DONE.__eq__, reversed(agenda.plan.states))
    done = compress(reversed(agenda.graph.tasks), is_done)
    of_results = some_records(store, done if left else ())
    found = spent_by_name(of_results)
    return found | spent_by_name(records_in_history(store, left - found.keys()))
