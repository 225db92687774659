"""Showing how far a run is, in the process of its supervisor."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from math import inf

from jug.execution.slots import NO_TASK, WorkerSlots
from jug.execution.summary import Failure, Summary
from jug.progress import Activity, Display, Spent, Standing, Tracker


class Watch:
    """What a display needs to know of a run, if there is a display."""

    def __init__(self, display: Display | None, slots: WorkerSlots) -> None:
        self.interval = inf if display is None else display.interval
        """Seconds between two calls of `attend` that make a difference."""
        self._display = display
        self._slots = slots
        self._tracker = Tracker()
        self._next = 0.0
        if display is not None:
            slots.watch()

    def take(self, standing: Standing, workers: int) -> None:
        """Take what one of so many workers of this run says of all tasks."""
        self._tracker.take(standing, workers)

    def attend(
        self,
        slots: Collection[int],
        executed: Callable[[], Mapping[str, Spent]],
        failures: Iterable[Failure],
    ) -> None:
        """Show how far all is, if it is time to, given in which slots workers are alive."""
        now = time.monotonic()
        if self._display is not None and now >= self._next:
            activities = [self._activity(slot) for slot in sorted(slots)]
            if self._show(self._display, executed(), activities, failures):
                self._next = now + self.interval

    def end(self, executed: Mapping[str, Spent], summary: Summary) -> None:
        """Show how far all is at the end, as the summary has it."""
        if self._display is not None:
            self._tracker.settle(summary.loaded)
            self._show(self._display, executed, (), summary.failures)

    def _show(
        self,
        display: Display,
        executed: Mapping[str, Spent],
        activities: Sequence[Activity],
        failures: Iterable[Failure],
    ) -> bool:
        failed = Counter(failure.name for failure in failures)
        snapshot = self._tracker.look(executed, activities, failed)
        if snapshot is not None:
            display.show(snapshot)
        return snapshot is not None

    def _activity(self, slot: int) -> Activity:
        worker, running = f"worker {slot + 1}", self._slots.running(slot)
        if running.digest == NO_TASK:
            return Activity(worker, "")
        age = max(0.0, time.monotonic() - running.began)
        arguments = self._slots.arguments(slot, running.digest)
        return Activity(worker, running.name, age, arguments)

    def pause(self) -> None:
        """Leave the terminal to others."""
        if self._display is not None:
            self._display.pause()
