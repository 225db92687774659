"""The time axis of the pictures: when anybody worked, with long pauses folded.

People run, mend and run again for days.  What lies between is drawn as a narrow break, or
the work would be slivers.  Where work is, time runs evenly, so each worker has one scale.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from operator import itemgetter
from typing import Final, NamedTuple

__all__ = ["Axis", "Stretch", "Tick", "axis_of"]

_LONG: Final = 0.1  # of all work: a pause that is longer is folded
_BREAK: Final = 0.02  # of the axis: how wide it is then
_MOST: Final = 12  # pauses are folded, the longest
_TICKS: Final = 5
_SHORTEST: Final = 1e-3  # seconds that an axis has at least
_STEPS: Final = (
    *(digit * 10.0**power for power in range(-4, 1) for digit in (1, 2, 5)),
    *(10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200),
)
_DAY: Final = 86400.0


class Stretch(NamedTuple):
    """A time in which there was work, and its place on the axis."""

    start: float
    end: float
    at: float
    """Where it begins, in seconds of the axis."""


class Tick(NamedTuple):
    """A moment that is written at the axis."""

    place: float
    """Where, as a share of the axis."""
    moment: float
    """When, in seconds since the epoch."""


class Axis(NamedTuple):
    """Where moments lie in a picture."""

    stretches: Sequence[Stretch]
    length: float
    """In seconds, each break counted as its width."""

    @property
    def start(self) -> float:
        """When it begins."""
        return self.stretches[0].start

    @property
    def end(self) -> float:
        """When it ends."""
        return self.stretches[-1].end

    def stretch_of(self, moment: float) -> Stretch:
        """Return the stretch that a moment lies in, or before the pause that it does."""
        return self.stretches[max(0, bisect_right(self.stretches, moment, key=_START) - 1)]

    def place(self, moment: float) -> float:
        """Return where a moment lies, as a share of the axis.

        >>> axis = axis_of([(0.0, 10.0), (1000.0, 1010.0)])
        >>> [round(axis.place(moment), 2) for moment in (0.0, 10.0, 500.0, 1000.0, 1010.0)]
        [0.0, 0.49, 0.49, 0.51, 1.0]
        """
        stretch = self.stretch_of(moment)
        within = min(max(moment, stretch.start), stretch.end) - stretch.start
        return min(1.0, (stretch.at + within) / self.length)

    def breaks(self) -> Iterator[tuple[float, float, float]]:
        """Yield where each break begins and ends, and how many seconds it stands for."""
        for before, after in pairwise(self.stretches):
            begin = before.at + before.end - before.start
            yield begin / self.length, after.at / self.length, after.start - before.end

    def ticks(self) -> list[Tick]:
        """Return the moments to be written: the beginnings of the stretches, or even steps."""
        if len(self.stretches) > 1:
            return _apart(Tick(one.at / self.length, one.start) for one in self.stretches)
        step = _step(self.length)
        count = int(self.length / step * 1.000001) + 1
        return [Tick(n * step / self.length, self.start + n * step) for n in range(count)]


_START: Final = itemgetter(0)


def axis_of(lives: Iterable[tuple[float, float]]) -> Axis | None:
    """Return the axis for times of work, each with its start and end; None if there are none."""
    merged = _merged(lives)
    if not merged:
        return None
    work = max(sum(end - start for start, end in merged), _SHORTEST)
    pauses = sorted(((b[0] - a[1], b[0]) for a, b in pairwise(merged)), reverse=True)[:_MOST]
    folded = {start for pause, start in pauses if pause > _LONG * work}
    joined = [merged[0]]
    for start, end in merged[1:]:
        if start in folded:
            joined.append((start, end))
        else:
            joined[-1] = joined[-1][0], end
    return _laid_out(joined)


def _merged(lives: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    found: list[tuple[float, float]] = []
    for start, end in sorted(lives):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((start, end))
    return found


def _laid_out(times: Sequence[tuple[float, float]]) -> Axis:
    work = max(sum(end - start for start, end in times), _SHORTEST)
    width = work * _BREAK
    at, stretches = 0.0, list[Stretch]()
    for start, end in times:
        stretches.append(Stretch(start, end, at))
        at += end - start + width
    return Axis(stretches, max(at - width, _SHORTEST))


def _step(length: float) -> float:
    """Return an even step of which not too many fit.

    >>> _step(11.5), _step(7200.0), _step(86400.0 * 30)
    (5.0, 1800, 604800.0)
    """
    wanted = length / _TICKS
    for step in _STEPS:
        if step >= wanted:
            return step
    return _DAY * next(days for days in (1, 2, 7, 14, 30, 90, 365, 10**9) if days * _DAY >= wanted)


def _apart(ticks: Iterable[Tick]) -> list[Tick]:
    """Leave out those that would be written over the one before."""
    found: list[Tick] = []
    for tick in ticks:
        if not found or tick.place - found[-1].place >= 1 / _TICKS:
            found.append(tick)
    return found
