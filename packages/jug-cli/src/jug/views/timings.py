"""How long tasks took, from one pass over the records: by name, by worker, and along the graph.

There may be a million records, so none is kept: the pass puts their numbers into flat
arrays, over all tasks, for each name and for each worker.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, nan
from statistics import median
from typing import Final, NamedTuple

from jug.backends.base import BaseStore
from jug.records import Record, RunState
from jug.task.graph import Graph
from jug.views.places import Places
from jug.views.worker_times import WorkerTimes, worker_times

__all__ = ["NameTimes", "Timings", "timings"]

_FEW: Final = 100  # tasks, from which on it matters that they are short
_SHORT: Final = 0.01  # seconds
_ENOUGH: Final = 0.5  # seconds that a task may well take
_LONGEST_STEP: Final = 10_000


@dataclass(frozen=True)
class NameTimes:
    """How long the tasks of one name took, in seconds."""

    name: str
    count: int
    total: float
    mean: float
    median: float
    percentile_95: float
    """What 95 of 100 took at most."""
    longest: float
    cpu_share: float | None
    """Processor time of all that it was measured for, by their time; None if for none."""
    memory: int | None
    """The largest memory of their workers' processes in bytes, None where it was not measured."""

    @property
    def map_step(self) -> int | None:
        """How many calls would make a task of good length, None if they are long enough."""
        if self.count < _FEW or self.mean >= _SHORT:
            return None
        step = min(_ENOUGH / max(self.mean, 1e-9), self.count / 10, _LONGEST_STEP)
        return int(float(f"{step:.0e}"))


class Timings(NamedTuple):
    """How long the tasks of a jugfile took."""

    names: list[NameTimes]
    workers: list[WorkerTimes]
    durations: array[float]
    """How long each task of the graph took, by number; nan if it has no result."""

    def means(self) -> dict[str, float]:
        """Return the mean of each name."""
        return {one.name: one.mean for one in self.names}


class _Measures:
    """What was measured of the long tasks of one name."""

    __slots__ = ("cpu", "duration", "memory")

    def __init__(self) -> None:
        self.cpu = self.duration = 0.0
        self.memory = 0

    def add(self, record: Record) -> None:
        """Add what was noted of one."""
        self.cpu += record.cpu
        self.duration += record.duration
        self.memory = max(self.memory, record.memory)


def timings(store: BaseStore, graph: Graph, numbers: Sequence[int]) -> Timings:
    """Return how long these tasks of a graph took, by the runs that their store remembers."""
    measures: defaultdict[str, _Measures] = defaultdict(_Measures)
    by_name: defaultdict[str, array[float]] = defaultdict(lambda: array("d"))
    by_worker: defaultdict[str, array[float]] = defaultdict(lambda: array("d"))
    durations, ends = array("d", [nan]) * len(graph), array("d", [0.0]) * len(graph)
    number_of = _digests(graph, numbers).get
    finished, lost = RunState.FINISHED, RunState.LOST  # of which nobody knows how long it took
    for digest, state, record in store.each_run():
        number = number_of(digest)
        if number is None or state is lost:
            continue
        start, duration = record.start, record.duration
        runs = by_worker[record.worker]
        runs.append(number)  # one by one, as `extend` takes three times as long
        runs.append(start)
        runs.append(duration)
        if state is finished:
            durations[number] = duration
            ends[number] = start + duration
            by_name[record.name].append(duration)
            if record.cpu:
                measures[record.name].add(record)
    workers = _workers(store, by_worker, graph, ends)
    names = [_times(name, sorted(by_name[name]), measures.get(name)) for name in sorted(by_name)]
    return Timings(names, workers, durations)


def _times(name: str, durations: list[float], measures: _Measures | None) -> NameTimes:
    """Return what the sorted durations of one name come to."""
    total, count = sum(durations), len(durations)
    return NameTimes(
        name,
        count,
        total,
        total / count,
        median(durations),
        durations[ceil(0.95 * count) - 1],
        durations[-1],
        measures.cpu / measures.duration if measures else None,
        measures.memory if measures else None,
    )


def _digests(graph: Graph, numbers: Sequence[int]) -> Mapping[bytes, int]:
    if len(numbers) == len(graph):
        return graph.numbers
    return {graph.tasks[number].digest: number for number in numbers}


def _workers(
    store: BaseStore,
    by_worker: Mapping[str, array[float]],
    graph: Graph,
    ends: Sequence[float],
) -> list[WorkerTimes]:
    """Return what the workers did, in the order in which they began."""
    known = store.workers()
    places = Places(known)
    found = [
        worker_times(places.of(id), known.get(id), runs, graph, ends)
        for id, runs in by_worker.items()
    ]
    return sorted(found, key=lambda worker: worker.start)
