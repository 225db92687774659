"""How many tasks of each name a worker has run, in memory that it shares with its supervisor.

So what it has done counts also if it dies, and no message has to be sent for each task.
Its part of the memory holds an entry for each name, one behind the other:

    uint64   how many
    float64  how long they took, in seconds
    uint32   length of the name; 0 where no entry follows
    the name, up to the next multiple of 8 bytes

So numbers lie where they are read and written in one step.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from mmap import mmap
from struct import Struct
from typing import Final

from jug.progress import Spent

_SPENT: Final = Struct("@Qd")
_LENGTH: Final = Struct("@I")
_HEAD: Final = _SPENT.size + _LENGTH.size
_ALIGNED: Final = 8


class Tally:
    """Counts and times by name, in a part of some memory, which is zero before the first.

    >>> memory = mmap(-1, 1000)
    >>> tally = Tally(memory, 0, 1000)
    >>> tally.add("primes.is_prime", 1.5), tally.add("primes.is_prime", 0.5)
    (True, True)
    >>> Tally(memory, 0, 1000).read()
    {'primes.is_prime': Spent(runs=2, seconds=2.0)}
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
            self._free = _after(self._free, length)

    def _length_at(self, place: int) -> int:
        if place + _HEAD > self._end:
            return 0
        (length,) = _LENGTH.unpack_from(self._memory, place + _SPENT.size)
        return int(length)

    def add(self, name: str, seconds: float) -> bool:
        """Count one more of a name; return False if there is no room for a further name."""
        place = self._places.get(name)
        if place is None:
            return self._enter(name, seconds)
        count, before = _SPENT.unpack_from(self._memory, place)
        _SPENT.pack_into(self._memory, place, count + 1, before + seconds)
        return True

    def _enter(self, name: str, seconds: float) -> bool:
        encoded, place = name.encode("utf-8", "surrogatepass"), self._free
        after = _after(place, len(encoded))
        if after > self._end:
            return False
        begin = place + _HEAD
        _SPENT.pack_into(self._memory, place, 1, seconds)
        self._memory[begin : begin + len(encoded)] = encoded
        _LENGTH.pack_into(self._memory, place + _SPENT.size, len(encoded))  # now it is there
        self._places[name], self._free = place, after
        return True

    def read(self) -> dict[str, Spent]:
        """Return what was counted."""
        return {
            name: Spent(*_SPENT.unpack_from(self._memory, place))
            for name, place in self._places.items()
        }


def added(counts: Iterable[Mapping[str, Spent]]) -> dict[str, Spent]:
    """Return what several have counted together.

    >>> added([{"m.f": Spent(1, 0.5)}, {"m.f": Spent(2, 1.0)}])
    {'m.f': Spent(runs=3, seconds=1.5)}
    """
    total: dict[str, Spent] = {}
    for count in counts:
        add_to(total, count)
    return total


def add_to(total: dict[str, Spent], count: Mapping[str, Spent]) -> None:
    """Add what somebody has counted to a total."""
    for name, spent in count.items():
        total[name] = total.get(name, Spent()).plus(spent)


def _after(place: int, length: int) -> int:
    """Return where an entry ends whose name is so long."""
    return place + (_HEAD + length + _ALIGNED - 1) // _ALIGNED * _ALIGNED
