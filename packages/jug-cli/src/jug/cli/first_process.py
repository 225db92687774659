"""A command that is the first process of a container.

The system keeps from that process each signal which it does not handle.  SIGTERM, by which a
container is told to stop, would so be lost on any command but on workers that run already,
and the container be killed when its time is over.
"""

from __future__ import annotations

import os
import signal

__all__ = ["end_as_others_do"]


def end_as_others_do() -> None:
    """See to it that signals which end other processes end this one, even if it is the first."""
    if os.getpid() == 1:
        from jug.execution.signals import SIGNALS, end_at_once, handle_signals

        unhandled = [one for one in SIGNALS if signal.getsignal(one) == signal.SIG_DFL]
        handle_signals(end_at_once, unhandled)
