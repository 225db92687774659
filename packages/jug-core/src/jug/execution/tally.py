"""How many tasks of each name a worker has run, in memory that it shares with its supervisor.

So what it has done counts also if it dies, and no message has to be sent for each task.
Its part of the memory holds an entry for each name, one behind the other:

    uint64   how many
    uint32   length of the name; 0 where no entry follows
    the name
"""

from __future__ import annotations

from collections import Counter
from mmap import mmap
from struct import Struct
from typing import Final

_COUNT: Final = Struct("<Q")
_LENGTH: Final = Struct("<I")
_HEAD: Final = _COUNT.size + _LENGTH.size


class Tally:
    """Counts by name, in a part of some memory, which is zero before the first.

    >>> memory = mmap(-1, 1000)
    >>> tally = Tally(memory, 0, 1000)
    >>> tally.add("primes.is_prime"), tally.add("primes.is_prime")
    (True, True)
    >>> Tally(memory, 0, 1000).read()
    Counter({'primes.is_prime': 2})
    """

    def __init__(self, memory: mmap, start: int, end: int) -> None:
        self._memory = memory
        self._end = end
        self._places: dict[str, int] = {}
        self._free = start
        while length := self._length_at(self._free):
            name = memory[self._free + _HEAD : self._free + _HEAD + length].decode(
                "utf-8", "surrogatepass"
            )
            self._places[name] = self._free
            self._free += _HEAD + length

    def _length_at(self, place: int) -> int:
        if place + _HEAD > self._end:
            return 0
        (length,) = _LENGTH.unpack_from(self._memory, place + _COUNT.size)
        return int(length)

    def add(self, name: str) -> bool:
        """Count one more of a name; return False if there is no room for a further name."""
        place = self._places.get(name)
        if place is None:
            return self._enter(name)
        (count,) = _COUNT.unpack_from(self._memory, place)
        _COUNT.pack_into(self._memory, place, count + 1)
        return True

    def _enter(self, name: str) -> bool:
        encoded, place = name.encode("utf-8", "surrogatepass"), self._free
        after = place + _HEAD + len(encoded)
        if after > self._end:
            return False
        _COUNT.pack_into(self._memory, place, 1)
        self._memory[place + _HEAD : after] = encoded
        _LENGTH.pack_into(self._memory, place + _COUNT.size, len(encoded))  # now it is there
        self._places[name], self._free = place, after
        return True

    def read(self) -> Counter[str]:
        """Return the counts."""
        return Counter(
            {
                name: _COUNT.unpack_from(self._memory, place)[0]
                for name, place in self._places.items()
            }
        )
