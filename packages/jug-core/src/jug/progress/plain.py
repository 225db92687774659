"""Progress as lines, for a file, a pipe, or a terminal that can do no more."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from contextlib import suppress
from math import inf
from typing import Final, TextIO

from jug.descriptors import is_stream_ready, write_all
from jug.progress.snapshot import Snapshot
from jug.progress.wording import sentence

__all__ = ["PlainDisplay"]

_APART: Final = 10.0  # seconds between two lines
_UNCHANGED: Final = 600.0  # seconds after which a line comes though nothing has changed


class PlainDisplay:
    """Writes a line at most every ten seconds, if anything has changed.

    A line waits for the stream, as who reads it may stand still, and whoever shows progress
    has more to do.

    >>> import sys
    >>> from jug.progress import NameProgress
    >>> display = PlainDisplay(sys.stdout, clock=iter([0.0, 9.0, 10.0]).__next__)
    >>> for elapsed in (9.0, 10.0):
    ...     display.show(Snapshot([NameProgress("m.f", 4, 1)], elapsed=elapsed))
    jug: 1 of 4 tasks done; time left unknown, 10 s elapsed
    """

    interval = 1.0

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._next = clock() + _APART
        self._shown: tuple[int, ...] = ()
        self._due = -inf

    def show(self, snapshot: Snapshot) -> None:
        """Write a line, if it is time for one."""
        now = self._clock()
        if now < self._next or not is_stream_ready(self._stream):
            return
        self._next = now + _APART
        counts = (snapshot.total, snapshot.done, snapshot.failed)
        if counts != self._shown or now >= self._due:
            self._shown, self._due = counts, now + _UNCHANGED
            with suppress(OSError, ValueError):  # a standard error that is full, or closed
                self._stream.write(f"jug: {sentence(snapshot)}\n")
                self._stream.flush()

    def write(self, descriptor: int, data: bytes, source: Hashable = None) -> None:
        """Write what others print as it is."""
        write_all(descriptor, data)

    def pause(self) -> None:
        """Do nothing, as lines are in nobody's way."""

    def close(self) -> None:
        """Do nothing, as lines stay."""
