"""How a worker shows that it lives, and how another sees that it does not.

A worker's own file is touched again and again for as long as the worker lives.
Clocks are never compared: the server's may jump, and after an outage every
heartbeat looks old.  Death is *observed*: eight reads in a row, each at least an
eighth of the lease time after the one before, that all show the same time.  A
heart beats twice between two such reads.  An outage counts as nothing: a read
that fails, or comes so late that something must have been in its way, starts the
count again.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from jug.backends._disk import is_gone
from jug.backends._worker_file import WORKER, look
from jug.backends.process import Process

__all__ = ["FilePulse", "HeartWatch"]

log = logging.getLogger("jug.store")

_READS: Final = 8
_CERTAIN: Final = 10
"""After so many lease times of silence a worker is believed never to act again."""


@dataclass
class FilePulse:
    """The heartbeat of one worker: it touches the worker's own file."""

    path: str
    lease_seconds: float
    process: Process
    """The worker's process, to find its file when it had to begin anew under another id."""
    interval: float = field(init=False)
    """How many seconds may pass between two calls of `beat`."""
    _due: float = field(default=0.0, repr=False, compare=False)
    _is_failing: bool = field(default=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self.interval = min(1.0, self.lease_seconds / 16)

    def beat(self) -> None:
        """Show that the worker lives, if it is time to.

        A server that does not answer is reported once, and tried again at the
        next beat.
        """
        now = time.monotonic()
        if now < self._due:
            return
        try:
            self._touch()
        except OSError as error:
            self._report(error)
        else:
            self._is_failing = False
            # Half an interval early, as calls come a little late.
            self._due = now + self.lease_seconds / 16 - self.interval / 2

    def _touch(self) -> None:
        try:
            os.utime(self.path)
        except OSError as error:
            if not is_gone(error):
                raise
            self._find()

    def _find(self) -> None:
        """Go on with the worker's new file, once it has noticed that it was taken for dead."""
        folder = os.path.dirname(self.path)
        for name in filter(WORKER.fullmatch, os.listdir(folder)):
            sight = look(os.path.join(folder, name))
            if sight is not None and sight.process == self.process:
                self.path = os.path.join(folder, name)

    def _report(self, error: OSError) -> None:
        if not self._is_failing:
            self._is_failing = True
            log.warning(
                "the heartbeat in %r cannot be written (%s): others may take this worker for dead",
                self.path,
                error.strerror,
            )


@dataclass(slots=True)
class _Silence:
    mtime: int
    since: float
    last: float
    reads: int = 1


class HeartWatch:
    """What one process has seen of the heartbeats of others.

    >>> HeartWatch(120).is_dead("a worker never seen")
    False
    """

    def __init__(self, lease_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._lease = lease_seconds
        self._clock = clock
        self._silences: dict[str, _Silence] = {}

    def saw(self, worker: str, mtime: int) -> None:
        """Take note of a heartbeat's time that was just read."""
        now = self._clock()
        silence = self._silences.get(worker)
        if silence is None or silence.mtime != mtime or now - silence.last > self._lease / 2:
            self._silences[worker] = _Silence(mtime, now, now)
        elif now - silence.last >= self._lease / 8:
            silence.reads += 1
            silence.last = now

    def failed(self) -> None:
        """Take note that a read failed: what was seen before proves nothing now."""
        self._silences.clear()

    def is_dead(self, worker: str) -> bool:
        """Return whether the heartbeat was seen to stand still for the lease time."""
        silence = self._silences.get(worker)
        return silence is not None and silence.reads >= _READS

    def is_gone(self, worker: str) -> bool:
        """Return whether it stood still for so long that the worker will not come back.

        This is a bet, not knowledge.  A worker that was stopped within the few
        microseconds of a release, and is continued after that time, may remove
        a lock that is not its own any more.
        """
        silence = self._silences.get(worker)
        return (
            silence is not None
            and silence.reads >= _READS
            and silence.last - silence.since >= _CERTAIN * self._lease
        )
