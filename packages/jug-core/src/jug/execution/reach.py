"""Which tasks can be run by some worker that lives, where what they need is counted.

What this worker's machine has no room for may be run by a worker of another command.  Each
says in the store what its command has.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jug.backends.base import BaseStore
from jug.execution.capacity import Capacity
from jug.needs import Needs
from jug.task import Task

__all__ = ["Reach"]


class Reach:
    """What a worker's machine has room for, and what any other's, as last looked at."""

    def __init__(self, store: BaseStore, capacity: Capacity) -> None:
        self._store = store
        self._capacity = capacity
        self._offers: list[Mapping[str, int]] | None = []
        self._known: dict[Needs, bool] = {}

    def look(self) -> None:
        """Look anew at who lives, once somebody asks."""
        self._offers = None
        self._known.clear()

    def is_here(self, task: Task[Any]) -> bool:
        """Return whether this worker's command has room for a task."""
        return self._capacity.has(task.needs)

    def is_anywhere(self, task: Task[Any]) -> bool:
        """Return whether a worker that lives has room for a task."""
        needs = task.needs
        found = self._known.get(needs)
        if found is None:
            found = self._known[needs] = self.is_here(task) or self._is_offered(needs)
        return found

    def _is_offered(self, needs: Needs) -> bool:
        if self._offers is None:
            from jug.workers import living_offers  # few tasks say what they need

            self._offers = living_offers(self._store)
        return any(not needs.shortages(there) for there in self._offers)
