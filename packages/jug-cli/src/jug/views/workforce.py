"""The workers of a store beside the tasks of a jugfile, and how many have ended."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

from jug.jugfile import Jugspace
from jug.task import Task
from jug.task.short_form import call_form
from jug.workers import Life, Worker, workers

__all__ = ["Workforce", "activity", "workforce"]


class Workforce(NamedTuple):
    """The workers that are there, and how many there were."""

    workers: list[Worker]
    """Those that have joined and have not left, by host and process, the living first."""
    tasks: Mapping[bytes, Task[Any]]
    """The tasks that they hold, as far as the jugfile makes them."""
    ended: int
    """How many others have ended and said so."""
    died: int
    """How many others have ended without a word."""
    lease: float
    """After how many seconds of silence a worker counts as dead."""

    def counts(self) -> Counter[str]:
        """Return how many workers do what, in the order of the list."""
        return Counter(map(activity, self.workers))

    def longest(self, worker: Worker) -> bytes | None:
        """Return the task that a worker has had for longest, as far as that is known."""
        return min(worker.tasks, key=lambda one: worker.tasks[one] or float("inf"), default=None)

    def call(self, worker: Worker, digest: bytes) -> str:
        """Return the call of a task that a worker holds, or that it is of another jugfile."""
        task = self.tasks.get(digest)
        if task is not None:
            return call_form(task)
        jugfile = os.path.basename(worker.jugfile) or "another jugfile"
        return f"{digest.hex()[:8]} of {jugfile}"

    def as_dict(self) -> dict[str, Any]:
        """Return all of it, for ``--json``."""
        return {
            "workers": [self._as_dict(worker) for worker in self.workers],
            "ended": self.ended,
            "died": self.died,
            "lease_seconds": self.lease if self.lease < float("inf") else None,
        }

    def _as_dict(self, worker: Worker) -> dict[str, Any]:
        tasks = [
            {
                "hash": digest.hex(),
                "call": call_form(self.tasks[digest]) if digest in self.tasks else None,
                "since": since or None,
            }
            for digest, since in worker.tasks.items()
        ]
        about = {"start": worker.start or None, "jugfile": worker.jugfile or None, "tasks": tasks}
        return worker.as_dict() | about


def activity(worker: Worker) -> str:
    """Return what a worker does, in a word.

    >>> activity(Worker("5f0c", None, Life.ALIVE)), activity(Worker("5f0c", None, Life.GONE))
    ('waiting', 'gone')
    """
    if worker.life is not Life.ALIVE:
        return worker.life.value
    return "running" if worker.tasks else "waiting"


def workforce(jugspace: Jugspace) -> Workforce:
    """Return the workers of a jugfile's store.

    >>> from jug import set_jugdir
    >>> store, task = set_jugdir("dict_store"), Task(abs, -1)
    >>> lease = store.acquire([task.digest])
    >>> seen = workforce(Jugspace(store, [task]))
    >>> [(activity(one), seen.call(one, seen.longest(one))) for one in seen.workers]
    [('running', 'builtins.abs(-1)')]
    """
    store = jugspace.store
    store.poll()
    there, known = workers(store), store.workers()
    held = {digest for worker in there for digest in worker.tasks}
    tasks = {task.digest: task for task in jugspace.tasks if task.digest in held} if held else {}
    present = {worker.id for worker in there}
    others = [worker for worker in known.values() if worker.id not in present]
    ended = sum(worker.end > 0 for worker in others)
    there.sort(key=_rank)
    return Workforce(there, tasks, ended, len(others) - ended, store.lease_seconds)


def _rank(worker: Worker) -> tuple[int, str, int]:
    host, pid = (worker.process.host, worker.process.pid) if worker.process else (worker.id, 0)
    return _STATES.index(activity(worker)), host, pid


_STATES = ("running", "waiting", "silent", "gone")
