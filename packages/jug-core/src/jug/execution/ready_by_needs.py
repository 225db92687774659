"""The tasks that are ready, where each may begin only if there is room for it on the machine.

They are kept by what they need, so a thousand tasks for which there is no room cost no more
than one.  They have turns in the order of the jugfile: what needs otherwise than the first of
all is kept back unless there is room for both, and whatever there is no room for is, too.  Where
something is kept back, no task begins that comes after it and would delay it.  So a large task
waits until enough of those that run have ended, and not until there are no small ones left,
whichever worker's turn these would be.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import compress
from typing import Any

from jug.execution.ready_tasks import ReadyTasks
from jug.execution.room import Room
from jug.needs import Needs
from jug.task import Task
from jug.task.run_options import RunOptions


class ReadyByNeeds:
    """Like `ReadyTasks`, but gives only those for which there is room.

    >>> from jug.execution.capacity import Capacity
    >>> tasks = [Task(abs, -1), Task(abs, -2)]
    >>> tasks[0].options = RunOptions(cpus=3)
    >>> ReadyByNeeds([0, 1], bytearray([1, 1]), tasks, Room(Capacity(cpus=2))).first(2)
    [1]
    """

    def __init__(
        self, numbers: list[int], states: bytearray, tasks: Sequence[Task[Any]], room: Room
    ) -> None:
        """Begin with these numbers, which must ascend."""
        self.kept_back: Sequence[int] = ()
        """The first tasks that were kept back last and keep their turn, all of the same needs."""
        self.waits_for_room = False
        """Whether nothing was given last, as there is no room at that moment."""
        self._states = states
        self._tasks = tasks
        self._room = room
        self._parts: dict[Needs, ReadyTasks] = {}
        self._part_of: dict[RunOptions, ReadyTasks] = {}
        for number in numbers:
            self.add(number)

    def add(self, number: int) -> None:
        """Add a task that has become ready."""
        options = self._tasks[number].options
        part = self._part_of.get(options)
        if part is None:
            empty = ReadyTasks([], self._states)
            part = self._parts.setdefault(options.needs.without_tags(), empty)
            self._part_of[options] = part
        part.add(number)

    def first(self, count: int) -> list[int]:
        """Return the first tasks that may begin now, as many as there are up to a count."""
        parts = sorted(self._firsts(count), key=lambda part: part[0])
        free = self._room.free()
        beside_first = free.beside(parts[0][1]) if parts else free
        fits = [(beside_first if at else free).has(needs) for at, (_, needs) in enumerate(parts)]
        kept = None if all(fits) else parts[fits.index(False)]
        found: list[int] = []
        for some, needs in compress(parts, fits):
            if kept is None or free.lets_begin(needs, kept[1]):
                found += some
            else:
                found += [number for number in some if number < kept[0][0]]
        self.kept_back = () if kept is None else kept[0]
        self.waits_for_room = kept is not None and not found
        return sorted(found)[:count]

    def _firsts(self, count: int) -> Iterator[tuple[list[int], Needs]]:
        """Yield the first that are ready of each kind for which there is room at times."""
        for needs, part in self._parts.items():
            some = part.first(count) if self._room.capacity.has(needs) else None
            if some:
                yield some, needs

    def has_too_large(self) -> bool:
        """Return whether something is ready for which the machine has never room."""
        has = self._room.capacity.has
        return any(part.first(1) for needs, part in self._parts.items() if not has(needs))
