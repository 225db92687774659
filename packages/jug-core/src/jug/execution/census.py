"""How many selected tasks of each name are in which state of a plan, kept up to date for little.

Nothing is noted when a task changes its state, which happens often.  The states as they
were counted last are kept instead, and compared in pieces: only where they differ is
looked at each task, so a million tasks are counted again in a millisecond.
"""

from __future__ import annotations

from collections import Counter
from itertools import compress
from typing import Final

from jug.execution.plan import DONE, FAILED, SKIPPED, Plan

_PIECE: Final = 512


class Census:
    """The tasks of a plan that are selected, by name and state."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._counted = bytearray(plan.states)
        states = zip(plan.graph.names(), plan.states, strict=True)
        self._counts = Counter(compress(states, plan.selected()))

    def update(self) -> None:
        """Count what has changed, and what the plan has taken up since."""
        self._count_new()
        states, counted = memoryview(self._plan.states), memoryview(self._counted)
        for at in range(0, len(counted), _PIECE):
            piece = slice(at, at + _PIECE)
            if states[piece] != counted[piece]:
                self._recount(at, states[piece], counted[piece])
                counted[piece] = states[piece]

    def _count_new(self) -> None:
        plan, known = self._plan, len(self._counted)
        self._counted += plan.states[known:]
        for number in filter(plan.is_selected, range(known, len(self._counted))):
            self._counts[plan.graph.tasks[number].name, self._counted[number]] += 1

    def _recount(self, at: int, states: memoryview, counted: memoryview) -> None:
        tasks, counts, is_selected = self._plan.graph.tasks, self._counts, self._plan.is_selected
        for number, (state, before) in enumerate(zip(states, counted, strict=True), start=at):
            if state != before and is_selected(number):
                name = tasks[number].name
                counts[name, before] -= 1
                counts[name, state] += 1

    def total(self) -> Counter[str]:
        """Return how many tasks of each name there are."""
        return self._sum(*range(SKIPPED))

    def done(self) -> Counter[str]:
        """Return how many are done."""
        return self._sum(DONE)

    def failed(self) -> Counter[str]:
        """Return how many have failed and are not tried again."""
        return self._sum(FAILED)

    def names_left(self) -> set[str]:
        """Return the names with tasks that are still to be done."""
        return set(self._sum(*range(DONE)))

    def blocked(self) -> Counter[str]:
        """Return how many wait for one that failed."""
        tasks = self._plan.graph.tasks
        return Counter(tasks[number].name for number in self._plan.blocked())

    def _sum(self, *states: int) -> Counter[str]:
        found: Counter[str] = Counter()
        for (name, state), count in self._counts.items():
            if state in states and count:
                found[name] += count
        return found
