"""Linux's notifications that something in a folder changed.

Imported only to wait, since ctypes is slow to come.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable
from typing import Final

__all__ = ["open_for"]

_MODIFY: Final = 0x002
_MOVED: Final = 0x040 | 0x080
_CREATE: Final = 0x100
_DELETE: Final = 0x200
# Not the change of attributes: each heartbeat would be one.
_MASK: Final = _MODIFY | _MOVED | _CREATE | _DELETE


def open_for(folders: Iterable[str]) -> int:
    """Return a descriptor that is readable once something in the folders changed."""
    libc = ctypes.CDLL(None, use_errno=True)
    notices = _checked(libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
    try:
        for folder in folders:
            _checked(libc.inotify_add_watch(notices, os.fsencode(folder), _MASK))
    except OSError:
        os.close(notices)
        raise
    return notices


def _checked(answer: int) -> int:
    if answer < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return answer
