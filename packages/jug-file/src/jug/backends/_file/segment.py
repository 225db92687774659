"""One segment: a file of frames that one worker appends to, or a pack of many of them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from jug.backends._file.frames import seed_of

__all__ = ["PACK", "SEGMENT", "Segment", "is_segment_name", "worker_of"]

SEGMENT: Final = ".seg"
PACK: Final = ".pack"

_NAME: Final = re.compile(r"[0-9a-f]{16}-[0-9]+\.(seg|pack)")


@dataclass(slots=True, eq=False, repr=False)
class Segment:
    """One segment, and how far it was read."""

    stem: str
    path: str
    number: int
    is_pack: bool = False
    seed: int = 0
    at: int = 0
    """Where the next frame begins."""
    is_final: bool = False
    judged: float = 0.0
    """When its process was last checked for being gone."""
    bad_since: float | None = None
    is_damaged: bool = False
    """Whether bad frames before valid ones were found in it."""
    worker: bytes = field(init=False)

    def __post_init__(self) -> None:
        self.seed = seed_of(self.stem)
        self.worker = worker_of(self.stem)


def worker_of(stem: str) -> bytes:
    """Return the id of the worker that writes a segment of this name."""
    return bytes.fromhex(stem.partition("-")[0])


def is_segment_name(name: str) -> bool:
    """Return whether a file of this name is a segment or a pack.

    >>> is_segment_name("00112233445566ff-0.seg"), is_segment_name("notes.seg")
    (True, False)
    """
    return _NAME.fullmatch(name) is not None
