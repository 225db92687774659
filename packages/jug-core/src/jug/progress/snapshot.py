"""How far all is at one moment."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heapify, heapreplace
from typing import TYPE_CHECKING, Final

from jug.named_tuple import NamedTuple

if TYPE_CHECKING:
    from jug.workers import Worker

__all__ = ["Activity", "NameProgress", "Snapshot", "ages_by_name", "seconds_left"]

_LAST: Final = 10  # tasks for each worker


class Activity(NamedTuple):
    """What a worker of this run does."""

    worker: str
    """Which worker, in a word."""
    name: str
    """The name of the task that it runs, empty if it waits."""
    seconds: float | None = 0.0
    """For how long it runs it, None if that is not known."""
    arguments: str | None = None
    """The task's arguments in short, None if they are not known."""


class NameProgress(NamedTuple):
    """How far the tasks of one name are."""

    name: str
    total: int
    done: int = 0
    running: int = 0
    failed: int = 0
    blocked: int = 0
    """How many wait for one that failed."""
    mean: float | None = None
    """The mean time of one in seconds, None if none was ever run."""

    @property
    def left(self) -> int:
        """How many may still be done."""
        return max(0, self.total - self.done - self.failed - self.blocked)


class Snapshot(NamedTuple):
    """How far all tasks are at one moment, and how long the rest will take."""

    names: Sequence[NameProgress] = ()
    """By name, in the order of the jugfile."""
    activities: Sequence[Activity] = ()
    """What each worker of this run does."""
    elapsed: float = 0.0
    """Seconds since the run began."""
    rate: float | None = None
    """Tasks that are done in a second, None before the first."""
    time_left: float | None = None
    """Seconds to the end, None if not known."""
    at_least: float | None = None
    """What of that is known: without the tasks of names that were never run."""
    at_barrier: bool = False
    """Whether there may be more tasks, beyond a barrier."""
    workers: int = 0
    """How many workers are at work, on all hosts."""
    silent: Sequence[Worker] = ()
    """Those that hold tasks and were not heard of for longer than the lease."""
    things: str = "tasks"
    """What is counted."""

    @property
    def total(self) -> int:
        """How many tasks there are."""
        return sum(one.total for one in self.names)

    @property
    def done(self) -> int:
        """How many are done."""
        return sum(one.done for one in self.names)

    @property
    def failed(self) -> int:
        """How many have failed."""
        return sum(one.failed for one in self.names)

    @property
    def running(self) -> int:
        """How many are being run, as far as that is known."""
        return sum(one.running for one in self.names)

    @property
    def left(self) -> int:
        """How many may still be done."""
        return sum(one.left for one in self.names)


def ages_by_name(activities: Sequence[Activity]) -> dict[str, list[float]]:
    """Return for how long tasks of each name run by now."""
    ages: dict[str, list[float]] = {}
    for activity in activities:
        if activity.name:
            ages.setdefault(activity.name, []).append(activity.seconds or 0.0)
    return ages


def seconds_left(
    names: Sequence[NameProgress], activities: Sequence[Activity], workers: int
) -> tuple[float | None, float | None]:
    """Return how long these workers take for what is left, and how much of that is known.

    >>> slow = NameProgress("m.f", total=10, done=3, running=1, mean=2.0)
    >>> activities = [Activity("worker 1", "m.f", 1.5)]
    >>> seconds_left([slow], activities, workers=2)
    (6.5, 6.5)
    >>> seconds_left([slow, NameProgress("m.g", total=1)], activities, workers=2)
    (None, 6.5)
    """
    left = [one for one in names if one.left]
    if left and not workers:
        return None, None
    begun: list[float] = []
    waiting: list[tuple[int, float]] = []
    for one in left:
        if one.mean is not None:
            ages = [act.seconds for act in activities if act.name == one.name]
            rest = [max(0.0, one.mean - age) for age in ages if age is not None]
            begun += rest
            waiting.append((max(0, one.left - len(rest)), one.mean))
    known = _spread(waiting, begun, max(workers, len(begun), 1))
    is_known = all(one.mean is not None for one in left)
    return known if is_known else None, known


def _spread(waiting: Sequence[tuple[int, float]], begun: Sequence[float], workers: int) -> float:
    """Return how long the tasks of each mean take, after what is begun.

    The last few for each worker are given to them one by one, as workers that have nothing
    left to do while others do make a difference then.

    >>> _spread([(1, 2.0)], [2.0, 2.0], workers=2), _spread([(1000, 2.0)], [], workers=2)
    (4.0, 1000.0)
    """
    if sum(count for count, _ in waiting) > _LAST * workers:
        return (sum(count * mean for count, mean in waiting) + sum(begun)) / workers
    free = [*begun, *[0.0] * (workers - len(begun))]
    heapify(free)
    for count, mean in waiting:
        for _ in range(count):
            heapreplace(free, free[0] + mean)
    return max(free)
