"""What a worker did with its time: it was busy, it was idle, or the rest, overhead.

Records say when runs began and ended, and workers when they did themselves.  What lies
between two runs is told apart by the run that comes after: up to the moment when the last of what
its task needs was finished, by whomever, the worker could only wait for it, and from then on it
took the task, read its arguments and saved what it had done before.  After its last
run a worker waits for others.  So the three add up to the worker's life.  A wait of less
than a millisecond is taken for overhead, as there may be millions.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from operator import le
from typing import Any, Final, NamedTuple

from jug.backends.worker_record import WorkerRecord
from jug.task.graph import Graph
from jug.views.places import Place

__all__ = ["WorkerRuns", "WorkerTimes", "most_at_once", "ready_times", "together", "worker_times"]

_NOTICED: Final = 0.001


class WorkerRuns:
    """The runs of one worker, in any order, in columns."""

    __slots__ = ("_names", "bad", "durations", "numbers", "starts")

    def __init__(self) -> None:
        self.numbers = array("q")
        """Which tasks of the graph it ran."""
        self.starts = array("d")
        """When the runs began, in seconds since the epoch."""
        self.durations = array("d")
        """How long they took, in seconds."""
        self.bad = array("b")
        """Which of them ended badly: 1 if it failed, or its worker died, else 0."""
        self._names: list[tuple[str, int]] = []

    def __len__(self) -> int:
        return len(self.numbers)

    def add(
        self,
        name: str,
        numbers: Sequence[int],
        starts: Sequence[float],
        durations: Sequence[float],
        are_bad: bool = False,
    ) -> None:
        """Add some runs of tasks of one name, all of which ended badly or none."""
        self.numbers.extend(numbers)
        self.starts.extend(starts)
        self.durations.extend(durations)
        self.bad.extend([are_bad] * len(numbers))
        self._names.append((name, len(self.numbers)))

    def parts(self) -> Iterator[tuple[str, slice]]:
        """Yield what parts of the columns are of one name, with that."""
        begin = 0
        for name, end in self._names:
            yield name, slice(begin, end)
            begin = end

    def by_name(self) -> dict[str, tuple[array[float], array[float]]]:
        """Return the starts and the durations of each name."""
        found: dict[str, tuple[array[float], array[float]]] = {}
        for name, part in self.parts():
            starts, durations = found.setdefault(name, (array("d"), array("d")))
            starts += self.starts[part]
            durations += self.durations[part]
        return found

    def by_start(self) -> Iterable[tuple[float, float, int]]:
        """Return the start, duration and number of each run, in the order of the starts."""
        runs = zip(self.starts, self.durations, self.numbers, strict=True)
        is_in_order = all(map(le, self.starts, islice(self.starts, 1, None)))
        return runs if is_in_order else sorted(runs)


class WorkerTimes(NamedTuple):
    """What one worker did with its time, in seconds."""

    place: Place
    runs: int
    start: float
    """When it began, in seconds since the epoch."""
    end: float
    """When it ended; if it did not say so, when its last run ended."""
    busy: float
    """How long it ran tasks."""
    idle: float | None
    """How long it could only wait for what others did, None if not known when it began."""
    overhead: float | None
    """What else it spent: on reading the jugfile, taking tasks, reading and saving."""

    def as_dict(self) -> dict[str, Any]:
        """Return it for ``--json``."""
        times = self._asdict()
        del times["place"]
        return self.place.as_dict() | times


def worker_times(
    place: Place, worker: WorkerRecord | None, runs: WorkerRuns, ready: Sequence[float]
) -> WorkerTimes:
    """Return what a worker did.

    `ready` says when the last was made of what each task of the graph needs (`ready_times`).
    """
    start = worker.start if worker is not None else 0.0
    begin = at = start or min(runs.starts)
    idle = gaps = 0.0
    for run_start, duration, number in runs.by_start():
        gap = run_start - at
        if gap > 0.0:
            gaps += gap
            if gap > _NOTICED:
                until = ready[number]
                if until > at:
                    idle += (until if until < run_start else run_start) - at
        run_end = run_start + duration
        at = run_end if run_end > at else at
    end = at if worker is None else max(at, worker.end)
    return WorkerTimes(
        place,
        len(runs),
        begin,
        end,
        sum(runs.durations),
        idle + end - at if start else None,
        gaps - idle if start else None,
    )


def ready_times(graph: Graph, ends: Sequence[float]) -> array[float]:
    """Return for each task when the last was made of what it needs; 0 if it needs nothing.

    `ends` are when the results of all tasks were made, 0 if they were not.
    """
    found, needed, begin = array("d"), graph.needed, 0
    for end in islice(graph.begins, 1, None):
        if end == begin:
            found.append(0.0)
        elif end == begin + 1:  # as most have it that need any
            found.append(ends[needed[begin]])
        else:
            found.append(max([ends[one] for one in needed[begin:end]]))
        begin = end
    return found


def together(workers: Sequence[WorkerTimes]) -> WorkerTimes:
    """Return what several workers did together, as far as that is known of each.

    >>> one = WorkerTimes(Place("", "a", 1), 2, 0.0, 9.0, 5.0, 3.0, 1.0)
    >>> together([one, one._replace(start=5.0, end=12.0, idle=None)])[1:]
    (4, 0.0, 12.0, 10.0, 3.0, 2.0)
    """
    return WorkerTimes(
        Place("", "", None),
        sum(one.runs for one in workers),
        min(one.start for one in workers),
        max(one.end for one in workers),
        sum(one.busy for one in workers),
        _sum_of_known(one.idle for one in workers),
        _sum_of_known(one.overhead for one in workers),
    )


def _sum_of_known(times: Iterable[float | None]) -> float | None:
    known = [time for time in times if time is not None]
    return sum(known) if known else None


def most_at_once(workers: Sequence[WorkerTimes]) -> int:
    """Return how many of the workers there were at one time, at most.

    One that lived for less than a clock can tell was there all the same.

    >>> from jug.views.places import Places
    >>> def worker(start, end):
    ...     return WorkerTimes(Places({}).of("a:1"), 1, start, end, 1.0, 0.0, 0.0)
    >>> most_at_once([worker(0, 2), worker(1, 3), worker(2, 4)]), most_at_once([worker(5, 5)])
    (2, 1)
    """
    changes = [(worker.start, 1) for worker in workers] + [(worker.end, -1) for worker in workers]
    now, most = 0, min(len(workers), 1)
    for _, change in sorted(changes):
        now += change
        most = max(most, now)
    return most
