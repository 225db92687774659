"""The jobs of a jugfile's store: how they stand in the queue, and what their workers do.

The queue tells of jobs, the store of workers; a worker has noted which job it is in.  A job
that is in the queue no more is dead if a worker of it did not end well.  One without a task
leaves nothing in the store; then its log tells whether jug came to its end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from jug.backends.base import BaseStore
from jug.backends.worker_record import WorkerRecord
from jug.batch.folders import logs, tail
from jug.batch.names import JobName
from jug.batch.systems.system import QueuedJob
from jug.task import Task

__all__ = ["DeadJob", "SeenJob", "dead_jobs", "of_family", "seen_jobs"]


_SUMMARY: Final = re.compile(r" *\d+ +\d+ +Total$|\d+ tasks? executed, \d+ loaded$")
"""What jug prints at its end."""


@dataclass(frozen=True)
class SeenJob:
    """A job, and what its workers do."""

    id: str
    queued: QueuedJob | None
    """How it stands in the queue, None if that is not known."""
    workers: list[WorkerRecord] = field(default_factory=list)
    """Those that have begun and not ended."""
    tasks: list[Task[Any]] = field(default_factory=list)
    """The tasks that they hold."""

    def as_dict(self) -> dict[str, Any]:
        """Return it for ``--json``."""
        from jug.task.short_form import call_form

        about = self.queued._asdict() if self.queued else {"id": self.id}
        return {
            **about,
            "workers": [worker.as_dict() for worker in self.workers],
            "tasks": [call_form(task) for task in self.tasks],
        }


@dataclass(frozen=True)
class DeadJob:
    """A job that is over and did not end well, and the end of its log."""

    id: str
    log: Path
    lines: list[str]

    def as_dict(self) -> dict[str, Any]:
        """Return it for ``--json``."""
        return {"id": self.id, "log": str(self.log), "lines": self.lines}


def of_family(jobs: list[QueuedJob], family: str) -> list[QueuedJob]:
    """Return the jobs that were submitted for one jugfile and store."""
    named = [(job, JobName.parse(job.name)) for job in jobs]
    return [job for job, name in named if name is not None and name.family == family]


def seen_jobs(
    store: BaseStore, tasks: list[Task[Any]], queue: list[QueuedJob] | None, family: str
) -> list[SeenJob]:
    """Return the jobs that wait or run, and those whose workers hold tasks, after a poll.

    Jobs of another name count, too, where workers of this store live in them.
    Without a queue only those are known that hold tasks.
    """
    store.poll()
    workers, held = _by_job(store.workers()), _held(store, tasks)
    holders = {holder for holder, _ in held}
    queued = {job.id: job for job in queue or ()}
    ours = {job.id for job in of_family(queue or [], family)}
    at_work = {id for id, some in workers.items() if any(one.id in holders for one in some)}
    here = ours | at_work | (workers.keys() & queued.keys())
    return [
        _seen(id, queued.get(id), workers.get(id, []), held)
        for id in sorted(here, key=lambda id: (id not in queued, id))
    ]


def _seen(
    id: str,
    queued: QueuedJob | None,
    workers: list[WorkerRecord],
    held: list[tuple[str, Task[Any]]],
) -> SeenJob:
    living = {worker.id: worker for worker in workers if not worker.end}
    tasks = [task for holder, task in held if holder in living]
    return SeenJob(id, queued, [*living.values()], tasks)


def _by_job(workers: Mapping[str, WorkerRecord]) -> dict[str, list[WorkerRecord]]:
    """Return the workers by the ids of their jobs; that of a pod is the name of its host."""
    found: dict[str, list[WorkerRecord]] = {}
    for worker in workers.values():
        found.setdefault(worker.job.partition(" ")[2] or worker.process.host, []).append(worker)
    return found


def _held(store: BaseStore, tasks: list[Task[Any]]) -> list[tuple[str, Task[Any]]]:
    """Return the tasks that are held, in the order of the jugfile, with their workers."""
    holders = store.holders()
    by_digest = {task.digest: task for task in tasks}
    return [
        (holders[digest].worker, by_digest[digest])
        for digest in by_digest.keys()
        if digest in holders
    ]


def dead_jobs(store: BaseStore, folder: Path, queue: list[QueuedJob]) -> Iterator[DeadJob]:
    """Yield the jobs with a log here that are over and did not end well, the oldest first."""
    workers, queued = _by_job(store.workers()), {job.id for job in queue}
    for id, log in logs(folder).items():
        if id in queued:
            continue
        known, lines = workers.get(id, []), tail(log)
        if not (all(worker.end for worker in known) if known else any(map(_SUMMARY.match, lines))):
            yield DeadJob(id, log, lines)
