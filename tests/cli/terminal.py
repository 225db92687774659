"""A command in a terminal, of which the tests see the screen as a person does."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable
from typing import Self

import pyte

SECONDS = 100


class Terminal:
    """A terminal of a size, in which one command runs."""

    def __init__(
        self, *words: str, columns: int = 80, lines: int = 24, shell: str = "", **environ: str
    ) -> None:
        command = ["sh", "-c", shell] if shell else [sys.executable, "-m", "jug", *words]
        self.received = b""
        self.screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self.screen)
        self.pid, self._file = pty.fork()
        if self.pid == 0:
            set_size(0, columns, lines)
            for name in ("TMUX", "TERM_PROGRAM", "VTE_VERSION", "NO_COLOR", "COLUMNS", "LINES"):
                os.environ.pop(name, None)
            os.environ.update({"TERM": "xterm-256color", **environ})
            os.execvp(command[0], command)
        self.status: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
        os.close(self._file)  # else some systems wait for who reads it
        if self.status is None:
            os.waitpid(self.pid, 0)

    def resize(self, columns: int, lines: int) -> None:
        """Give the terminal another size; what does not fit any more is cut.

        The command stands still meanwhile, so that what it wrote for the size before is read.
        """
        os.kill(self.pid, signal.SIGSTOP)
        os.waitpid(self.pid, os.WUNTRACED)
        while select.select([self._file], [], [], 0)[0]:
            self._read(0)
        set_size(self._file, columns, lines)
        self.screen.resize(lines, columns)
        os.kill(self.pid, signal.SIGCONT)

    def wait_for(self, what: Callable[[str], object]) -> str:
        """Return what stands on the screen once it is as described."""
        end = time.monotonic() + SECONDS
        while not what(self.text()):
            assert time.monotonic() < end, self.text()
            assert self._read(0.1), self.text()
        return self.text()

    def end(self) -> str:
        """Return what stands on the screen after the end of the command."""
        end = time.monotonic() + SECONDS
        while self._read(0.1):
            assert time.monotonic() < end, self.text()
        self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.text()

    def text(self) -> str:
        """Return what stands on the screen, without blanks at the ends."""
        return "\n".join(line.rstrip() for line in self.screen.display).rstrip()

    def draws(self) -> int:
        """Return how often the block was drawn so far."""
        return self.received.count(b"\x1b[J")

    def _read(self, seconds: float) -> bool:
        """Read what the command writes; return False once it has ended."""
        if not select.select([self._file], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self._file, 1 << 16)
        except OSError:  # nobody has the terminal open any more
            return False
        self.received += data
        self._stream.feed(data)
        return bool(data)


def set_size(file: int, columns: int, lines: int) -> None:
    fcntl.ioctl(file, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))


def timeless(text: str) -> str:
    """Return a text with its times and rates replaced."""
    text = re.sub(r"\d+(\.\d+)? tasks/(s|min|h)", "R tasks/s", text)
    return re.sub(r" *\d+(\.\d+)? (ms|s|µs|min)\b", " T", text)
