"""Draws a block when it is given a snapshot, and what others print above it."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Hashable, Iterator
from typing import Final, TextIO

from rich.console import Console
from rich.text import Text

from jug.descriptors import is_in_background, write_all
from jug.live.block import Block, Line
from jug.live.layout import block, head
from jug.progress import Snapshot
from jug.wording import CONTROLS

__all__ = ["LiveDisplay"]

_MOST_KEPT: Final = 1 << 16  # bytes that wait for the end of their line, or to be drawn
_MOST_BEGUN: Final = 8  # lines that wait for their end
_PAINTED: Final = re.compile(rb"\x1b\[[^\n]*")
_RESET: Final = b"\\g<0>\x1b[0m"


class LiveDisplay:
    """One block at the bottom of a terminal, drawn four times a second at most.

    `stream` is the terminal.  What is printed to it meanwhile is to go through `write`.
    While another job is in its foreground, after Ctrl-Z and ``bg``, no block is drawn.
    """

    interval = 0.25

    def __init__(self, stream: TextIO) -> None:
        self._descriptor = stream.fileno()
        self._block = Block(self._descriptor, stream.encoding)
        self._console = Console(file=stream, force_terminal=True, highlight=False)
        self._is_ascii = not stream.encoding.lower().startswith("utf")
        self._lines: list[Line] = []
        self._snapshot: Snapshot | None = None
        self._above = bytearray()
        self._begun: dict[tuple[int, Hashable], bytes] = {}
        self._drawn_at = float("-inf")
        self._is_drawing = False

    def show(self, snapshot: Snapshot) -> None:
        """Draw how far all is."""
        self._snapshot = snapshot
        columns, rows = self._block.size()
        rows = max(1, rows - len(self._begun))
        self._set(block(snapshot, columns, rows, is_ascii=self._is_ascii))
        self._draw()

    def write(self, descriptor: int, data: bytes, source: Hashable = None) -> None:
        """Print whole lines above the block, at once or with the next snapshot.

        The beginning of a line, such as a prompt, is among the first lines of the block until
        it ends, one for each source.  What does not go to this terminal is written where it goes.
        """
        if not self._is_here(descriptor):
            write_all(descriptor, data)
            return
        begun = descriptor, source
        whole, newline, rest = (self._begun.get(begun, b"") + data).rpartition(b"\n")
        self._put_above(whole + newline)
        self._begun[begun] = rest  # each stays in its place
        if not rest:
            del self._begun[begun]
        if len(rest) > _MOST_KEPT or len(self._begun) > _MOST_BEGUN:
            self._put_above(self._begun.pop(next(iter(self._begun))) + b"\n")
        is_due = time.monotonic() >= self._drawn_at + self.interval
        if self._above and (is_due or len(self._above) > _MOST_KEPT):
            self._draw()

    def pause(self) -> None:
        """Let what is drawn stay, and draw below it later."""
        self._draw()
        self._block.leave()

    def close(self) -> None:
        """Let the bar stay, and take the rest away."""
        for rest in self._begun.values():
            self._put_above(rest + b"\n")
        self._begun.clear()
        if self._snapshot is not None:
            columns = self._block.size().columns
            self._set(head(self._snapshot, columns, is_ascii=self._is_ascii))
        self._block.finish()
        self._draw()
        self._block.finish()
        self._block.leave()

    def _put_above(self, lines: bytes) -> None:
        """Take lines for what is above the block; none paints what follows it."""
        self._above += _PAINTED.sub(_RESET, lines)

    def _is_here(self, descriptor: int) -> bool:
        """Return whether what is written to a descriptor comes to this terminal."""
        try:
            return os.path.sameopenfile(descriptor, self._descriptor)
        except OSError:
            return False

    def _set(self, lines: list[Text]) -> None:
        with self._console.capture() as captured:
            for line in lines:
                self._console.print(line, soft_wrap=True)
        texts = captured.get().splitlines()
        self._lines = [Line(text, line.cell_len) for text, line in zip(texts, lines, strict=True)]

    def _draw(self) -> None:
        """Draw, unless that is being done: who handles a signal may tell something meanwhile."""
        if self._is_drawing:
            return
        self._is_drawing = True
        try:
            self._drawn_at = time.monotonic()
            above = bytes(self._above)
            if self._put(above):
                del self._above[: len(above)]
        finally:
            self._is_drawing = False

    def _put(self, above: bytes) -> bool:
        """Write what is above the block, and draw that where no other job uses the terminal."""
        if is_in_background(self._descriptor):
            return self._block.print(above)
        return self._block.draw([*self._unfinished(), *self._lines], above)

    def _unfinished(self) -> Iterator[Line]:
        """Yield the lines that were begun, as a terminal would have them."""
        columns = self._block.size().columns
        for begun in self._begun.values():
            line = begun.decode(errors="replace").rstrip("\r").rpartition("\r")[2]
            text = Text(re.sub(CONTROLS, "", Text.from_ansi(line).plain))
            text.truncate(columns - 1)
            yield Line(text.plain, text.cell_len)
