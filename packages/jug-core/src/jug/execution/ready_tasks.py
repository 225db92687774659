"""The tasks that are ready, in the order of the jugfile."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from heapq import heappop, heappush

READY = 1


class ReadyTasks:
    """Numbers of tasks, of which the least are at hand.

    A task that is not ready any more stays until it would be given: `states` has the
    state of each task, and what is not `READY` there is forgotten then.

    >>> ready = ReadyTasks([0, 1, 2, 3], bytearray([READY] * 4))
    >>> ready.states[0] = 0
    >>> ready.first(2)
    [1, 2]
    """

    kept_back: Sequence[int] = ()
    """What was kept back last for want of room on the machine: it is not counted."""
    waits_for_room = False
    """Whether nothing was given last, as there is no room on the machine: it is not counted."""

    def __init__(self, numbers: list[int], states: bytearray) -> None:
        """Begin with these numbers, which must ascend."""
        self.states = states
        self._front: list[int] = []
        self._rest = numbers  # a heap: what ascends is one

    def add(self, number: int) -> None:
        """Add a task that has become ready."""
        heappush(self._rest, number)

    def first(self, count: int) -> list[int]:
        """Return the first tasks that are ready, as many as there are up to a count."""
        states, rest = self.states, self._rest
        front = self._front = [number for number in self._front if states[number] == READY]
        while rest and (len(front) < count or rest[0] < front[count - 1]):
            number = heappop(rest)
            if states[number] == READY:
                at = bisect_left(front, number)
                if front[at : at + 1] != [number]:
                    front.insert(at, number)
        return front[:count]

    def has_too_large(self) -> bool:
        """Return that nothing is too large for the machine, which is not counted."""
        return False
