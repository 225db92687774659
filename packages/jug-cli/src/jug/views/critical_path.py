"""The critical path: the chain of tasks that took longest, each after one that it needs.

However many workers there are, they take at least as long as that chain; and if all of
them were busy all the time, as long as all the work by their number.  The larger of the
two is what they need at least, so the path tells what more workers can gain at most.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from itertools import compress, islice
from math import ceil, isnan
from typing import Any, NamedTuple

from jug.task.graph import Graph

__all__ = ["CriticalPath", "critical_path"]


class CriticalPath(NamedTuple):
    """The longest chain of a graph, and what it means for workers."""

    numbers: list[int]
    """Its tasks, each after what it needs, by their numbers in the graph."""
    seconds: list[float]
    """How long each of them took."""
    length: float
    """How long they took together."""
    work: float
    """How long all tasks took together."""
    estimated: int
    """How many tasks have no result and count with the mean of their name."""
    unknown: int
    """How many have none and no name that ever ran: they count as nothing."""

    @property
    def enough(self) -> int:
        """As many workers suffice, if all goes well: more of them gain nothing."""
        return max(1, ceil(self.work / self.length)) if self.length else 1

    def least(self, workers: int) -> float:
        """Return how long this many workers need at least."""
        return max(self.length, self.work / workers)

    def as_dict(self, graph: Graph) -> dict[str, Any]:
        """Return it for ``--json``."""
        return {
            "length": self.length,
            "work": self.work,
            "enough_workers": self.enough,
            "estimated": self.estimated,
            "unknown": self.unknown,
            "tasks": [
                {"hash": task.digest.hex(), "name": task.name, "duration": seconds or None}
                for task, seconds in zip(
                    [graph.tasks[number] for number in self.numbers], self.seconds, strict=True
                )
            ],
        }


def critical_path(
    graph: Graph, durations: Sequence[float], means: Mapping[str, float]
) -> CriticalPath:
    """Return the path; `durations` are nan for tasks without a result, `means` are by name.

    >>> from jug import Task
    >>> short, long = Task(abs, 1), Task(abs, 2)
    >>> graph = Graph([Task(sum, [short, long])])
    >>> path = critical_path(graph, [1.0, 2.0, 0.5], {})
    >>> path.length, path.work, path.numbers
    (2.5, 3.5, [1, 2])
    """
    counted = array("d", durations)
    missing = [*compress(range(len(counted)), map(isnan, counted))]
    unknown = 0
    for number in missing:
        mean = means.get(graph.tasks[number].name)
        unknown += mean is None
        counted[number] = mean or 0.0
    until = _lengths(graph, counted)
    numbers = _path(graph, until)
    return CriticalPath(
        numbers,
        [counted[number] for number in numbers],
        max(until, default=0.0),
        sum(counted),
        len(missing) - unknown,
        unknown,
    )


def _lengths(graph: Graph, seconds: array[float]) -> array[float]:
    """Return for each task how long the longest chain is that ends with it."""
    until, needed, begin = seconds[:], graph.needed, 0
    for number, end in enumerate(islice(graph.begins, 1, None)):
        if end == begin + 1:  # as most tasks have it
            until[number] += until[needed[begin]]
        elif end > begin:
            until[number] += max([until[one] for one in needed[begin:end]])
        begin = end
    return until


def _path(graph: Graph, until: array[float]) -> list[int]:
    """Return the longest chain, found from its end."""
    if not until:
        return []
    number = until.index(max(until))
    found = [number]
    while needed := graph.dependencies_of(number):
        number = max(needed, key=until.__getitem__)
        found.append(number)
    return found[::-1]
