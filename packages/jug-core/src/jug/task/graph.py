"""Who waits for whom.

A graph gives each task a small number, in an order in which every task comes
after what it depends on, and keeps the edges as two flat arrays of numbers: a
million tasks take tens of megabytes, and nothing ever walks the graph by
recursion.  Tasks with the same hash are one task.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate, islice
from operator import attrgetter, sub
from typing import Any

from jug.hash.names import task_names
from jug.task.arguments import dependencies_first
from jug.task.namesakes import are_namesakes
from jug.task.task import Task

_known_digest = attrgetter("known_digest")


class Graph:
    """Tasks by number, with their digests and the edges between them.

    >>> first = Task(max, 2, 3); second = Task(sum, [first, first])
    >>> graph = Graph([second])
    >>> [graph.tasks[i].name for i in range(len(graph))]
    ['builtins.max', 'builtins.sum']
    >>> list(graph.dependants_of(0)), list(graph.dependencies_of(1))
    ([1], [0])
    >>> list(graph.counts_of_needed())
    [0, 1]
    """

    def __init__(self, tasks: Iterable[Task[Any]]) -> None:
        self.tasks: list[Task[Any]] = []
        self.numbers: dict[bytes, int] = {}
        self.begins = array("q", [0])
        """Where in `needed` those of each task begin, and behind the last where they end."""
        self.needed = array("i")
        """What all tasks need, one task after another."""
        self.namesakes: dict[str, tuple[Any, Any]] = {}
        """Two functions by their name, that have made one task and have not the same code."""
        self._dependants: tuple[array[int], array[int]] | None = None
        self._later: dict[int, array[int]] = {}
        """Dependants by number, as far as they came after the others were turned round."""
        self.add(tasks)

    def add(self, tasks: Iterable[Task[Any]]) -> None:
        """Add tasks, and all that they depend on, as far as they are not there."""
        numbers, needed_by_all = self.numbers, self.needed
        add_task, add_begin = self.tasks.append, self.begins.append
        for task in tasks:
            if task.has_plain_arguments:
                digest = task.known_digest or task.hash_alone()
                if digest not in numbers:
                    numbers[digest] = len(numbers)
                    add_task(task)
                    add_begin(len(needed_by_all))
                elif task.f is not self.tasks[numbers[digest]].f:
                    self._note_namesake(task)
                continue
            edges = self._numbers_of(task.dependencies())
            if None not in edges:
                self._append(task, edges)
                continue
            order = dependencies_first([task], Task.dependencies, _known_digest, self.numbers)
            for one, needed in order:
                self._append(one, self._numbers_of(needed))

    def __len__(self) -> int:
        """Return how many tasks there are."""
        return len(self.tasks)

    @property
    def digests(self) -> Sequence[bytes]:
        """The digests, by number."""
        return list(self.numbers)

    def dependencies_of(self, number: int) -> array[int]:
        """Return the numbers of the tasks that this one needs, each once."""
        return self.needed[self.begins[number] : self.begins[number + 1]]

    def counts_of_needed(self) -> Iterator[int]:
        """Return how many tasks each one needs."""
        return map(sub, islice(self.begins, 1, None), self.begins)

    def dependants_of(self, number: int) -> array[int]:
        """Return the numbers of the tasks that need this one."""
        starts, dependants = self._dependants or self._turn_round()
        is_there = number + 1 < len(starts)  # else it came after all were turned round
        found = dependants[starts[number] : starts[number + 1]] if is_there else dependants[:0]
        return found + self._later[number] if number in self._later else found

    def count_dependants(self, number: int) -> int:
        """Return how many tasks need this one."""
        starts, _ = self._dependants or self._turn_round()
        later = len(self._later[number]) if number in self._later else 0
        return later + (starts[number + 1] - starts[number] if number + 1 < len(starts) else 0)

    def _turn_round(self) -> tuple[array[int], array[int]]:
        self._dependants = self._turned_round()
        return self._dependants

    def with_dependants(self, numbers: Iterable[int]) -> set[int]:
        """Return the tasks with all that depend on them, directly or not."""
        return _closure(numbers, self.dependants_of)

    def with_dependencies(self, numbers: Iterable[int]) -> set[int]:
        """Return the tasks with all that they depend on, directly or not."""
        return _closure(numbers, self.dependencies_of)

    def names(self) -> Iterator[str]:
        """Return the name of each task, by number."""
        return task_names(self.tasks)

    def _numbers_of(self, tasks: Iterable[Task[Any]]) -> list[Any]:
        """Return the numbers of tasks, None for what is not there."""
        return [*map(self.numbers.get, map(_known_digest, tasks))]

    def _note_namesake(self, task: Task[Any]) -> None:
        """Note a task that another function has made too, if the two have other code."""
        first = self.tasks[self.numbers[task.digest]].f
        if are_namesakes(first, task.f):
            self.namesakes.setdefault(task.name, (first, task.f))

    def _append(self, task: Task[Any], edges: Sequence[int]) -> None:
        """Add a task of which all that it needs is there, under these numbers."""
        numbers = self.numbers
        digest = task.known_digest or task.hash_alone()
        if digest in numbers:
            if task.f is not self.tasks[numbers[digest]].f:
                self._note_namesake(task)
            return
        number = numbers[digest] = len(self.tasks)
        self.tasks.append(task)
        if edges:
            once = [*dict.fromkeys(edges)] if len(edges) > 1 else edges
            self.needed.extend(once)
            if self._dependants is not None:
                for needed in once:
                    self._later.setdefault(needed, array("i")).append(number)
        self.begins.append(len(self.needed))

    def _turned_round(self) -> tuple[array[int], array[int]]:
        count = len(self.tasks)
        counts = [0] * count
        for needed in self.needed:
            counts[needed] += 1
        starts = array("q", accumulate(counts, initial=0))
        place = starts[:]
        dependants = array("i", bytes(4 * len(self.needed)))
        for number, needs in enumerate(self.counts_of_needed()):
            for needed in self.dependencies_of(number) if needs else ():
                at = place[needed]
                dependants[at] = number
                place[needed] = at + 1
        return starts, dependants


def _closure(numbers: Iterable[int], next_to: Callable[[int], Iterable[int]]) -> set[int]:
    """Return the numbers with all that is reached from them, step by step."""
    found = set(numbers)
    stack = list(found)
    while stack:
        for one in next_to(stack.pop()):
            if one not in found:
                found.add(one)
                stack.append(one)
    return found
