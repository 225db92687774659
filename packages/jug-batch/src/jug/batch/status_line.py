"""What `jug status` says of the queue: one line, which waits for little and fails for nothing."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from jug.options import Options

if TYPE_CHECKING:
    from jug.backends.base import BaseStore
    from jug.batch.systems.system import QueuedJob

__all__ = ["status_line"]

_PATIENCE: Final = 5.0
"""How many seconds the queue may take."""


def status_line(options: Options, store: BaseStore) -> str:
    """Return how many jobs run and wait, empty where nothing was ever submitted."""
    from jug.batch.asking import find_asked
    from jug.batch.folders import folder_of_jobs
    from jug.batch.names import family
    from jug.batch.overview import of_family
    from jug.batch.programs import BatchError
    from jug.cli.reading import job_of

    jugfile = job_of(options).jugfile
    if not folder_of_jobs(store, jugfile).is_dir():
        return ""
    system = find_asked(options)
    if system is None:
        return ""
    try:
        jobs = of_family(system.queue(_PATIENCE), family(jugfile, store.url))
    except BatchError as error:
        return f"The queue does not answer: {' '.join(str(error).split())}"
    return f"{_counts(jobs)}."


def _counts(jobs: list[QueuedJob]) -> str:
    """Return how many jobs run and wait.

    >>> from jug.batch.systems.system import QueuedJob
    >>> _counts([QueuedJob("1", "a", True, "running"), QueuedJob("2", "a", False, "pending")])
    '1 job runs, 1 waits'
    >>> _counts([])
    'No job waits or runs'
    """
    if not jobs:
        return "No job waits or runs"
    running = sum(job.is_running for job in jobs)
    waiting = len(jobs) - running
    told = f"{running} job{' runs' if running == 1 else 's run'}"
    if not waiting:
        return told
    told += f", {waiting} wait{'s' if waiting == 1 else ''}"
    starts = [job.start for job in jobs if job.start > time.time() and not job.is_running]
    return (
        f"{told} (next about {time.strftime('%H:%M', time.localtime(min(starts)))})"
        if starts
        else told
    )
