"""What the task in progress prints, in its worker.

Output goes through a pipe to the supervisor, which shows it at once and keeps the last
64 kB where the worker finds it (`jug.execution.outputs`).  The supervisor reads, and no
thread of the worker, since a task may hold the interpreter's lock while it prints.

So at the end of a task its output may still be on the way.  To ask the system whether
the pipe is empty takes a system call, and to wait for it longer.  Both are done after a
failure and after a task of a millisecond or more, and with ``--capture`` after each.  For
all other tasks it must be known without a call how much was printed *before* a task that
will fail.  Python's own streams count what they write; and what was taken so far beyond
that count was printed in some other way, by C, as a subprocess takes longer.  The sum is
right but for what short tasks have printed so in the last moment.
"""

from __future__ import annotations

import io
import os
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from jug.execution.last_output import LastOutput
from jug.execution.open_files import flush_c
from jug.execution.output_pipe import OutputPipe

_LONG: Final = 0.001  # seconds that any subprocess takes
_PATIENCE: Final = 5.0  # seconds after which it is seen whether the pipe is still there
_PAUSES: Final = (0.0, 0.0, 0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005)


class TaskOutput:
    """What the task in progress of one worker prints, through some pipes."""

    def __init__(
        self, outputs: Sequence[LastOutput] = (), pipes: Sequence[OutputPipe] = ()
    ) -> None:
        self.keeps_all = False
        """Whether the output of each task is wanted, not of those alone that fail."""
        self._pipes = [_WatchedPipe(*one) for one in zip(pipes, outputs, strict=False)]

    def enter(self) -> None:
        """Replace this process's standard output and error."""
        for watched in self._pipes:
            watched.enter()

    def begin(self) -> None:
        """Note that a task begins."""
        for watched in self._pipes:
            watched.begin_task()

    def of_success(self, seconds: float) -> str:
        """Return what a task has printed that ends well after so long, if that is wanted."""
        if self.keeps_all:
            return self.of_failure()
        if self._pipes:
            _flush()
            if seconds >= _LONG:
                flush_c()
                self._wait_until_taken()
        return ""

    def of_failure(self) -> str:
        """Return the last of what a task has printed that ends now, once it was taken."""
        if self._pipes:
            _flush()
            flush_c()
            self._wait_until_taken()
        return "".join([watched.last.of_task() for watched in self._pipes])

    def _wait_until_taken(self) -> None:
        """Wait until the supervisor has taken all, which waits itself for who reads that.

        A task may have closed what is not its own, and opened something else there.
        """
        until, pauses = time.monotonic() + _PATIENCE, iter(_PAUSES)
        try:
            while not all([watched.is_taken() for watched in self._pipes]):
                if time.monotonic() > until:
                    until += _PATIENCE
                    self._pipes = [watched for watched in self._pipes if watched.is_there()]
                time.sleep(next(pauses, _PAUSES[-1]))
        except OSError:
            self._pipes = []


class _WatchedPipe:
    """A pipe of which it is known how much was printed into it."""

    def __init__(self, pipe: OutputPipe, last: LastOutput) -> None:
        self.last = last
        self._pipe = pipe
        self._identity = (0, 0)
        self._counts: list[_Counting] = []
        self._seen = (0, 0)
        self._otherwise = 0
        """How many bytes were at least printed otherwise than by Python's streams."""

    def enter(self) -> None:
        self._pipe.enter()
        self._identity = self._pipe.identity()
        found = [_counting(one, self._pipe.descriptors) for one in (sys.stdout, sys.stderr)]
        self._counts = [counting for counting in found if counting is not None]
        os.register_at_fork(after_in_child=self._leave_to_worker)

    def _leave_to_worker(self) -> None:
        """Keep nothing of the pipe in a process that a task forks, which may outlive the run."""
        with suppress(OSError):  # it is closed
            if self.is_there():
                self._pipe.leave_kept()

    def begin_task(self) -> None:
        taken, counted = self.last.taken, 0  # in this order: a thread may print meanwhile
        for one in self._counts:
            counted += one.written
        if (counted, taken) != self._seen:  # else what was noted of the last task still holds
            self._seen = counted, taken
            self._otherwise = max(self._otherwise, taken - counted)
            self.last.begin_task(self._otherwise + counted)

    def is_there(self) -> bool:
        return self._pipe.identity() == self._identity

    def is_taken(self) -> bool:
        return self._pipe.is_empty() and not self.last.is_being_taken()


class _Counting(io.FileIO):
    """A descriptor of which it is known how much was written by this object."""

    written = 0
    """It counts before it can be taken: a thread that writes may be held up afterwards."""

    def write(self, data: Any, /) -> int:
        size, count = memoryview(data).nbytes, 0
        self.written += size
        try:
            count = super().write(data)
            return count
        finally:
            self.written += (count or 0) - size  # none where it would have to wait


def _counting(stream: Any, descriptors: Sequence[int]) -> _Counting | None:
    """Make a stream of Python's own count what it writes, whoever has it by now."""
    buffer = getattr(stream, "buffer", None)
    if not isinstance(buffer, io.BufferedWriter) or buffer.closed:
        return None
    if buffer.fileno() not in descriptors:
        return None
    stream.flush()
    counting = _Counting(buffer.fileno(), "w", closefd=False)
    counting.name = stream.name
    io.BufferedWriter.__init__(buffer, counting)
    return counting


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:  # noqa: SIM105  `suppress` takes as long as three flushes
            stream.flush()
        except (OSError, ValueError, AttributeError):  # full; closed; none, or no file
            pass
