"""Whether workers die of a task, or before their first: then to go on would not end.

A worker that dies by chance is replaced, and the task that it ran is tried again.  Of one that
costs as many workers as `DEADLY` says, or where they die before they have begun anything, that
is no chance.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from jug.execution.deaths import DEADLY
from jug.execution.slots import NO_TASK, Running, WorkerSlots
from jug.execution.worker_process import WorkerProcess

__all__ = ["DEADLY", "DeathToll"]


class DeathToll:
    """How many workers died of which task, in this process and where workers see it."""

    def __init__(self, slots: WorkerSlots) -> None:
        self._slots = slots
        self._deaths: Counter[bytes] = Counter()

    def is_deadly(self, running: Running) -> bool:
        """Count a death; return whether workers die again and again of what this one ran."""
        if running.digest == NO_TASK and running.name:
            return False  # it has done something
        self._deaths[running.digest] += 1
        if running.digest != NO_TASK:
            self._slots.deaths.show(running.digest, self._deaths[running.digest])
        return self._deaths[running.digest] == DEADLY

    def see_who_has_begun(self, workers: Iterable[WorkerProcess]) -> None:
        """Forget deaths before a first task if another worker has come further since."""
        for worker in workers:
            if not worker.has_begun and self._slots.running(worker.slot).name:
                worker.has_begun = True
                self.forget_early()

    def forget_early(self) -> None:
        """Forget deaths before a first task, as a worker has come further."""
        del self._deaths[NO_TASK]

    def settle(self, running: Running) -> None:
        """Let workers go on that wait for the verdict on a task: it is recorded as failed.

        If that is undone, and the task tried again, it may cost as many workers as before.
        """
        del self._deaths[running.digest]
        self._slots.deaths.show(running.digest, 0)
