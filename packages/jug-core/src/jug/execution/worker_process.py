"""A worker's process, as its supervisor knows it."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from io import FileIO
from math import inf
from typing import Any, Final

from jug.backends.base import Heartbeat
from jug.backends.process import Process
from jug.execution import process_group
from jug.execution.last_output import LastOutputs
from jug.execution.slots import NO_TASK, Running

_MOMENT: Final = 0.05  # seconds
_LONG: Final = 1.0  # seconds from which others are shown what a worker runs


class WorkerProcess:
    """One worker, as its supervisor knows it."""

    def __init__(
        self,
        slot: int,
        pid: int,
        connection: FileIO,
        process: Process,
        output: LastOutputs,
    ) -> None:
        self.slot = slot
        self.pid = pid
        self.connection = connection
        self.process = process
        self.output = output
        """The last that it printed."""
        self.heartbeat: Heartbeat | None = None
        """None before the worker has joined a store."""
        self.worker_id = ""
        """Its id in the store, empty before it has joined."""
        self.next_beat = 0.0
        self.shown = 0.0
        """Since when the worker has the task that others were shown last."""
        self.received = bytearray()
        self.has_begun = False
        """Whether it was seen to run a task."""
        self.has_ended = False
        """Whether it was waited for: nobody may signal it any more."""
        self._how = ""
        """How it has ended, once that was asked."""
        self.overdue: Running | None = None
        """What it runs past its time limit."""
        self.killed_for: Running | None = None
        """What it ran past its time limit, if it was killed for that."""
        self.last_message: Any = None
        self.ends_by = inf
        """When it must have ended."""
        self.is_cut_off = False
        """Whether its end of the connection is closed, so that it says no more."""

    def beat(self, now: float) -> None:
        """Show that the worker lives, if it is time to and the worker is not stopped."""
        if self.heartbeat is not None and now >= self.next_beat:
            self.next_beat = now + self.heartbeat.interval
            if not self.process.is_stopped() and not self.is_gone():
                self.heartbeat.beat()

    def show(self, running: Running) -> None:
        """Show others which task the worker runs since when, once, if the task is long."""
        is_new = running.digest != NO_TASK and running.since != self.shown
        if self.heartbeat is not None and is_new and time.monotonic() - running.began >= _LONG:
            self.shown = running.since
            self.heartbeat.show(running.digest, running.since)

    def receive(self) -> bool:
        """Read what was sent; return False once nothing more will come."""
        data = self.connection.read(1 << 16) or b""  # None where that would have to wait
        self.received += data
        return bool(data)

    def send_signal(self, signum: int) -> None:
        """Send a signal to the worker and to what its tasks have started."""
        if not self._how:
            with suppress(ProcessLookupError):  # a signal may come as its end is being asked for
                process_group.send_signal(self.pid, signum)

    def is_gone(self) -> bool:
        """Return whether it has ended; where the system does not show that, its parent can ask."""
        gone = self.process.is_gone()
        return bool(self._wait(os.WNOHANG)) if gone is None else gone

    def ends_soon(self) -> bool:
        """Return whether it ends within a moment."""
        until = time.monotonic() + _MOMENT
        while not self.is_gone():
            if time.monotonic() > until:
                return False
            time.sleep(0.001)
        return True

    def wait(self) -> str:
        """Wait until it has ended; return how."""
        return self._wait(0)

    def _wait(self, options: int) -> str:
        """Return how it has ended, nothing if it has not and is not to be waited for."""
        self._how = self._how or _end_of(self.pid, options)
        self.has_ended = bool(self._how)
        return self._how

    def kill(self) -> None:
        """End it with what its tasks have started, and wait until it has ended."""
        self.send_signal(signal.SIGKILL)
        self.wait()


def _end_of(pid: int, options: int) -> str:
    try:
        ended, status = os.waitpid(pid, options)
    except ChildProcessError:  # somebody has the system forget ended processes
        return "has ended"
    if not ended:
        return ""
    code = os.waitstatus_to_exitcode(status)
    return f"was ended by {_name_of(-code)}" if code < 0 else f"exited with {code}"


def _name_of(signum: int) -> str:
    try:
        return signal.Signals(signum).name
    except ValueError:  # one of those without a name of its own
        return f"signal {signum}"
