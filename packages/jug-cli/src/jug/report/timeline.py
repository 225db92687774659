"""What ran when: each run as a bar where there are few, else shares of time in even cells.

A bar for each of a hundred thousand runs is noise, and a page with as many elements is one
that no browser opens.  So from some thousand runs on time is cut into cells.  Of each worker
stands there what share of a cell it was busy, and of each name how many workers ran it.
Names get colours of their own by what they took in total, as many as can be told apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from operator import add
from typing import Final, NamedTuple

from jug.report.axis import Axis, Stretch, axis_of
from jug.views.timings import Timings
from jug.views.worker_times import WorkerRuns, WorkerTimes

__all__ = ["CELLS", "Bar", "Kinds", "Lane", "Timeline", "kinds_of", "timeline"]

CELLS: Final = 200
_MANY: Final = 4000
"""From as many runs on they are no bars any more."""
_LANES: Final = 40
_COLOURS: Final = 6


class Kinds(NamedTuple):
    """The names that have a colour of their own; all others share one."""

    names: list[str]
    has_others: bool

    @property
    def labels(self) -> list[str]:
        """What stands in a legend."""
        return [*self.names, *(["all others"] if self.has_others else [])]

    def place(self, name: str) -> int:
        """Return the place of a name in the legend."""
        return self.names.index(name) if name in self.names else len(self.names)

    def colour_of(self, name: str) -> str:
        """Return the colour of a name."""
        return self.colour(self.place(name))

    def colour(self, place: int) -> str:
        """Return the colour of a place in the legend; that of all others is one of its own."""
        return f"k{place if place < len(self.names) else _COLOURS}"


class Bar(NamedTuple):
    """One run."""

    place: float
    """Where it begins on the axis, as a share of that."""
    width: float
    kind: int
    is_bad: bool
    number: int
    """The task's number in the graph."""
    duration: float


class Lane(NamedTuple):
    """What one worker did: its bars, or what share of each cell it was busy."""

    times: WorkerTimes
    bars: Sequence[Bar]
    busy: Sequence[float]


class Timeline(NamedTuple):
    """All that is drawn over time."""

    axis: Axis
    kinds: Kinds
    lanes: list[Lane]
    """The workers that were busy for longest, as they began."""
    left_out: int
    """How many other workers there were."""
    running: list[list[float]]
    """For each kind, how many workers ran it in each cell, on average."""
    done: list[int]
    """How many tasks were done by the end of each cell."""

    def legend(self) -> list[tuple[str, str]]:
        """Return the colours of the names that ran, each with what it stands for."""
        return [
            (self.kinds.colour(place), label)
            for place, label in enumerate(self.kinds.labels)
            if any(self.running[place])
        ]


def kinds_of(found: Timings, order: Iterable[str]) -> Kinds:
    """Return which names have colours; `order` is that of the legend."""
    longest = sorted(found.names, key=lambda one: one.total, reverse=True)
    chosen = {one.name for one in longest[:_COLOURS]}
    ran = {name for runs in found.runs for name, _ in runs.parts()}  # some by other names
    named = list(dict.fromkeys([*order, *sorted(ran)]))
    return Kinds([name for name in named if name in chosen], len(named) > len(chosen))


def timeline(found: Timings, kinds: Kinds) -> Timeline | None:
    """Return what ran when, None if nothing did."""
    axis = axis_of(map(_life, found.runs))
    if axis is None:
        return None
    is_much = sum(map(len, found.runs)) > _MANY
    cells = _Cells(axis, kinds)
    chosen = _busiest(found.workers)
    lanes = []
    for place, (times, runs) in enumerate(zip(found.workers, found.runs, strict=True)):
        busy = cells.add(runs)
        if place in chosen:
            bars = () if is_much else tuple(_bars(axis, runs, kinds))
            lanes.append(Lane(times, bars, busy if is_much else ()))
    left_out = len(found.workers) - len(lanes)
    return Timeline(axis, kinds, lanes, left_out, cells.running(), _done(axis, found.ends))


def _life(runs: WorkerRuns) -> tuple[float, float]:
    return min(runs.starts), max(map(add, runs.starts, runs.durations))


def _busiest(workers: Sequence[WorkerTimes]) -> set[int]:
    by_time = sorted(range(len(workers)), key=lambda place: workers[place].busy)
    return set(by_time[-_LANES:])


def _bars(axis: Axis, runs: WorkerRuns, kinds: Kinds) -> Iterator[Bar]:
    for name, part in runs.parts():
        kind = kinds.place(name)
        columns = (runs.numbers, runs.starts, runs.durations, runs.bad)
        for number, start, duration, is_bad in zip(*(one[part] for one in columns), strict=True):
            place = axis.place(start)
            width = axis.place(start + duration) - place
            yield Bar(place, width, kind, bool(is_bad), number, duration)


class _Cells:
    """How long runs were in each cell of an axis, by kind."""

    def __init__(self, axis: Axis, kinds: Kinds) -> None:
        self._axis = axis
        self._kinds = kinds
        self._by_kind = [_no_time() for _ in kinds.labels]
        self._size = axis.length / CELLS

    def add(self, runs: WorkerRuns) -> list[float]:
        """Add the runs of a worker; return what share of each cell it was busy."""
        busy, size = _no_time(), self._size
        # All runs of a worker lie in one stretch, so one scale is that of them all.
        offset = _offset(self._axis.stretch_of(min(runs.starts)))
        for name, (starts, durations) in runs.by_name().items():
            of_kind = self._by_kind[self._kinds.place(name)]
            for start, duration in zip(starts, durations, strict=True):
                at = (start - offset) / size
                cell = int(at)
                end = at + duration / size
                if end <= cell + 1:
                    busy[cell] += duration
                    of_kind[cell] += duration
                else:
                    for part, seconds in _parts(at, end, size):
                        busy[part] += seconds
                        of_kind[part] += seconds
        return [min(1.0, seconds / size) for seconds in busy[:CELLS]]

    def running(self) -> list[list[float]]:
        """Return for each kind how many workers ran it in each cell, on average."""
        return [[seconds / self._size for seconds in cells[:CELLS]] for cells in self._by_kind]


def _no_time() -> list[float]:
    return [0.0] * (CELLS + 1)  # what begins at the very end is in the last one


def _offset(stretch: Stretch) -> float:
    """Return which moment would be the beginning of the axis, by the scale of a stretch."""
    return stretch.start - stretch.at


def _parts(at: float, end: float, size: float) -> Iterator[tuple[int, float]]:
    """Yield in which cells a run was, and for how many seconds.

    >>> list(_parts(0.5, 2.25, size=2.0))
    [(0, 1.0), (1, 2.0), (2, 0.5)]
    """
    for cell in range(int(at), min(int(end), CELLS) + 1):
        yield cell, (min(end, cell + 1) - max(at, cell)) * size


def _done(axis: Axis, ends: Sequence[float]) -> list[int]:
    """Return how many tasks were done by the end of each cell."""
    counts: Counter[int] = Counter()
    made = [end for end in ends if end]
    scale = CELLS / axis.length
    if len(axis.stretches) == 1:
        offset = _offset(axis.stretches[0])
        counts.update([int((end - offset) * scale) for end in made])
    else:
        counts.update([int(axis.place(end) * CELLS) for end in made])
    last = counts.pop(CELLS, 0)
    counts[CELLS - 1] += last
    return list(accumulate(counts[cell] for cell in range(CELLS)))
