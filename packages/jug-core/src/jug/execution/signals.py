"""The signals that stop a run."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

SIGNALS: Final = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
"""Those that stop a run cleanly, unless whoever started it has them ignored."""


def handle_signals(handler: Callable[[int, FrameType | None], None]) -> dict[int, Any]:
    """Handle these signals, as far as this thread may; return the handlers before."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    return {
        signum: signal.signal(signum, handler)
        for signum in SIGNALS
        if signal.getsignal(signum) != signal.SIG_IGN
    }
