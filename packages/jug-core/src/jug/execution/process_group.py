"""The processes of a worker: its own, and all that its tasks start.

A worker leads a session and a process group of its own.  So what its tasks start can be
ended with it, children of children too, and Ctrl-C on a terminal reaches the supervisor
alone, which passes it on.  A bare group would not do: the terminal would stop a worker
that reads from it.  A process that makes a session of its own leaves the group, as one
does that is to live on.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from jug.named_tuple import NamedTuple

_LOADS: Final = "/proc/loadavg"
"""Linux says here which process it started last."""
_PAUSE: Final = 0.02  # seconds between two looks at those that were asked
_GRACE: Final = 1.0  # seconds that a process has to end after it was asked to


def send_signal(leader: int, signum: int) -> None:
    """Send a signal to a group, or to its leader alone if it does not lead it yet."""
    if not _send(leader, signum):
        os.kill(leader, signum)


def _send(leader: int, signum: int) -> bool:
    """Send a signal to a group; return whether there is one."""
    try:
        os.killpg(leader, signum)
    except (ProcessLookupError, PermissionError):  # macOS says the latter of an empty group
        return False
    return True


class Moment(NamedTuple):
    """A moment, by which it can be told what was started before it and what since."""

    seconds: float
    """Since the machine was started, by which the ages of processes count."""
    last_pid: int
    """The process that was started last, 0 if that is not known.

    Ages are in hundredths of a second, in which a short task ends and the next one begins.
    """

    def is_past(self, seconds: float) -> bool:
        """Return whether so many seconds have passed since."""
        return _seconds() >= self.seconds + seconds

    def is_before(self, pid: int, ticks: int) -> bool:
        """Return whether this process, which began at that tick, was started later."""
        own = int(self.seconds * os.sysconf("SC_CLK_TCK"))
        return ticks > own or (ticks == own and _is_later(pid, self.last_pid))


def now() -> Moment:
    """Return this moment."""
    return Moment(_seconds(), _last_pid())


def _seconds() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else 0.0


def _last_pid() -> int:
    try:
        with open(_LOADS, "rb", buffering=0) as file:
            # A container may be shown a file in its place that counts for the whole machine.
            is_own = os.fstat(file.fileno()).st_dev == os.stat("/proc").st_dev
            return int(file.read().split()[-1]) if is_own else 0
    except (OSError, ValueError, IndexError):
        return 0


def _is_later(pid: int, last_pid: int) -> bool:
    """Return whether a process was started after another, not long ago: numbers go round."""
    try:
        with open("/proc/sys/kernel/pid_max", "rb") as file:
            count = int(file.read())
    except (OSError, ValueError):
        return True
    return not last_pid or 0 < (pid - last_pid) % count < count / 2


def end_started_since(moment: Moment) -> None:
    """End what has been started in this process's group since a moment.

    Only Linux shows which processes these are; elsewhere they end with the worker.  A
    process that does not lead its group has no group of its own, and ends nothing.
    """
    if os.getpgrp() != os.getpid() or not os.path.exists("/proc/self/stat"):
        return
    until = time.monotonic() + _GRACE
    deadly = signal.SIGTERM
    while pids := list(_started_since(moment)):
        for pid in pids:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, deadly)
        if deadly == signal.SIGKILL:
            return
        time.sleep(_PAUSE)
        if time.monotonic() > until:
            deadly = signal.SIGKILL


def _started_since(moment: Moment) -> Iterator[int]:
    own = os.getpid()
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == own:
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as file:
                fields = file.read().rpartition(b") ")[2].split()
        except OSError:
            continue
        state, group, ticks = fields[0], int(fields[2]), int(fields[19])
        if group == own and state not in (b"Z", b"X") and moment.is_before(int(name), ticks):
            yield int(name)


class Remains:
    """What is left of groups whose leaders have ended: it is asked to end, and then made to.

    A number is not given to another group as long as a process is in that of this number.
    """

    def __init__(self) -> None:
        self._until: dict[int, float] = {}

    def __bool__(self) -> bool:
        """Return whether something is left."""
        return bool(self._until)

    def end(self, leader: int) -> None:
        """End what is left of a group."""
        if _send(leader, signal.SIGTERM):
            self._until[leader] = time.monotonic() + _GRACE

    def attend(self) -> None:
        """See what has ended, and kill what was given time enough."""
        now = time.monotonic()
        for leader, until in list(self._until.items()):
            if not _send(leader, 0 if now < until else signal.SIGKILL) or now >= until:
                del self._until[leader]

    def kill(self) -> None:
        """Kill what is left."""
        for leader in self._until:
            _send(leader, signal.SIGKILL)
        self._until.clear()
