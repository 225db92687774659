"""The segments that are open for reading: a few hundred, those that were read last."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from jug.backends._file.segment import Segment

__all__ = ["OpenFiles"]

_OPEN_FILES: Final = 256


class OpenFiles:
    """Descriptors of segments, by the segments' numbers."""

    def __init__(self) -> None:
        self._files: OrderedDict[int, int] = OrderedDict()
        self._kept: set[int] = set()

    def open(self, segment: Segment, *, afresh: bool = False) -> int:
        """Return a descriptor of a segment, opened again if it must be fresh."""
        file = self._files.get(segment.number)
        if file is not None and not afresh:
            self._files.move_to_end(segment.number)
            return file
        self.close(segment.number)
        if len(self._files) >= _OPEN_FILES:
            self.close(next(number for number in self._files if number not in self._kept))
        file = os.open(segment.path, os.O_RDONLY | os.O_CLOEXEC)
        self._files[segment.number] = file
        return file

    @contextmanager
    def kept_open(self, segment: Segment) -> Iterator[None]:
        """Keep the descriptor of a segment during the block, whatever else is opened."""
        self._kept.add(segment.number)
        try:
            yield
        finally:
            self._kept.discard(segment.number)

    def close(self, number: int) -> None:
        """Close a segment, if it is open."""
        file = self._files.pop(number, None)
        if file is not None:
            os.close(file)

    def close_all(self) -> None:
        """Close all segments; they are opened again when they are needed."""
        for number in tuple(self._files):
            self.close(number)
