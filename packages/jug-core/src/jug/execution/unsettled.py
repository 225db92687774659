"""What a worker has saved of several tasks, as long as it is not known what became of it.

It was sent to the store, and is most likely saved; so it counts as run from then on, for who
wants to know how far the tasks are.  What was not saved is taken back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jug.backends.base import BaseStore, Frame, Outcome
from jug.execution.plan import Plan
from jug.execution.reporting import Reporter
from jug.named_tuple import NamedTuple

__all__ = ["Run", "Unsettled"]


class Run(NamedTuple):
    """A task that was run, and whose frame was given to the store."""

    number: int
    name: str
    frame: Frame
    result: Any
    seconds: float
    """How long the worker had it."""


class Unsettled:
    """The runs of several tasks whose outcome the store says at the end."""

    def __init__(self, store: BaseStore) -> None:
        self._store = store
        self._runs: dict[bytes, Run] = {}

    def add(self, run: Run) -> None:
        """Add a run that is counted as saved."""
        self._runs[run.frame.digest] = run

    def end(self, plan: Plan, reporter: Reporter) -> list[tuple[Run, Outcome]]:
        """End the leases of several tasks, and return what became of each run."""
        outcomes: Mapping[bytes, Outcome] = {}
        try:
            outcomes = self._store.end_several()
        finally:
            runs, self._runs = self._runs, {}
            for digest, run in runs.items():
                if outcomes.get(digest) is not Outcome.SAVED:
                    reporter.count_executed(run.name, -run.seconds, runs=-1)
                if digest not in outcomes:
                    plan.reopen(run.number)
        return [(runs[digest], outcome) for digest, outcome in outcomes.items()]
