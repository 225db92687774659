"""Writing to file descriptors: all of it, or only what does not have to wait."""

from __future__ import annotations

import os
import select

__all__ = ["is_ready", "write_all"]


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
