"""Writing to file descriptors: all of it, what does not have to wait, or where others do not."""

from __future__ import annotations

import os
import select
from typing import TextIO

__all__ = ["identity", "is_in_background", "is_ready", "is_stream_ready", "write_all"]


def identity(descriptor: int) -> tuple[int, int]:
    """Return which file it is: a number that was closed may be that of another one by now."""
    status = os.fstat(descriptor)
    return status.st_dev, status.st_ino


def write_all(descriptor: int, data: bytes) -> None:
    """Write to a descriptor, in as many calls as it takes; raises OSError as `os.write` does."""
    while data:
        data = data[os.write(descriptor, data) :]


def is_ready(descriptor: int, milliseconds: int | None = 0) -> bool:
    """Return whether a little can be written without waiting, after so long a wait for that.

    None waits for as long as it takes.
    """
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return bool(poll.poll(milliseconds))


def is_stream_ready(stream: TextIO) -> bool:
    """Return whether a line can be written to a stream without waiting; to one in memory it can.

    >>> from io import StringIO
    >>> is_stream_ready(StringIO())
    True
    """
    try:
        return is_ready(stream.fileno())
    except (AttributeError, OSError, ValueError):  # a notebook's; it is closed
        return True


def is_in_background(descriptor: int) -> bool:
    """Return whether a terminal is in use by another job, as for a command that ends in ``&``."""
    try:
        return os.tcgetpgrp(descriptor) != os.getpgrp()
    except OSError:  # it is no terminal, or not the one of this session
        return False
