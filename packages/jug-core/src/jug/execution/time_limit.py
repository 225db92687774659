"""The time limit of a task, as far as its own process can keep it.

An alarm raises `TaskTimeout` in the task, so that its worker goes on.  A task
that stays in C, or that swallows the exception, is beyond that: the supervisor
sees the same deadline in the worker's slot and, after a grace, ends the whole worker.

A task may set an alarm of its own.  One that it leaves armed would ring in the midst of
something else.
"""

from __future__ import annotations

import signal
import threading
from _signal import getsignal  # type: ignore[import-not-found]  # it is quicker than in `signal`
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING, Any, Final

from jug.errors import TaskTimeout

if TYPE_CHECKING:
    from jug.task import Task


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    def ring(signum: int, frame: FrameType | None) -> None:
        raise TaskTimeout(f"ran longer than its time limit of {seconds:g} s", seconds=seconds)

    can_alarm = hasattr(signal, "setitimer") and (
        threading.current_thread() is threading.main_thread()
    )
    before = signal.signal(signal.SIGALRM, ring) if can_alarm else None
    try:
        if can_alarm:
            signal.setitimer(signal.ITIMER_REAL, seconds)
        yield
    finally:
        if can_alarm:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)


class _Unlimited:
    def __enter__(self) -> None: ...
    def __exit__(self, *exc: object) -> None: ...


_UNLIMITED = _Unlimited()


def time_limit(task: Task[Any]) -> Any:
    """Return a context in which the task may run as long as its `timeout` says."""
    seconds = task.options.timeout
    return _UNLIMITED if seconds is None else _limited(seconds)


class own_alarm:  # noqa: N801 -- it reads as a noun, and a generator would cost twice as much
    """A context at whose end the alarm is as it was before, as far as Python handles it.

    Whether it is armed is asked only where Python does, as that is a system call.
    """

    __slots__ = ("_handler", "_was_armed")

    def __enter__(self) -> None:
        self._handler = _handler()
        self._was_armed = callable(self._handler) and _is_armed()

    def __exit__(self, *raised: object) -> None:
        handler = self._handler
        if callable(handler) or _handler() is not handler:
            _put_back(handler, self._was_armed)


_handler: Final[Callable[[], Any]] = (
    partial(getsignal, signal.SIGALRM) if hasattr(signal, "SIGALRM") else lambda: None
)


def _is_armed() -> bool:
    return signal.getitimer(signal.ITIMER_REAL)[0] > 0


def _put_back(handler: Any, was_armed: bool) -> None:
    if threading.current_thread() is not threading.main_thread():
        return
    if callable(_handler()) and not was_armed and _is_armed():
        signal.setitimer(signal.ITIMER_REAL, 0)
    if handler is not None and _handler() is not handler:
        signal.signal(signal.SIGALRM, handler)
