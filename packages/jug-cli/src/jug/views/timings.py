"""How long tasks took, from one pass over all runs: by name, by worker, and along the graph.

There may be a million runs, so none is kept: the pass puts their numbers into flat
arrays, over all tasks, for each name and for each worker.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress, repeat
from math import ceil, isfinite, nan
from statistics import median
from typing import Final, NamedTuple

from jug.backends.base import BaseStore
from jug.collector import without_collector
from jug.records import RunState
from jug.run_times import RunTimes
from jug.task.graph import Graph
from jug.views.distribution import Distribution, distribution
from jug.views.places import Places
from jug.views.worker_times import WorkerRuns, WorkerTimes, ready_times, worker_times

__all__ = ["NameTimes", "Timings", "timings"]

_UNTIMED: Final = (RunState.LOST, RunState.ADOPTED)  # nobody knows how long these took
_ENDED_BADLY: Final = (RunState.FAILED, RunState.RETRIED, RunState.DIED)
_LATEST: Final = 1e11  # seconds since the epoch: what says that it was later is damaged
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
    ends: array[float]
    """When the result of each was made, in seconds since the epoch; 0 if it was not."""
    runs: list[WorkerRuns]
    """The runs of each of the workers."""
    distributions: dict[str, Distribution]
    """How the durations of each name are spread."""

    def means(self) -> dict[str, float]:
        """Return the mean of each name."""
        return {one.name: one.mean for one in self.names}


class _Measured:
    """What the tasks of one name took."""

    __slots__ = ("cpu", "duration", "durations", "memory")

    def __init__(self) -> None:
        self.durations = array("d")
        self.cpu = self.duration = 0.0  # of those of which the processor time is known
        self.memory = 0

    def add(self, batch: RunTimes) -> None:
        """Add what some of them took."""
        self.durations.extend(batch.durations)
        self.cpu += sum(batch.cpus)
        self.duration += sum(compress(batch.durations, batch.cpus))
        self.memory = max(self.memory, max(batch.memories))


def timings(store: BaseStore, graph: Graph, numbers: Sequence[int]) -> Timings:
    """Return how long these tasks of a graph took, by the runs that their store remembers."""
    with without_collector():
        return _timings(store, graph, _digests(graph, numbers))


def _timings(store: BaseStore, graph: Graph, number_of: Mapping[bytes, int]) -> Timings:
    by_name: defaultdict[str, _Measured] = defaultdict(_Measured)
    by_worker: defaultdict[str, WorkerRuns] = defaultdict(WorkerRuns)
    durations, ends = array("d", [nan]) * len(graph), array("d", [0.0]) * len(graph)
    for batch in store.each_time():
        own, meant = _own(_sound(batch), number_of)
        if not own or batch.state in _UNTIMED:
            continue
        is_bad = batch.state in _ENDED_BADLY
        by_worker[batch.worker].add(batch.name, own, meant.starts, meant.durations, is_bad)
        if batch.state is RunState.FINISHED:
            by_name[batch.name].add(meant)
            for number, start, duration in zip(own, meant.starts, meant.durations, strict=True):
                durations[number] = duration
                ends[number] = start + duration
    workers = _workers(store, by_worker, graph, ends)
    in_order = {name: sorted(by_name[name].durations) for name in sorted(by_name)}
    return Timings(
        [_times(name, by_name[name], times) for name, times in in_order.items()],
        [times for times, _ in workers],
        durations,
        ends,
        [runs for _, runs in workers],
        {name: distribution(times) for name, times in in_order.items()},
    )


def _sound(batch: RunTimes) -> RunTimes:
    """Return those of the runs whose times can be, which are all but for damage."""
    columns = batch.starts, batch.durations, batch.cpus
    if all(map(_is_sound, columns)):
        return batch
    return batch.chosen([_is_sound(run) for run in zip(*columns, strict=True)])


def _is_sound(times: Sequence[float]) -> bool:
    """Return whether each of some times can be."""
    if not min(times, default=0.0) >= 0.0:
        return False
    total = sum(times)
    return total < _LATEST or (max(times) < _LATEST and isfinite(total))


def _own(batch: RunTimes, number_of: Mapping[bytes, int]) -> tuple[list[int], RunTimes]:
    """Return the numbers of the tasks that are meant, and what their runs took."""
    found = list(map(number_of.get, batch.digests, repeat(-1)))
    if -1 not in found:
        return found, batch
    is_own = [number >= 0 for number in found]
    return [*compress(found, is_own)], batch.chosen(is_own)


def _times(name: str, measured: _Measured, durations: list[float]) -> NameTimes:
    """Return what the durations of one name come to, which are in order."""
    total, count = sum(durations), len(durations)
    return NameTimes(
        name,
        count,
        total,
        total / count,
        median(durations),
        durations[ceil(0.95 * count) - 1],
        durations[-1],
        measured.cpu / measured.duration if measured.cpu else None,
        measured.memory if measured.cpu else None,
    )


def _digests(graph: Graph, numbers: Sequence[int]) -> Mapping[bytes, int]:
    if len(numbers) == len(graph):
        return graph.numbers
    return {graph.tasks[number].digest: number for number in numbers}


def _workers(
    store: BaseStore,
    by_worker: Mapping[str, WorkerRuns],
    graph: Graph,
    ends: Sequence[float],
) -> list[tuple[WorkerTimes, WorkerRuns]]:
    """Return what the workers did, in the order in which they began."""
    known, ready = store.workers(), ready_times(graph, ends)
    places = Places(known)
    found = [
        (worker_times(places.of(id), known.get(id), runs, ready), runs)
        for id, runs in by_worker.items()
    ]
    return sorted(found, key=lambda worker: worker[0].start)
