"""The signals that stop a run, and who handles them.

What user code forks from a process that handles them meets them as it would without jug.
That is seen to at the fork: a process that waits in C would not get as far as a handler
in Python.  Until it is seen to, signals to the new process wait: one that met jug's handler
there would be lost, and whoever has sent it might wait for the process for ever.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any, Final

Handler = Callable[[int, FrameType | None], None]

SIGNALS: Final = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
"""Those that stop a run cleanly, unless whoever started it has them ignored."""

SUSPENDING: Final = (signal.SIGTSTP,) if hasattr(signal, "SIGTSTP") else ()
"""The one of Ctrl-Z, with which a supervisor stops its workers and itself."""

_handled: dict[int, tuple[Any, Any]] = {}
"""By signal: the handler of jug's, and what was there before the first of these."""


def handle_signals(handler: Handler, signals: Iterable[int] = SIGNALS) -> dict[int, Any]:
    """Handle these signals, as far as this thread may; return the handlers before.

    One that is ignored stays so, and so does one that C handles, which can't be put back.
    """
    if threading.current_thread() is not threading.main_thread():
        return {}
    heeded = [
        signum for signum in signals if signal.getsignal(signum) not in (signal.SIG_IGN, None)
    ]
    before = {signum: signal.signal(signum, handler) for signum in heeded}
    for signum, former in before.items():
        _handled[signum] = (handler, _handled.get(signum, (None, former))[1])
    return before


def heed_children() -> dict[int, Any]:
    """See to it that ended children can be waited for; return the handlers before.

    User code may have the system forget them, and so may whoever started this process.
    """
    if not hasattr(signal, "SIGCHLD") or signal.getsignal(signal.SIGCHLD) != signal.SIG_IGN:
        return {}
    if threading.current_thread() is not threading.main_thread():
        return {}
    _handled[signal.SIGCHLD] = (signal.SIG_DFL, signal.SIG_IGN)
    return {signal.SIGCHLD: signal.signal(signal.SIGCHLD, signal.SIG_DFL)}


def restore_signals(before: dict[int, Any]) -> None:
    """Put back the handlers that `handle_signals` returned."""
    for signum, handler in before.items():
        signal.signal(signum, handler)
        _, first = _handled.pop(signum)
        if handler is not first:
            _handled[signum] = (handler, first)


def end_at_once(signum: int, frame: FrameType | None) -> None:
    """Handle a signal as the system does by default, which spares the first of all processes."""
    os._exit(128 + signum)


_masks = threading.local()  # `mask`: the signals that were blocked before the fork


def _block() -> None:
    _masks.mask = signal.pthread_sigmask(signal.SIG_BLOCK, _handled)


def _unblock() -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, _masks.mask)


def _leave_to_parent() -> None:
    for signum, (handler, first) in _handled.items():
        if signal.getsignal(signum) is handler:
            signal.signal(signum, first)
    _handled.clear()
    _unblock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_block, after_in_parent=_unblock, after_in_child=_leave_to_parent)
