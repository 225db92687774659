"""How times are spread: how many lie between which bounds, on a logarithmic scale.

Times of tasks differ by factors, not by seconds, so the bounds do too: each is the one
before times the same factor.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple

__all__ = ["Distribution", "distribution"]

_BINS: Final = 24
_SHORTEST: Final = 1e-6  # seconds: what is shorter counts as that
_ALIKE: Final = 1.01  # by which factor the longest may exceed the shortest if all are alike


class Distribution(NamedTuple):
    """How many times there are in each bin."""

    bounds: list[float]
    """Where the bins begin, and where the last one ends, in seconds."""
    counts: list[int]


def distribution(times: Sequence[float]) -> Distribution:
    """Return how some times are spread, which are in order and not none.

    >>> spread = distribution([1.0, 2.0, 2.0, 4.0])
    >>> spread.bounds[0], round(spread.bounds[-1], 9), sum(spread.counts), max(spread.counts)
    (1.0, 4.0, 4, 2)
    >>> distribution([0.5, 0.5])
    Distribution(bounds=[0.5, 0.5], counts=[2])
    """
    shortest, longest = max(times[0], _SHORTEST), max(times[-1], _SHORTEST)
    factor = longest / shortest
    if factor < _ALIKE:
        return Distribution([shortest, longest], [len(times)])
    bounds = [shortest * factor ** (place / _BINS) for place in range(_BINS + 1)]
    below = [0, *(bisect_left(times, bound) for bound in bounds[1:-1]), len(times)]
    return Distribution(bounds, [after - before for before, after in pairwise(below)])
