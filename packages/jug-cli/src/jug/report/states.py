"""How many tasks are in which state, as the page shows it: in one order, in one set of colours."""

from __future__ import annotations

from typing import Final

from jug.report.charts import bar
from jug.report.figures import number
from jug.report.markup import Markup
from jug.status import State, Status

__all__ = ["ORDER", "counts_of", "state_bar", "totals", "words"]

ORDER: Final = (State.FINISHED, State.RUNNING, State.FAILED, State.READY, State.WAITING)

Counts = list[tuple[str, int]]


def counts_of(status: Status, name: str) -> Counts:
    """Return how many tasks of a name are in each state."""
    return [(state.value, status.counts[state][name]) for state in ORDER]


def totals(status: Status) -> Counts:
    """Return how many tasks are in each state."""
    return [(state.value, status.total(state)) for state in ORDER]


def state_bar(counts: Counts) -> Markup:
    """Return a bar of the states."""
    return bar(counts, words(counts))


def words(counts: Counts) -> str:
    """Return how many there are in each state that any is in.

    >>> words([("finished", 1200), ("failed", 0), ("ready", 3)])
    '1,200 finished, 3 ready'
    """
    return ", ".join(f"{number(count)} {state}" for state, count in counts if count) or "none"
