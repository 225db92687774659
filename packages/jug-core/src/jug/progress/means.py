"""The mean time of a task of each name.

Tasks of one name often grow along the jugfile, and those that come last decide how long the
rest takes.  So of what this run has done only the last quarter counts, but no less than the
last ten tasks.  Runs of before, of another machine perhaps, stand in for the first few.
A task that has run for longer than the mean already counts with what it has taken so far.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Final

from jug.named_tuple import NamedTuple

__all__ = ["Means", "Spent"]

_LAST: Final = 0.25  # of what was done
_AT_LEAST: Final = 10
_EARLIER: Final = 3  # tasks that runs of before count for at most
_STEP: Final = 0.02  # by which a count must have grown to be noted again


class Spent(NamedTuple):
    """How many tasks were run, and how long that took.

    >>> Spent(2, 3.0).plus(Spent(1, 1.0)).less(Spent(1, 2.0))
    Spent(runs=2, seconds=2.0)
    """

    runs: int = 0
    seconds: float = 0.0

    def plus(self, other: Spent) -> Spent:
        """Return both together."""
        return Spent(self.runs + other.runs, self.seconds + other.seconds)

    def less(self, other: Spent) -> Spent:
        """Return what is more than the other."""
        return Spent(self.runs - other.runs, self.seconds - other.seconds)


class Means:
    """What tasks took, by name, as it adds up.

    >>> means = Means()
    >>> means.note({"m.f": Spent(4, 2.0)})
    >>> means.seconds("m.f"), means.seconds("m.g")
    (0.5, None)
    """

    def __init__(self) -> None:
        self._earlier: dict[str, Spent] = {}
        self._spent: dict[str, deque[Spent]] = {}

    def note_earlier(self, earlier: Mapping[str, Spent]) -> None:
        """Note what runs of before took."""
        self._earlier.update(earlier)

    def note(self, spent: Mapping[str, Spent]) -> None:
        """Note what this run has done so far."""
        for name, so_far in spent.items():
            steps = self._spent.setdefault(name, deque([Spent()]))
            if len(steps) > 1 and so_far.runs < steps[-2].runs * (1 + _STEP):
                steps.pop()
            if so_far.runs > steps[-1].runs:
                steps.append(so_far)
            while len(steps) > 2 and steps[1].runs <= _first_that_counts(so_far.runs):
                steps.popleft()

    def seconds(self, name: str, running: Sequence[float] = ()) -> float | None:
        """Return the mean of a name, None if it was never run.

        `running` is for how long those run by now that are being run.
        """
        known = self._known(name)
        if not known.runs:
            return None
        mean = known.seconds / known.runs
        for seconds in running:
            if seconds > mean:
                known = known.plus(Spent(1, seconds))
        return known.seconds / known.runs

    def _known(self, name: str) -> Spent:
        steps = self._spent.get(name, (Spent(),))
        here, earlier = steps[-1].less(steps[0]), self._earlier.get(name, Spent())
        counted = max(0, min(earlier.runs, _EARLIER - here.runs))
        if not counted:
            return here
        return here.plus(Spent(counted, earlier.seconds / earlier.runs * counted))


def _first_that_counts(count: int) -> float:
    return count - max(_LAST * count, _AT_LEAST)
