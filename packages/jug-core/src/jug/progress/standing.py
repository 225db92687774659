"""What one worker says of the tasks, as it knows them from the store."""

from __future__ import annotations

from collections import Counter

from jug.named_tuple import NamedTuple
from jug.progress.means import Spent

__all__ = ["Standing"]


class Standing(NamedTuple):
    """How far the tasks are, by name, but for what the workers of this run count themselves."""

    total: Counter[str]
    """How many tasks there are to do or done, in the order of the jugfile."""
    elsewhere: Counter[str]
    """How many are done, less what this run's workers have done; negative where that is gone."""
    failed: Counter[str]
    """How many have failed and are not tried again."""
    blocked: Counter[str]
    """How many wait for one that failed."""
    workers: int = 1
    """How many workers are at work, those of this run included."""
    earlier: dict[str, Spent] = {}  # noqa: RUF012
    """What some runs of before took."""
    at_barrier: bool = False
    """Whether there may be more tasks, beyond a barrier."""
