"""Tasks that need more than a machine has, to be named with what they need."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from jug.execution.capacity import Capacity
from jug.named_tuple import NamedTuple
from jug.needs import Needs
from jug.task import Task
from jug.wording import counted


class TooLarge(NamedTuple):
    """Tasks of one name that their command has no room for."""

    name: str
    tasks: int
    needs: Needs
    capacity: Capacity

    def __str__(self) -> str:
        """Return what is to be said of them."""
        need, it = ("needs", "it") if self.tasks == 1 else ("need", "them")
        wanted, there = zip(*self.needs.shortages(self.capacity.offers), strict=True)
        return (
            f"{counted(self.tasks, 'task')} of {self.name} {need} {' and '.join(wanted)}, but "
            f"this command has {' and '.join(there)}: run {it} where there is more"
        )


def too_large(tasks: Iterable[Task[Any]], capacity: Capacity) -> list[TooLarge]:
    """Return which of these tasks can't run where there is no more than that.

    >>> from jug.task.run_options import RunOptions
    >>> task = Task(abs, -1)
    >>> task.options = RunOptions(cpus=4)
    >>> print(*too_large([task], Capacity(cpus=2)))
    1 task of builtins.abs needs 4 CPUs, but this command has 2 CPUs: run it where there is more
    """
    found = Counter((t.name, t.needs.without_tags()) for t in tasks if not capacity.has(t.needs))
    return [TooLarge(name, count, needs, capacity) for (name, needs), count in found.items()]
