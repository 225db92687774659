"""The tasks that a task needs, and those that need it: counted by state, and the first listed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from jug.backends.base import BaseStore
from jug.status import State, states
from jug.task import Task
from jug.task.short_form import short_form

__all__ = ["Neighbour", "Neighbours", "neighbours"]

_LISTED: Final = 10


class Neighbour(NamedTuple):
    """A task that another one needs, or that needs it."""

    task: Task[Any]
    state: State

    def as_dict(self) -> dict[str, Any]:
        """Return it for ``--json``."""
        return {
            "hash": self.task.digest.hex(),
            "name": self.task.name,
            "arguments": short_form(self.task.args, self.task.kwargs),
            "state": self.state.value,
        }


class Neighbours(NamedTuple):
    """The tasks on one side of a task."""

    counts: dict[State, int]
    """How many are in which state, without states in which none is."""
    first: list[Neighbour]
    """A few of them; those that are not done come first."""

    @property
    def total(self) -> int:
        """How many there are."""
        return sum(self.counts.values())

    @property
    def undone(self) -> int:
        """How many are not finished."""
        return self.total - self.counts.get(State.FINISHED, 0)

    def as_dict(self) -> dict[str, Any]:
        """Return it for ``--json``."""
        return {
            "total": self.total,
            "states": {state.value: self.counts.get(state, 0) for state in State},
            "first": [neighbour.as_dict() for neighbour in self.first],
        }


def neighbours(store: BaseStore, tasks: Iterable[Task[Any]]) -> Neighbours:
    """Return these tasks with their states.

    >>> from jug import set_jugdir
    >>> store = set_jugdir("dict_store")
    >>> found = neighbours(store, [Task(abs, -1)])
    >>> [(one.task.name, one.state.value) for one in found.first]
    [('builtins.abs', 'ready')]
    """
    listed = list(tasks)
    found = list(map(Neighbour, listed, states(store, listed)))
    counts = Counter(one.state for one in found)
    found.sort(key=lambda one: one.state is State.FINISHED)
    return Neighbours({s: counts[s] for s in State if counts[s]}, found[:_LISTED])
