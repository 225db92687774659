"""The way of what a worker prints to its supervisor: a pipe, or a terminal where one was.

A worker's standard output and error are replaced by what the supervisor reads.  If both
are the same file they share one pipe, and so keep their order.  For a terminal it is a
pseudo-terminal, which looks to tasks as the real one does, and passes all bytes on as
they are.  A device that is no terminal stays as it is, but for the null device.
"""

from __future__ import annotations

import os
import select
import stat
import struct
import sys
from contextlib import suppress
from typing import Final, Self

from jug.descriptors import identity

if sys.platform != "win32":  # which starts no workers
    import fcntl
    import termios

_DESCRIPTORS: Final = (1, 2)
_SIZE: Final = struct.Struct("i")
_CHUNK: Final = 1 << 16


class OutputPipe:
    """One pipe between a worker and its supervisor.  It pickles, for a worker started anew."""

    def __init__(self, descriptors: list[int], reader: int, writer: int) -> None:
        self.descriptors = descriptors
        """What it stands for in the worker."""
        self.reader = reader
        self.writer = writer
        self.is_terminal = os.isatty(descriptors[0])

    @classmethod
    def open(cls, descriptors: list[int]) -> Self:
        """Open a pipe for descriptors that are the same file."""
        if not os.isatty(descriptors[0]):
            reader, writer = map(_above_standard, os.pipe())
        else:
            reader, writer = map(_above_standard, os.openpty())
            from tty import setraw

            setraw(writer)
        os.set_blocking(reader, False)
        pipe = cls(descriptors, reader, writer)
        pipe.resize()
        return pipe

    @property
    def target(self) -> int:
        """Where what is read is to be written to."""
        return self.descriptors[0]

    # The supervisor's side

    def resize(self) -> None:
        """Give a pseudo-terminal the size of the terminal that it stands for."""
        if self.is_terminal:
            with suppress(OSError):
                size = fcntl.ioctl(self.target, termios.TIOCGWINSZ, bytes(8))
                fcntl.ioctl(self.reader, termios.TIOCSWINSZ, size)

    def leave_to_worker(self) -> None:
        """Close the worker's end, in the supervisor."""
        os.close(self.writer)

    def read(self) -> bytes | None:
        """Return what is there, nothing at the end, None if nothing is there by now."""
        try:
            return os.read(self.reader, _CHUNK)
        except BlockingIOError:
            return None
        except OSError:  # what a pseudo-terminal says at its end
            return b""

    def close(self) -> None:
        """Close the supervisor's end."""
        os.close(self.reader)

    # The worker's side

    def enter(self) -> None:
        """Print into the pipe from now on; keep the end that `is_empty` asks."""
        for descriptor in self.descriptors:
            os.dup2(self.writer, descriptor)
        os.set_inheritable(self.reader, False)  # in a worker that is started anew
        os.close(self.writer)

    def leave_kept(self) -> None:
        """Close the end that `is_empty` asks."""
        os.close(self.reader)

    def identity(self) -> tuple[int, int]:
        """Return which file it is that `is_empty` asks."""
        return identity(self.reader)

    @property
    def inherited(self) -> tuple[int, int]:
        """The descriptors that a worker needs which is started anew."""
        return self.reader, self.writer

    def is_empty(self) -> bool:
        """Return whether the supervisor has read all that was printed.

        Only the end that is read says that on every system.
        """
        if self.is_terminal:
            poll = select.poll()
            poll.register(self.reader, select.POLLIN)
            return not any(found & select.POLLIN for _, found in poll.poll(0))
        left = fcntl.ioctl(self.reader, termios.FIONREAD, bytes(_SIZE.size))
        return _SIZE.unpack(left) == (0,)


def open_pipes() -> list[OutputPipe]:
    """Open what a worker is to print into in place of this process's output."""
    files: dict[tuple[int, int], list[int]] = {}
    for descriptor in _DESCRIPTORS:
        with suppress(OSError):  # it is closed
            status = os.fstat(descriptor)
            if _is_replaced(descriptor, status):
                files.setdefault((status.st_dev, status.st_ino), []).append(descriptor)
    return [OutputPipe.open(descriptors) for descriptors in files.values()]


def _above_standard(descriptor: int) -> int:
    """Return a descriptor that is not taken for standard output where that is closed."""
    if descriptor > _DESCRIPTORS[-1]:
        return descriptor
    above = int(fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _DESCRIPTORS[-1] + 1))
    os.close(descriptor)
    return above


def _is_replaced(descriptor: int, status: os.stat_result) -> bool:
    if not stat.S_ISCHR(status.st_mode):
        return True
    return os.isatty(descriptor) or os.path.samestat(status, os.stat(os.devnull))
