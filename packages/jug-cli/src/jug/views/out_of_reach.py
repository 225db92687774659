"""Tasks that need more of a machine than any worker has that lives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from jug.backends.base import BaseStore
from jug.needs import NOTHING, Needs
from jug.task import Task
from jug.wording import counted
from jug.workers import living_offers

__all__ = ["OutOfReach", "out_of_reach"]


class OutOfReach(NamedTuple):
    """Tasks of one name that no worker can run that lives."""

    name: str
    needs: Needs
    tasks: int

    def __str__(self) -> str:
        """Return what is to be said of them."""
        need = "needs" if self.tasks == 1 else "need"
        tasks = counted(self.tasks, "task")
        return f"No living worker can run {tasks} of {self.name}, which {need} {self.needs}."

    def as_dict(self) -> dict[str, Any]:
        """Return all of it, for ``--json``."""
        needs = self.needs
        about = {"cpus": needs.cpus, "memory": needs.memory, "gpus": needs.gpus}
        return {"name": self.name, "tasks": self.tasks, **about}


def out_of_reach(store: BaseStore, tasks: Iterable[Task[Any]]) -> list[OutOfReach]:
    """Return which of the tasks that are not done no worker can run, as last polled.

    Where no worker lives nothing is said: one that will come may have more.
    """
    stating = [task for task in tasks if task.options.needs is not NOTHING]
    done = store.exists([task.digest for task in stating])
    left = [task for task, is_done in zip(stating, done, strict=True) if not is_done]
    offers = living_offers(store) if left else []
    if not offers:
        return []
    reached = {needs: _is_reached(needs, offers) for needs in {task.needs for task in left}}
    found = Counter((t.name, t.needs.without_tags()) for t in left if not reached[t.needs])
    return [OutOfReach(name, needs, count) for (name, needs), count in found.items()]


def _is_reached(needs: Needs, offers: Iterable[Mapping[str, int]]) -> bool:
    return any(not needs.shortages(there) for there in offers)
