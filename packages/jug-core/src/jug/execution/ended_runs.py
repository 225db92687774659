"""What becomes of a run that was ended from outside: its worker could not save it.

The supervisor saves that the task has failed, or notes the run in the history, as one of its
errands.  What failed, here or as a worker has said, is gathered for the end.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from jug import records
from jug.backends.base import BaseStore, Frame, Kind
from jug.execution.errands import Errands
from jug.execution.failures import note_run
from jug.execution.last_output import of_task
from jug.execution.outputs import Outputs
from jug.execution.slots import NO_TASK, Running, WorkerSlots
from jug.execution.summary import Failure
from jug.execution.worker_process import WorkerProcess
from jug.messages import Log
from jug.records import Record, RunState

log = Log("supervisor")


class EndedRuns:
    """The runs that their workers did not save, and what failed."""

    def __init__(
        self,
        errands: Errands,
        outputs: Outputs,
        slots: WorkerSlots,
        retryable: set[bytes] | None = None,
    ) -> None:
        self.failures: dict[str, Failure] = {}
        """By the task's hash, whoever has seen it."""
        self.retryable = retryable
        """The tasks that failed before and are tried again, None if nobody has looked yet."""
        self.keep_going = False
        self.keep_failed = False
        self._errands = errands
        self._outputs = outputs
        self._slots = slots

    def note(
        self, worker: WorkerProcess, running: Running, state: RunState, exception: str
    ) -> None:
        """Remember a run that ends here and leaves nothing."""
        if running.digest != NO_TASK:
            record = records.pack(self._ended(worker, running, exception))
            digest = running.digest
            self._errands.add(lambda store: note_run(store, digest, state, record), _nothing)

    def fail(
        self, worker: WorkerProcess, running: Running, exception: str, then: Callable[[], None]
    ) -> None:
        """Save that a task has failed, and then do something else."""
        record = records.pack(self._ended(worker, running, exception))
        kind = Kind.KEPT if self.keep_failed else Kind.FAILURE

        def save(store: BaseStore) -> None:
            store.put(Frame(kind, running.digest, record))
            store.flush()

        log.error("%s failed: %s", running.title, exception)
        self.note_failure(Failure(running.name, running.digest.hex(), exception, ""))
        if not self.keep_going:
            self._slots.stop()
        self._errands.add(save, then)

    def note_failure(self, failure: Failure) -> None:
        """Take a failure that is saved, or will be."""
        self.failures.setdefault(failure.digest, failure)
        if self.retryable is not None:
            self.retryable.discard(bytes.fromhex(failure.digest))

    def _ended(self, worker: WorkerProcess, running: Running, exception: str) -> Record:
        """Return the record of a run that ends now."""
        self._outputs.take_rest(worker.output)
        return Record(
            running.name,
            running.since,
            time.monotonic() - running.began,
            exception=exception,
            worker=worker.worker_id,
            output=of_task(worker.output),
        )


def _nothing() -> None:
    """Do nothing, after an errand that nothing follows."""
