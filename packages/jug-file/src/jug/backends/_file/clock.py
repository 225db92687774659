"""The clock of the disk that a store lies on.

Signs of life are the times of files, and on a network file system the server's clock
makes these.  A host's own clock may differ from it by minutes, so a sign's age is told by
the server's clock alone.  To ask it a file is made and deleted: once a minute at most, by who
looks; what workers do needs no clock.
"""

from __future__ import annotations

import time
from contextlib import suppress
from math import inf
from typing import Final

from jug.backends._file.disk import disk_time

__all__ = ["DiskClock"]

_ASKED_EVERY: Final = 60.0


class DiskClock:
    """What time it is by the clock of a folder's disk.

    A local disk has this host's clock.  That is also taken where no file can be made, as by
    who may only read.

    >>> abs(DiskClock(".", is_local=False).now() - time.time()) < 60
    True
    """

    def __init__(self, folder: str, *, is_local: bool) -> None:
        self._folder = folder
        self._is_local = is_local
        self._offset = 0.0
        """How much more it shows than the monotonic clock."""
        self._asked = -inf

    def now(self) -> float:
        """Return the time in seconds since the epoch."""
        if self._is_local:
            return time.time()
        if time.monotonic() - self._asked >= _ASKED_EVERY:
            self._ask()
        return time.monotonic() + self._offset

    def _ask(self) -> None:
        now = time.time()
        with suppress(OSError):
            now = disk_time(self._folder)
        self._asked = time.monotonic()
        self._offset = now - self._asked
