"""How long the tasks that are done took, by name."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress
from typing import Any, NamedTuple

from jug.backends.base import BaseStore
from jug.task import Task

__all__ = ["Times", "times_by_name"]


class Times(NamedTuple):
    """How long the tasks of one name took, in seconds."""

    runs: int
    total: float
    longest: float

    @property
    def mean(self) -> float:
        """How long one took on average."""
        return self.total / self.runs

    def as_dict(self) -> dict[str, float]:
        """Return all of them, for ``--json``."""
        return {
            "total_seconds": self.total,
            "mean_seconds": self.mean,
            "longest_seconds": self.longest,
        }


def times_by_name(store: BaseStore, tasks: Sequence[Task[Any]]) -> dict[str, Times]:
    """Return how long the tasks took whose results are there, as last polled, sorted by name.

    Those that were brought over from elsewhere are left out, as that is not known of them.

    >>> from jug import set_jugdir
    >>> store, task = set_jugdir("dict_store"), Task(abs, -1)
    >>> _ = task.run()
    >>> times_by_name(store, [task])["builtins.abs"].runs
    1
    """
    digests = list(dict.fromkeys(task.digest for task in tasks))
    found: dict[str, Times] = {}
    for record in store.records(list(compress(digests, store.exists(digests)))):
        if record is not None and not record.source:
            runs, total, longest = found.get(record.name, (0, 0.0, 0.0))
            took = record.duration
            found[record.name] = Times(runs + 1, total + took, max(longest, took))
    return dict(sorted(found.items()))
