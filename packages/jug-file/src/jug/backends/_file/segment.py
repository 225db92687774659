"""One segment: a file of frames that one worker appends to, or a pack of many of them."""

from __future__ import annotations

import re
from typing import Final

from jug.backends._file.frames import seed_of

__all__ = ["PACK", "SEGMENT", "Segment", "is_segment_name", "worker_of"]

SEGMENT: Final = ".seg"
PACK: Final = ".pack"

_NAME: Final = re.compile(r"[0-9a-f]{16}-[0-9]+\.(seg|pack)")


class Segment:
    """One segment, and how far it was read."""

    __slots__ = (
        "at", "bad_since", "is_damaged", "is_final", "is_pack", "judged", "number", "path",
        "seed", "stem", "worker",
    )  # fmt: skip

    def __init__(self, stem: str, path: str, number: int) -> None:
        self.stem = stem
        self.path = path
        self.number = number
        self.is_pack = False
        self.seed = seed_of(stem)
        self.worker = worker_of(stem)
        self.at = 0
        """Where the next frame begins."""
        self.is_final = False
        self.judged = 0.0
        """When its process was last checked for being gone."""
        self.bad_since: float | None = None
        self.is_damaged = False
        """Whether bad frames before valid ones were found in it."""


def worker_of(stem: str) -> bytes:
    """Return the id of the worker that writes a segment of this name."""
    return bytes.fromhex(stem.partition("-")[0])


def is_segment_name(name: str) -> bool:
    """Return whether a file of this name is a segment or a pack.

    >>> is_segment_name("00112233445566ff-0.seg"), is_segment_name("notes.seg")
    (True, False)
    """
    return _NAME.fullmatch(name) is not None
