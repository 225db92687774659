"""Progress as one line that is written over again, in a terminal or below a notebook's cell."""

from __future__ import annotations

import os
from collections.abc import Hashable
from contextlib import suppress
from typing import TextIO

from jug.descriptors import is_stream_ready, write_all
from jug.progress.snapshot import Snapshot
from jug.progress.wording import sentence

__all__ = ["LineDisplay"]


class LineDisplay:
    r"""Writes one line over again; the last stays.

    >>> from io import StringIO
    >>> from jug.progress import NameProgress
    >>> stream = StringIO()
    >>> display = LineDisplay(stream)
    >>> display.show(Snapshot([NameProgress("m.f", 4, 1)], elapsed=10.0, time_left=30.0))
    >>> display.close()
    >>> stream.getvalue()
    '\r1 of 4 tasks done; 30 s left, 10 s elapsed\n'
    """

    interval = 0.25

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._length = 0

    def show(self, snapshot: Snapshot) -> None:
        """Write the line, unless the terminal stands still."""
        if is_stream_ready(self._stream):
            self._put(sentence(snapshot)[: _columns(self._stream)])

    def write(self, descriptor: int, data: bytes, source: Hashable = None) -> None:
        """Write what others print in place of the line."""
        self._put("")
        self._put_raw("\r")
        write_all(descriptor, data)

    def pause(self) -> None:
        """Go on in the next line."""
        if self._length:
            self._put_raw("\n")
            self._length = 0

    def close(self) -> None:
        """Let the line stay."""
        self.pause()

    def _put(self, text: str) -> None:
        """Write over what is there, with blanks where it was longer."""
        self._put_raw("\r" + text.ljust(self._length))
        self._length = len(text)

    def _put_raw(self, text: str) -> None:
        with suppress(OSError, ValueError):  # a standard error that is full, or closed
            self._stream.write(text)
            self._stream.flush()


def _columns(stream: TextIO) -> int | None:
    """Return how many columns a line may take, None if that is nothing that it can be cut to."""
    try:
        columns = os.get_terminal_size(stream.fileno()).columns
    except (AttributeError, OSError, ValueError):  # a notebook's
        return None
    return columns - 1 if columns else None
