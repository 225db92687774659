"""How a worker sees that another one is dead.

A worker's own file is touched again and again for as long as the worker lives
(`heartbeat`).  Clocks are never compared: the server's may jump, and after an
outage every heartbeat looks old.  Death is *observed*: eight reads in a row, each
at least an eighth of the lease time after the one before, that all show the same
time.  A living worker beats twice between two such reads.  An outage proves nothing: a
read that fails, or that comes more than half a lease time after the one before, starts
the count again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

__all__ = ["LONG_SILENCE", "HeartbeatMonitor"]

_READS: Final = 8
LONG_SILENCE: Final = 10
"""After this many lease times of silence a worker is believed never to act again."""


class _Silence:
    __slots__ = ("last", "mtime", "reads", "since")

    def __init__(self, mtime: int, since: float) -> None:
        self.mtime = mtime
        self.since = since
        self.last = since
        self.reads = 1


class HeartbeatMonitor:
    """What one process has seen of the heartbeats of others.

    >>> HeartbeatMonitor(120).is_dead("a worker never seen")
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
            self._silences[worker] = _Silence(mtime, now)
        elif now - silence.last >= self._lease / 8:
            silence.reads += 1
            silence.last = now

    def read_failed(self) -> None:
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
            and silence.last - silence.since >= LONG_SILENCE * self._lease
        )
