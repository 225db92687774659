"""The segments that are open for reading: a few hundred, those that were read last."""

from __future__ import annotations

import os
from collections import OrderedDict
from typing import Final

from jug.backends._file.segment import Segment

__all__ = ["OpenFiles"]

_OPEN_FILES: Final = 256


class OpenFiles:
    """Descriptors of segments, by the segments' numbers."""

    def __init__(self) -> None:
        self._files: OrderedDict[int, int] = OrderedDict()

    def open(self, segment: Segment, *, afresh: bool = False) -> int:
        """Return a descriptor of a segment, opened again if it must be fresh."""
        file = self._files.get(segment.number)
        if file is not None and not afresh:
            self._files.move_to_end(segment.number)
            return file
        self.close(segment.number)
        if len(self._files) >= _OPEN_FILES:
            os.close(self._files.popitem(last=False)[1])
        file = os.open(segment.path, os.O_RDONLY | os.O_CLOEXEC)
        self._files[segment.number] = file
        return file

    def close(self, number: int) -> None:
        """Close a segment, if it is open."""
        file = self._files.pop(number, None)
        if file is not None:
            os.close(file)

    def close_all(self) -> None:
        """Close all segments; they are opened again when they are needed."""
        for number in tuple(self._files):
            self.close(number)
