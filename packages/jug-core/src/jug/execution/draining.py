"""Draining a command: tasks in progress are finished, and no other is begun.

The signals for it are heeded from the beginning, so that one that comes while the queue is
asked or the jugfile is read is not lost, and a jugfile that handles such a signal itself keeps it.
"""

from __future__ import annotations

import atexit
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

from jug.execution.signals import handle_signals, restore_signals

__all__ = ["DRAINING", "Drain", "handle_draining", "ignore_draining_at_exit"]

DRAINING: Final = tuple(
    getattr(signal, name) for name in ("SIGUSR1", "SIGUSR2") if hasattr(signal, name)
)


def handle_draining(drain: Callable[[], None]) -> dict[int, Any]:
    """Call a function at each of the signals that nobody else handles; return their handlers."""

    def handle(signum: int, frame: FrameType | None) -> None:
        drain()

    return handle_signals(handle, _free())


def ignore_draining_at_exit() -> None:
    """See to it that none of these signals ends a process that is about to end anyway."""

    def ignore() -> None:
        for signum in _free():
            signal.signal(signum, signal.SIG_IGN)

    atexit.register(ignore)


def _free() -> list[int]:
    """Return the signals that nobody handles."""
    return [signum for signum in DRAINING if signal.getsignal(signum) == signal.SIG_DFL]


class Drain:
    """Whether a signal to drain has come, and what is done then.

    >>> drain, come = Drain(), []
    >>> with drain.heeded():
    ...     signal.raise_signal(signal.SIGUSR1)
    ...     with drain.calling(lambda: come.append("now")):
    ...         pass
    >>> come
    ['now']
    """

    def __init__(self) -> None:
        self._has_come = False
        self._then: Callable[[], None] | None = None

    @contextmanager
    def heeded(self) -> Iterator[Drain]:
        """Heed the signals meanwhile."""
        before = handle_draining(self._note)
        try:
            yield self
        finally:
            restore_signals(before)

    @contextmanager
    def calling(self, then: Callable[[], None]) -> Iterator[None]:
        """Call a function meanwhile when a signal comes, and at once if one has come before."""
        self._then = then
        try:
            if self._has_come:
                then()
            yield
        finally:
            self._then = None

    def _note(self) -> None:
        self._has_come = True
        if self._then is not None:
            self._then()
