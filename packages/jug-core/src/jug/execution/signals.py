"""The signals that stop a run.

They are handled in the process that asks for it alone.  A process that a task forks, such as
one of a pool, has Python's own handlers again: a signal that is to end it ends it, and does
not interrupt, in the child, a task that only the worker can give back.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

SIGNALS: Final = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
"""Those that stop a run cleanly, unless whoever started it has them ignored."""

Handler = Callable[[int, FrameType | None], None]

_ours: dict[int, Handler] = {}


def handle_signals(handler: Handler) -> dict[int, Any]:
    """Handle these signals, as far as this thread may; return the handlers before."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    handled = [signum for signum in SIGNALS if signal.getsignal(signum) != signal.SIG_IGN]
    _ours.update(dict.fromkeys(handled, handler))
    return {signum: signal.signal(signum, handler) for signum in handled}


def _be_plain_in_child() -> None:
    for signum, handler in _ours.items():
        if signal.getsignal(signum) is handler:
            is_ctrl_c = signum == signal.SIGINT
            signal.signal(signum, signal.default_int_handler if is_ctrl_c else signal.SIG_DFL)
    _ours.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_be_plain_in_child)
