"""A worker ends with its supervisor, also with one that was killed and could say nothing.

Linux sends a signal to a process whose parent dies, whatever that process is doing.
It goes by the thread that forked: that is the one in which the supervisor runs, which
does not leave before its last worker has ended.  Elsewhere a thread looks.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time
from typing import Final

_PR_SET_PDEATHSIG: Final = 1
_LOOK: Final = 0.5  # seconds between two looks


def die_with(parent: int) -> None:
    """End this process at once when its parent, the process of that id, dies or has died."""
    if sys.platform == "linux":
        _ask_for_a_signal()
        if os.getppid() != parent:  # it died before
            _die()
    else:
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _ask_for_a_signal() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0):
        raise OSError(ctypes.get_errno(), "no parent-death signal can be had")


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK)
    _die()


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
