"""Ending from outside what does not end by itself: a task past its time limit, a worker's rest.

A task past its limit is interrupted by its own worker if that is possible
(`jug.execution.time_limit`).  The supervisor waits a little longer and then ends the worker;
the failure is recorded first, so that no other worker starts the task again.  That may take
long, and the worker has come to its next task meanwhile: then it is left alone.
"""

from __future__ import annotations

import signal
import time
from collections import Counter
from typing import Final

from jug.execution.ended_runs import EndedRuns
from jug.execution.failures import log_retry
from jug.execution.slots import Running, WorkerSlots
from jug.execution.worker_process import WorkerProcess
from jug.messages import Log
from jug.records import RunState

log = Log("supervisor")

_GRACE: Final = 1.0  # seconds that a task has to notice its own time limit
_LAST_SECONDS: Final = 30.0  # that a worker has to end after its last message


class Overdue:
    """Ends the workers that go on for too long."""

    def __init__(self, ended: EndedRuns, slots: WorkerSlots) -> None:
        self._ended = ended
        self._slots = slots
        self._runs: Counter[bytes] = Counter()

    def expect_end(self, worker: WorkerProcess) -> None:
        """Give a worker that has said its last a while to end."""
        worker.ends_by = time.monotonic() + _LAST_SECONDS

    def check(self, worker: WorkerProcess, running: Running, now: float) -> None:
        """End the worker if it, or what it runs, has had its time."""
        if now > worker.ends_by:
            self._end_late(worker)
        elif running.deadline and now > running.deadline + _GRACE and running != worker.overdue:
            worker.overdue = running
            self._end_run(worker, running)

    def _end_late(self, worker: WorkerProcess) -> None:
        log.warning(
            "a worker (process %d) is ended: its threads or exit functions take over %g s",
            worker.pid,
            _LAST_SECONDS,
        )
        worker.ends_by += _LAST_SECONDS
        worker.send_signal(signal.SIGKILL)

    def _end_run(self, worker: WorkerProcess, running: Running) -> None:
        """End a task that is past its time limit, and its worker with it."""

        def kill() -> None:
            if not worker.has_ended and self._slots.running(worker.slot) == running:
                worker.killed_for = running
                worker.send_signal(signal.SIGKILL)

        self._runs[running.digest] += 1
        attempts_left = running.retries + 1 - self._runs[running.digest]
        why = f"TaskTimeout: ran longer than its time limit of {running.limit:g} s"
        if attempts_left > 0:
            log_retry(running.title, why, attempts_left)
            self._ended.note(worker, running, RunState.RETRIED, why)
            kill()
        else:
            self._ended.fail(worker, running, why, kill)
