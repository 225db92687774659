"""Waiting for others: until they change this store, or one that holds a lease ends.

What is looked at, and whose end matters, is said here; how to look often enough at next
to no cost is for `watch`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping

from jug.backends._file.watch import Watch
from jug.backends.base import Holder

__all__ = ["Waiting", "wait_until"]

Look = Callable[[], tuple[object, Mapping[bytes, Holder]]]


class Waiting:
    """The watch of one store object, opened when it is first needed.

    `look` reads what others did, and returns what differs once there is something
    new, and who holds which lease.
    """

    def __init__(self, folders: Iterable[str], look: Look, slowest: float) -> None:
        self._folders = tuple(folders)
        self._look = look
        self._slowest = slowest
        self._watch: Watch | None = None
        self._held: Mapping[bytes, Holder] = {}

    @property
    def has_begun(self) -> bool:
        """Whether changes are watched for."""
        return self._watch is not None

    def begin(self) -> None:
        """Look for the first time: what changes from now on ends a wait."""
        self._begun()

    def wait(self, seconds: float) -> None:
        """Wait until something changed since the last look, for at most `seconds`."""
        self._begun().wait(seconds, self._running_pids())

    def close(self) -> None:
        """Let go of what the kernel keeps for the watch."""
        if self._watch is not None:
            self._watch.close()
            self._watch = None

    def _begun(self) -> Watch:
        if self._watch is None:
            self._watch = Watch(self._folders, self._look_again, self._slowest)
            self._watch.wait(0)
        return self._watch

    def _look_again(self) -> object:
        seen, self._held = self._look()
        return seen, self._held

    def _running_pids(self) -> set[int]:
        """Return the processes of this host whose end would free a lease."""
        return {
            holder.process.pid
            for holder in self._held.values()
            if holder.alive
            and holder.process is not None
            and holder.process.is_local()
            and holder.process.pid != os.getpid()
        }


def wait_until(is_true: Callable[[], bool], seconds: float) -> None:
    """Wait until something comes true, for at most `seconds`."""
    watch = Watch([], is_true)
    watch.wait(0)
    watch.wait(seconds)
