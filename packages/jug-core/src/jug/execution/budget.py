"""The time that a command has left, and which tasks still fit into it.

For a task counts what the longest of its name took, and a fifth more; before one of its name
was run, what its `runtime` says, else its `timeout`, which also bounds it.  One that may take
any time is begun in the first half of all the time that there is: if it takes longer than the
other half, more must be asked for anyway.

So there is for each task a last moment at which it may begin, and nothing else is needed to
choose.  That moment comes earlier as longer runs are seen; it comes later only when the first
run of a name is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, Final

from jug.backends.base import BaseStore
from jug.execution.end_time import EndTime
from jug.execution.longest_runs import KnownRuns, LongestRuns
from jug.execution.summary import TooLong
from jug.named_tuple import NamedTuple
from jug.task import Task
from jug.wording import duration

__all__ = ["Budget"]

_MORE: Final = 1.2  # times as long as the longest


class _Need(NamedTuple):
    """How long a task may take, in seconds, and how that is known."""

    seconds: float
    why: str


class Budget:
    """When tasks may begin at the latest, given when their command must end.

    What is remembered of runs is read in the store unless it is `known`.
    """

    def __init__(
        self,
        end: EndTime,
        store: BaseStore,
        known: KnownRuns | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.end = end
        self.now = clock
        self.runs = LongestRuns(store, known)
        self._half = end.began + end.seconds / 2
        self._latest: dict[tuple[str, float | None, float | None], float] = {}
        self._names = len(self.runs.finished)

    # What is known of runs

    def note(self, name: str, seconds: float) -> None:
        """Note how long a task took here."""
        if self.runs.note(name, seconds):
            self._latest.clear()

    def note_cut_off(self, name: str, seconds: float) -> None:
        """Note how long a task took here that failed."""
        if self.runs.note_cut_off(name, seconds):
            self._latest.clear()

    def has_learnt(self) -> bool:
        """Look at what others took, if it is time to; return whether a name is known anew."""
        if self.runs.look():
            self._latest.clear()
        before, self._names = self._names, len(self.runs.finished)
        return self._names > before

    # What follows for tasks

    def is_time_for(self, task: Task[Any]) -> bool:
        """Return whether the task may begin now."""
        return self.now() <= self.latest_start(task)

    def latest_start(self, task: Task[Any]) -> float:
        """Return when the task may begin at the latest, in seconds since the epoch."""
        key = task.name, task.options.runtime, task.options.timeout
        latest = self._latest.get(key)
        if latest is None:
            latest = self._latest[key] = self._find_latest(task)
        return latest

    def _find_latest(self, task: Task[Any]) -> float:
        need = self._need(task)
        latest = self.end.last_save - (0.0 if need is None else need.seconds)
        return min(latest, self._half) if self._estimate(task) is None else latest

    def expected_end(self, task: Task[Any], since: float) -> float:
        """Return when a task is done that begins then or has begun then, 0.0 if not known."""
        need = self._need(task) if since else None
        return max(self.now(), since + (0.0 if need is None else need.seconds))

    def _need(self, task: Task[Any]) -> _Need | None:
        """Return how long to count on for a task, None if nothing is known."""
        known = [found for found in (self._estimate(task), self._cut_off(task)) if found]
        need, limit = max(known, default=None), task.options.timeout
        if need is None or limit is None or need.seconds <= limit:
            return need
        return _Need(limit, f"one may take {duration(limit)}")

    def _estimate(self, task: Task[Any]) -> _Need | None:
        """Return how long it is likely to take at most, None if it may take any time."""
        longest, options = self.runs.finished.get(task.name), task.options
        if longest is not None:
            return _Need(_MORE * longest, f"one took {duration(longest)}")
        if options.runtime is not None:
            return _Need(options.runtime, f"one is to take {duration(options.runtime)}")
        if options.timeout is not None:
            return _Need(options.timeout, f"one may take {duration(options.timeout)}")
        return None

    def _cut_off(self, task: Task[Any]) -> _Need | None:
        """Return how long others took without coming to their end."""
        seconds = self.runs.cut_off.get(task.name)
        if seconds is None:
            return None
        return _Need(_MORE * seconds, f"one was cut off after {duration(seconds)}")

    # What to ask for

    def too_long(self, tasks: Iterable[Task[Any]]) -> list[TooLong]:
        """Return which of these would not fit into all the time that there was, by name."""
        needs: dict[str, list[_Need]] = {}
        for task in tasks:
            if self.latest_start(task) < self.end.began and (need := self._need(task)):
                needs.setdefault(task.name, []).append(need)
        had, margin = self.end.seconds, self.end.margin
        longest = {name: max(some) for name, some in needs.items()}
        return [
            TooLong(name, len(needs[name]), need.why, had, need.seconds + margin)
            for name, need in longest.items()
        ]
