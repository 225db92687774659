"""Lines at the bottom of a terminal that are drawn over again.

The cursor stands at the beginning of the line below them, so what the terminal itself
echoes, such as ``^C``, does no harm.  Nothing of the terminal is set that would have to be
set back, as the process may be killed.

Who draws must not stand still because a terminal does, on Ctrl-S or behind a slow line.
So no more is written than the terminal takes, and nothing else is drawn before the rest of
that is written.

When a terminal becomes narrower, some break the lines that are there anew, so that they
take more rows, and others cut them.  It can't be asked which, so the environment is.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final, NamedTuple

from jug.descriptors import is_ready, write_all

__all__ = ["Block", "Line", "breaks_lines_anew"]

_CLEAR_LINE: Final = "\x1b[K"
_CLEAR_BELOW: Final = "\x1b[J"

_PIECE: Final = 1024  # bytes that a terminal that is ready takes

_BREAK_ANEW: Final = (
    "TMUX", "VTE_VERSION", "KITTY_WINDOW_ID", "ALACRITTY_WINDOW_ID", "KONSOLE_VERSION",
    "TERM_PROGRAM", "WT_SESSION",
)  # fmt: skip
"""Variables of terminals that do so."""


class Line(NamedTuple):
    """One line: as it is sent, and how many columns it takes."""

    text: str
    columns: int


class Block:
    """The lines on one terminal."""

    def __init__(self, descriptor: int, encoding: str = "utf-8") -> None:
        self._descriptor = descriptor
        self._encoding = encoding
        self._drawn: Sequence[Line] = ()
        self._unwritten = b""
        self._breaks_anew = breaks_lines_anew(os.environ)

    def size(self) -> os.terminal_size:
        """Return the columns and lines of the terminal, as they are now."""
        try:
            size = os.get_terminal_size(self._descriptor)
        except OSError:  # it was closed
            size = os.terminal_size((80, 24))
        return size if all(size) else os.terminal_size((80, 24))

    def draw(self, lines: Sequence[Line], above: bytes = b"") -> bool:
        """Draw these lines in place of those that are there, below what is to be above them.

        Returns False if nothing can be drawn now, as the terminal has not taken all of before.
        """
        if not self._write():
            return False
        body = "".join(f"{line.text}{_CLEAR_LINE}\n" for line in lines) + _CLEAR_BELOW
        start = self._back() + (_CLEAR_BELOW if above else "")
        self._unwritten = start.encode() + above + body.encode(self._encoding, "replace")
        self._drawn = lines
        self._write()
        return True

    def print(self, text: bytes) -> bool:
        """Write this where the cursor is, and leave what is drawn; returns as `draw` does."""
        self.leave()
        if not self._write():
            return False
        self._unwritten = text
        self._write()
        return True

    def _write(self, milliseconds: int | None = 0) -> bool:
        """Write what the terminal takes, waiting so long for each piece; return if that is all."""
        while self._unwritten and is_ready(self._descriptor, milliseconds):
            with suppress(OSError):  # the terminal is gone
                write_all(self._descriptor, self._unwritten[:_PIECE])
            self._unwritten = self._unwritten[_PIECE:]
        return not self._unwritten

    def finish(self) -> None:
        """Wait until all is written."""
        self._write(None)

    def leave(self) -> None:
        """Let what is drawn stay where it is."""
        self._drawn = ()

    def _back(self) -> str:
        """Return what moves the cursor to the first of the lines that are there."""
        columns, rows = self.size()
        used = sum(self._rows(line, columns) for line in self._drawn)
        up = min(used, rows - 1)
        return f"\r\x1b[{up}A" if up else "\r"

    def _rows(self, line: Line, columns: int) -> int:
        return max(1, -(-line.columns // columns)) if self._breaks_anew else 1


def breaks_lines_anew(environ: Mapping[str, str]) -> bool:
    """Return whether the terminal breaks lines anew when it becomes narrower.

    >>> breaks_lines_anew({"TERM": "xterm"}), breaks_lines_anew({"TMUX": "/tmp/tmux"})
    (False, True)
    """
    return "STY" not in environ and any(name in environ for name in _BREAK_ANEW)
