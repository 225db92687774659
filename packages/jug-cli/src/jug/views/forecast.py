"""How long tasks will take, from how long runs of their names took.

The workers are played: each takes the first task that is ready, in the order of the
jugfile, and is busy with it for as long as runs of this name took in the mean.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from typing import NamedTuple

from jug.task.graph import Graph

__all__ = ["Durations", "Forecast", "forecast", "makespan"]


@dataclass
class Durations:
    """How long runs took, by name."""

    _counts: dict[str, int] = field(default_factory=dict)
    _totals: dict[str, float] = field(default_factory=dict)

    def add(self, name: str, seconds: float) -> None:
        """Add one run."""
        self._counts[name] = self._counts.get(name, 0) + 1
        self._totals[name] = self._totals.get(name, 0.0) + seconds

    def mean(self, name: str) -> float | None:
        """Return how long a run takes in the mean, None if none is known.

        >>> durations = Durations()
        >>> durations.add("m.f", 1.0), durations.add("m.f", 2.0)
        (None, None)
        >>> durations.mean("m.f"), durations.mean("m.g")
        (1.5, None)
        """
        count = self._counts.get(name)
        return self._totals[name] / count if count else None


class Forecast(NamedTuple):
    """How long some tasks will take."""

    workers: int
    seconds: float | None
    """For those of which it is known, None if it is known of none."""
    unknown: dict[str, int]
    """How many tasks there are of names of which it is not known."""


def forecast(
    graph: Graph, numbers: Iterable[int], mean: Callable[[str], float | None], workers: int
) -> Forecast:
    """Return how long these tasks of a graph will take by so many workers."""
    seconds: dict[int, float] = {}
    unknown: dict[str, int] = {}
    names = list(graph.names())
    for number in numbers:
        name = names[number]
        known = mean(name)
        if known is None:
            unknown[name] = unknown.get(name, 0) + 1
        seconds[number] = known or 0.0
    if seconds and sum(unknown.values()) == len(seconds):
        return Forecast(workers, None, unknown)
    return Forecast(workers, makespan(graph, seconds, workers), unknown)


def makespan(graph: Graph, seconds: Mapping[int, float], workers: int) -> float:
    """Return when the last task ends, of tasks that take so long, as numbered in a graph.

    >>> from jug import Task
    >>> makespan(Graph([Task(abs, n) for n in range(5)]), dict.fromkeys(range(5), 1.0), workers=2)
    3.0
    """
    unmet = {
        number: sum(needed in seconds for needed in graph.dependencies_of(number))
        for number in seconds
    }
    ready = [number for number, count in unmet.items() if not count]
    heapify(ready)
    busy: list[tuple[float, int]] = []
    now = 0.0
    while ready or busy:
        while ready and len(busy) < workers:
            number = heappop(ready)
            heappush(busy, (now + seconds[number], number))
        now, number = heappop(busy)
        for dependant in graph.dependants_of(number):
            if dependant in unmet:
                unmet[dependant] -= 1
                if not unmet[dependant]:
                    heappush(ready, dependant)
    return now
