"""Which tasks are so short that a worker takes several at a time.

What a task took says what the next of its name will take, the longest of late most of all.
Together those that are taken are to take no longer than others would wait without
noticing it.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import inf
from typing import Any, Final

from jug.task import Task

__all__ = ["LONGEST", "MOST", "ShortTasks"]

LONGEST: Final = 0.01
"""Seconds after which no further task of several is begun, where they take longer than expected."""
MOST: Final = 64
"""As many tasks are taken at a time."""
_SHORT: Final = 0.001
_MOMENT: Final = 0.003
_REMEMBERED: Final = 0.25
"""As much of what a task took counts for the next but one of its name: the system may have held it
up, and to take tasks singly costs more than to give some back."""


class ShortTasks:
    """What the tasks of each name took of late.

    >>> short = ShortTasks()
    >>> short.note("fast", 0.0001), short.note("slow", 3.0)
    (None, None)
    >>> short.has("fast"), short.has("slow"), short.has("new")
    (True, False, False)
    """

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}

    def note(self, name: str, seconds: float) -> None:
        """Note what a task took; one that took long counts at once, and for some time."""
        self._seconds[name] = max(seconds, self._seconds.get(name, 0.0) * _REMEMBERED)

    def has(self, name: str) -> bool:
        """Return whether tasks of a name are short, as far as is known."""
        return self._seconds.get(name, inf) <= _SHORT

    def first_of(self, tasks: Iterable[Task[Any]]) -> list[bytes]:
        """Return the first of these tasks, up to one that is not short, for a moment's work."""
        chosen, left = list[bytes](), _MOMENT
        for task in tasks:
            seconds = self._seconds.get(task.name, inf)
            left -= seconds
            if seconds > _SHORT or left < 0:
                break
            chosen.append(task.digest)
        return chosen
