"""The runs of one jugfile, in order, each with the call that it was and who ran it.

A store may be shared, so a run is the jugfile's if the jugfile makes its task, or if
a worker of the jugfile ran it: the jugfile may have made its task once, and not any more.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from jug.backends.worker_record import WorkerRecord
from jug.jugfile import Jugspace
from jug.records import Record, Run, RunState
from jug.task import Task
from jug.task.graph import Graph
from jug.task.short_form import short_form
from jug.views.jugfiles import is_same_jugfile
from jug.views.places import Place, Places

__all__ = ["History", "PastRun", "following"]

_IN_PLACE: Final = (RunState.FINISHED, RunState.ADOPTED)
_QUIET: Final = 2.0  # seconds after which a wait without news ends: retries and deaths are none
_SHARE: Final = 0.1  # of the time may go into looking
_SKEW: Final = 3600.0  # seconds by which the clocks of hosts may differ


class PastRun(NamedTuple):
    """One run of a task."""

    digest: bytes
    state: RunState
    name: str
    """The task's name, empty if that is not known any more."""
    task: Task[Any] | None
    """The task, None if it is made no more."""
    record: Record
    place: Place

    @property
    def arguments(self) -> str | None:
        """The task's arguments in short, None if they are not known."""
        if self.task is not None:
            return short_form(self.task.args, self.task.kwargs)
        return self.record.arguments or None

    @property
    def call(self) -> str:
        """The call that the task stands for, with … for arguments that are not known."""
        arguments = self.arguments
        known = "…" if arguments is None else arguments
        return f"{self.name}({known})" if self.name else self.digest.hex()[:12]

    @property
    def duration(self) -> float | None:
        """How long it took, None if nobody knows: its worker was lost, or it was brought over."""
        return None if self._is_untimed else self.record.duration

    @property
    def _is_untimed(self) -> bool:
        return self.state is RunState.LOST or bool(self.record.source)

    def as_dict(self) -> dict[str, Any]:
        """Return it for ``--json``; what is not known is None."""
        record = self.record
        return {
            "hash": self.digest.hex(),
            "name": self.name or None,
            "arguments": self.arguments,
            "state": self.state.value,
            "attempt": record.attempt or None,
            "start": record.start if self.duration is not None else None,
            "end": record.end,
            "duration": self.duration,
            "cpu": record.cpu or None,
            "memory": record.memory or None,
            "growth": record.growth or None,
            "size": record.size if self.state in _IN_PLACE else None,
            "exception": record.exception or None,
            "traceback": record.traceback or None,
            "output": record.output or None,
            **self.place.as_dict(),
        }


class History:
    """The runs of a jugfile's tasks.

    >>> from jug import Task, set_jugdir
    >>> task = Task(abs, -1); store = set_jugdir("dict_store")
    >>> _ = task.run()
    >>> [(run.call, run.state.value) for run in History(Jugspace(store, [task])).runs()]
    [('builtins.abs(-1)', 'finished')]
    """

    def __init__(self, jugspace: Jugspace, graph: Graph | None = None) -> None:
        self.store = jugspace.store
        self.graph = graph or Graph(jugspace.tasks)

    def runs(self, since: float = 0.0) -> list[PastRun]:
        """Return the runs that ended at this time or later, in order."""
        runs, workers = self.store.runs(since), self.store.workers()
        own = self._own(workers)
        numbers = self.graph.numbers
        return self._past_runs(
            [run for run in runs if run.digest in numbers or run.record.worker in own],
            Places(workers),
        )

    def runs_of(self, digest: bytes) -> list[PastRun]:
        """Return the runs of one task, in order."""
        runs = [run for run in self.store.runs() if run.digest == digest]
        return self._past_runs(runs, Places(self.store.workers()))

    def _own(self, workers: Mapping[str, WorkerRecord]) -> set[str]:
        """Return which workers worked on the jugfile."""
        jugfiles = {worker.jugfile for worker in workers.values()}
        own = {path for path in jugfiles if is_same_jugfile(path, self.store.jugfile)}
        return {id for id, worker in workers.items() if worker.jugfile in own}

    def _past_runs(self, runs: list[Run], places: Places) -> list[PastRun]:
        # Of a run that was lost nothing is noted, but other runs may say what its task was.
        names = {run.digest: run.record.name for run in runs if run.record.name}
        tasks = [self._task(run.digest) for run in runs]
        return [
            PastRun(
                run.digest,
                run.state,
                names.get(run.digest, "") if task is None else task.name,
                task,
                run.record,
                places.of(run.record.worker),
            )
            for run, task in zip(runs, tasks, strict=True)
        ]

    def _task(self, digest: bytes) -> Task[Any] | None:
        number = self.graph.numbers.get(digest)
        return None if number is None else self.graph.tasks[number]


def following(history: History, since: float = 0.0) -> Iterator[list[PastRun]]:
    """Yield the runs that ended since then, and again and again those that end later.

    Not all runs are news of a store, so it looks again every few seconds too.
    """
    earliest = min(since, time.time() - _SKEW)
    with history.store.reader() as changes:
        told = history.runs(earliest)
        yield [run for run in told if run.record.end >= since]
        keys = set(map(_key, told))
        while True:
            changes.take()
            history.store.wait(changes, _QUIET)
            began = time.monotonic()
            new = [run for run in history.runs(earliest) if _key(run) not in keys]
            keys.update(map(_key, new))
            yield new
            # A look takes long where there are many runs, and tasks finish all the time.
            time.sleep((time.monotonic() - began) * (1 / _SHARE - 1))


def _key(run: PastRun) -> tuple[bytes, float, str]:
    return run.digest, run.record.start, run.record.worker
