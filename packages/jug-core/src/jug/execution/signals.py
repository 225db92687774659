"""The signals that stop a run."""

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


def handle_signals(handler: Handler, signals: Iterable[int] = SIGNALS) -> dict[int, Any]:
    """Handle these signals, as far as this thread may; return the handlers before.

    What user code forks from this process meets them as any other Python does.
    """
    if threading.current_thread() is not threading.main_thread():
        return {}
    handler = _in_this_process(handler)
    return {
        signum: signal.signal(signum, handler)
        for signum in signals
        if signal.getsignal(signum) != signal.SIG_IGN
    }


def _in_this_process(handler: Handler) -> Handler:
    process = os.getpid()

    def handle(signum: int, frame: FrameType | None) -> None:
        if os.getpid() == process:
            handler(signum, frame)
        else:
            usual = signal.default_int_handler if signum == signal.SIGINT else signal.SIG_DFL
            signal.signal(signum, usual)
            signal.raise_signal(signum)

    return handle
