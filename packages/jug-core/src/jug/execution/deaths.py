"""How often workers died of a task, in memory that a supervisor shares with its workers.

Workers take over what a dead one has held, often before their supervisor has seen the
death, and long before it has recorded that a task has failed of which too many died.  So
a worker that has taken a task looks here: if as many died of it as may, with those that
still show the task and may be dead, it waits for the verdict.

The supervisor alone writes.  Its part of the memory begins with 1 once there was a death,
and has an entry for each of the last few tasks: its digest, and how many died of it.
"""

from __future__ import annotations

from mmap import mmap
from struct import Struct
from typing import Final

__all__ = ["DEADLY", "Deaths"]

DEADLY: Final = 5
"""As many workers may a task cost: chance takes some."""

_ENTRY: Final = Struct("@20sI")
_ENTRIES: Final = 16
_FIRST: Final = 8


class Deaths:
    """Counts by digest, in a part of some memory, which is zero before the first.

    >>> deaths = Deaths(mmap(-1, Deaths.SIZE), 0)
    >>> deaths.show(b"a task".ljust(20), 4)
    >>> deaths.of(b"a task".ljust(20)), deaths.of(b"another".ljust(20))
    (4, 0)
    """

    SIZE: Final = _FIRST + _ENTRIES * _ENTRY.size

    def __init__(self, memory: mmap, start: int) -> None:
        self._memory = memory
        self._start = start

    def show(self, digest: bytes, count: int) -> None:
        """Show how many workers died of a task, 0 once it is recorded as failed.

        Of more tasks than there is room for, the one is forgotten of which fewest died.
        """
        counts = {place: self._at(place) for place in self._places()}
        own = (place for place, (known, _) in counts.items() if known == digest)
        place = next(own, min(counts, key=lambda place: counts[place][1]))
        _ENTRY.pack_into(self._memory, place, digest, count)
        self._memory[self._start] = 1

    def were_there(self) -> bool:
        """Return whether any worker has died of a task."""
        return self._memory[self._start] != 0

    def of(self, digest: bytes) -> int:
        """Return how many workers died of a task."""
        if not self.were_there():
            return 0
        return sum(count for known, count in map(self._at, self._places()) if known == digest)

    def _places(self) -> range:
        first = self._start + _FIRST
        return range(first, first + _ENTRIES * _ENTRY.size, _ENTRY.size)

    def _at(self, place: int) -> tuple[bytes, int]:
        digest, count = _ENTRY.unpack_from(self._memory, place)
        return digest, count
