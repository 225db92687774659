"""A worker's end of the connection to its supervisor."""

from __future__ import annotations

import errno
import os
import pickle
import time
from collections.abc import Iterable, Iterator, Sequence
from io import FileIO
from struct import Struct
from typing import TYPE_CHECKING, Any, Final

from jug.backends.base import BaseStore
from jug.descriptors import identity, write_all
from jug.errors import JugError
from jug.execution.output_pipe import OutputPipe
from jug.execution.settings import Settings
from jug.execution.slots import WorkerSlots
from jug.execution.summary import Failure, Summary
from jug.execution.task_output import TaskOutput
from jug.progress import Spent, Standing
from jug.task import Task
from jug.task.short_form import short_form
from jug.tracebacks import describe_exception, own_traceback

if TYPE_CHECKING:
    from jug.execution.longest_runs import KnownRuns

_LENGTH: Final = Struct("<Q")


def open_channel() -> tuple[FileIO, FileIO]:
    """Return the end of a pipe that is for the supervisor, and the one for a worker."""
    reader, writer = os.pipe()
    return FileIO(reader), FileIO(writer, "w")


class SupervisorConnection:
    """The way from a worker to its supervisor: a pipe, and a slot of shared memory.

    `retryable` is what failed before this run and is to be tried again, None if no
    worker has looked yet; `is_first` says whether the worker speaks for all of them, and
    `supervisor` is the supervisor's process id, that of this process if it is not given.
    """

    def __init__(
        self,
        channel: FileIO,
        slots: WorkerSlots,
        slot: int,
        retryable: set[bytes] | None = None,
        is_first: bool = True,
        supervisor: int | None = None,
        pipes: Sequence[OutputPipe] = (),
        known_runs: KnownRuns | None = None,
    ) -> None:
        self.channel = channel
        self._identity = identity(channel.fileno())
        self.slots = slots
        self.slot = slot
        self.retryable = retryable
        self.is_first = is_first
        self.supervisor = supervisor or os.getpid()
        self.pipes = pipes
        self.known_runs = known_runs
        """The longest runs that are remembered, if the command has read them for its workers."""
        self.output = TaskOutput(slots.last_outputs(slot), pipes)
        """What the task in progress prints, into these pipes once they are entered."""
        self._tally = slots.tally(slot)
        self._began = 0.0

    # What is said once

    def send_joined(self, store: BaseStore, settings: Settings) -> None:
        """Make the supervisor beat for this worker's leases in the store.

        Also say which store that is, and what is to become of failures: the jugfile may
        set both, and the supervisor need not have read it.  The store may not answer when the
        supervisor hears of it, so it is left pickled until it is needed.
        """
        failures = (settings.keep_going, settings.keep_failed)
        shared = pickle.dumps(store) if store.shared else None
        self._send(("joined", (store.heartbeat(), shared, store.worker_id, *failures)))

    def send_retryable(self, failed_before: set[bytes]) -> None:
        """Say what failed before this run, for workers that come later."""
        self._send(("retryable", failed_before))

    def send_failed(self, failure: Failure) -> None:
        """Say that a task failed, so that no worker of this run tries it again."""
        self._send(("failed", failure))

    def send_standing(self, standing: Standing) -> None:
        """Say how far the tasks are, as the store has it."""
        self._send(("standing", standing))

    def send_finished(self, summary: Summary) -> None:
        """Say what was done, as the last message."""
        self.clear_slot()
        self._send(("finished", summary))

    def send_error(self, error: JugError) -> None:
        """Say why the worker can't go on, as the last message."""
        self._send(("error", portable(error)))

    def _send(self, message: tuple[str, Any]) -> None:
        data = pickle.dumps(message)
        if identity(self.channel.fileno()) != self._identity:  # a task has closed it
            raise OSError(errno.EBADF, "the connection to the supervisor was closed")
        write_all(self.channel.fileno(), _LENGTH.pack(len(data)) + data)

    def is_on_trial(self, digest: bytes) -> bool:
        """Return whether too many workers may have died of a task to run it."""
        return self.slots.is_on_trial(digest, self.slot)

    def are_on_trial(self, digests: Iterable[bytes]) -> bool:
        """Return whether too many workers may have died of one of these tasks to run it."""
        return self.slots.deaths.were_there() and any(map(self.is_on_trial, digests))

    # What the supervisor sees at any time

    def note_taking(self) -> None:
        """Show that this worker tries to take a task."""
        self.slots.note_taking(self.slot)

    def publish(self, task: Task[Any]) -> None:
        """Show which task this worker has taken."""
        self._began = self.slots.publish(self.slot, task)

    def show_arguments(self, task: Task[Any]) -> None:
        """Show the arguments of the task that this worker has taken."""
        self.slots.show_arguments(self.slot, task.digest, short_form(task.args, task.kwargs))

    def set_deadline(self, seconds: float | None) -> None:
        """Show that the task's function has so long from now on, None for any time."""
        self.slots.set_deadline(self.slot, seconds)

    def count_executed(self, name: str) -> None:
        """Count the task that this worker has run; it counts also if the worker dies."""
        seconds = time.monotonic() - self._began
        if not self._tally.add(name, seconds):
            self._send(("executed", {name: Spent(1, seconds)}))
        self.slots.note_counted(self.slot)

    def count_none(self) -> None:
        """Show that the task which this worker has run counts for nothing."""
        self.slots.note_counted(self.slot)

    def clear_slot(self) -> None:
        """Show that this worker runs nothing."""
        self.slots.clear(self.slot)


def portable(error: JugError) -> JugError:
    """Return an error of jug's own that says the same.

    The supervisor need not know the user's classes, and what they hold need not pickle.
    """
    kind = type(error)
    if kind.__module__ == JugError.__module__:
        about = {"traceback": error.traceback} if hasattr(error, "traceback") else {}
        return kind(str(error), **about)
    own = next(base for base in kind.__mro__ if base.__module__ == JugError.__module__)
    assert issubclass(own, JugError)
    return own(describe_exception(error), traceback=own_traceback(error))


def take_messages(received: bytearray) -> Iterator[tuple[str, Any]]:
    """Yield the messages that are there as a whole, and take them away from what was received."""
    while len(received) >= _LENGTH.size:
        (length,) = _LENGTH.unpack_from(received)
        end = _LENGTH.size + length
        if len(received) < end:
            return
        message = pickle.loads(received[_LENGTH.size : end])
        del received[:end]
        yield message
