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


def alarm_now() -> tuple[Any, bool]:
    """Return how the alarm is handled, and whether it is armed, as far as Python handles it.

    Else that is not asked, as it is a system call.
    """
    handler = _handler()
    return handler, callable(handler) and _is_armed()


def put_alarm_back(before: tuple[Any, bool]) -> None:
    """Let the alarm be as it was before."""
    handler, was_armed = before
    if callable(handler) or _handler() is not handler:
        _put_back(handler, was_armed)


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
