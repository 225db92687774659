"""Watching folders: waiting until a look at them differs from the one before.

That is to cost next to nothing, and to miss no change.

On a local disk under Linux the kernel notifies: when something changes in the
folders (inotify), and when a process ends (a descriptor for each).  Besides, and
alone on network file systems and other systems, the store is looked at from time
to time: first after a millisecond, then after a twentieth of the time since the
last change, counted over all waits, so that noticing late costs little beside the
waiting; and never less often than every two seconds.  On a network nothing
notifies of another host's changes, and a file system that cannot be recognised is
taken for a network.

A notification is only a reason to look.  Each look is compared with the one
before, and `Watch.wait` returns once they differ.  The first look of a wait is
compared with the last look of the wait before, so a change between two waits ends the
second one, also a change of this process's own.  The first wait of all has nothing to
compare with, and returns at once.

When notifications come without end, since others are busy, looks are kept apart,
in the long run by a twentieth of a second.
"""

from __future__ import annotations

import os
import select
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from math import inf
from typing import Final

from jug.backends._file.disk import is_local
from jug.messages import Log

__all__ = ["Watch"]

log = Log("store")

_QUICKEST: Final = 0.001
_BUSIEST: Final = 0.05
_SHARE: Final = 1 / 20


class Watch:
    """Waits for changes in folders.

    `look` returns what there is, in a form that can be compared.  Without it each
    look counts as a change.
    """

    def __init__(
        self,
        folders: Iterable[str],
        look: Callable[[], object] = object,
        slowest: float = 2.0,
    ) -> None:
        self._look = look
        self._slowest = slowest
        self._notices = _open_notices(tuple(folders))
        self._before: object = None
        self._looked, self._changed = -inf, time.monotonic()
        self._pace = _QUICKEST

    def wait(self, seconds: float, pids: Iterable[int] = ()) -> bool:
        """Wait until something changed, or one of these processes of this host ended.

        Returns False if neither came true within `seconds`.
        """
        began = time.monotonic()
        descriptors, all_run = _open_processes(pids)
        try:
            while not self._has_changed():
                if not all_run:
                    return True
                left = began + seconds - time.monotonic()
                if left <= 0:
                    return False
                all_run = not self._sleep(min(left, self._delay()), descriptors)
            return True
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def close(self) -> None:
        """Ask the kernel for no more notifications; a further wait only looks."""
        if self._notices is not None:
            os.close(self._notices)
            self._notices = None

    def _has_changed(self) -> bool:
        self._keep_apart()
        self._clear_notices()
        seen, before = self._look(), self._before
        self._before = seen
        if seen == before:
            return False
        self._changed = time.monotonic()
        return True

    def _keep_apart(self) -> None:
        since = time.monotonic() - self._looked
        self._pace = min(2 * self._pace, _BUSIEST) if since < 4 * self._pace else _QUICKEST
        if since < self._pace:
            time.sleep(self._pace - since)
        self._looked = time.monotonic()

    def _clear_notices(self) -> None:
        if self._notices is not None:
            with suppress(BlockingIOError):
                while os.read(self._notices, 1 << 16):
                    pass

    def _delay(self) -> float:
        if self._notices is not None:
            return self._slowest
        quiet = time.monotonic() - self._changed
        return max(_QUICKEST, min(self._slowest, quiet * _SHARE))

    def _sleep(self, seconds: float, processes: list[int]) -> bool:
        """Sleep until the kernel notifies or the time is over; return whether a process ended."""
        descriptors = processes if self._notices is None else [*processes, self._notices]
        if not descriptors:
            time.sleep(seconds)
            return False
        poll = select.poll()
        for descriptor in descriptors:
            poll.register(descriptor, select.POLLIN)
        ready = [descriptor for descriptor, _ in poll.poll(seconds * 1000)]
        return any(descriptor != self._notices for descriptor in ready)


def _open_notices(folders: tuple[str, ...]) -> int | None:
    if sys.platform != "linux" or not folders or not all(map(is_local, folders)):
        return None
    from jug.backends._file import inotify

    try:
        return inotify.open_for(folders)
    except OSError as error:
        log.debug("the system does not tell of changes in %s: %s", folders, error.strerror)
        return None


def _open_processes(pids: Iterable[int]) -> tuple[list[int], bool]:
    """Return descriptors of the processes, as far as they can be had, and whether all run."""
    descriptors: list[int] = []
    if hasattr(os, "pidfd_open"):  # a Python that was built for old systems lacks it
        try:
            for pid in pids:
                descriptors.append(os.pidfd_open(pid))
        except ProcessLookupError:
            return descriptors, False
        except OSError as error:
            log.debug("the system does not tell when processes end: %s", error.strerror)
    return descriptors, True
