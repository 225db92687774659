"""Who waits for whom.

A graph gives each task a small number, in an order in which every task comes
after what it depends on, and keeps the edges as two flat arrays of numbers: a
million tasks take tens of megabytes, and nothing ever walks the graph by
recursion.  Tasks with the same hash are one task.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from operator import attrgetter, sub
from typing import Any

from jug.hash.names import task_names
from jug.task.arguments import dependencies_first
from jug.task.task import Task


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
        known_digest, numbers, needed_by_all = attrgetter("known_digest"), self.numbers, self.needed
        add_task, add_begin = self.tasks.append, self.begins.append
        for task in tasks:
            if task.has_plain_arguments:
                digest = task.known_digest or task.hash_alone()
                if digest not in numbers:
                    numbers[digest] = len(numbers)
                    add_task(task)
                    add_begin(len(needed_by_all))
                continue
            order = dependencies_first([task], Task.dependencies, known_digest, self.numbers)
            for one, needed in order:
                self._append(one, needed)
        self._dependants: tuple[array[int], array[int]] | None = None

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
        if self._dependants is None:
            self._dependants = self._turned_round()
        starts, dependants = self._dependants
        return dependants[starts[number] : starts[number + 1]]

    def count_dependants(self, number: int) -> int:
        """Return how many tasks need this one."""
        if self._dependants is None:
            self._dependants = self._turned_round()
        starts, _ = self._dependants
        return starts[number + 1] - starts[number]

    def with_dependants(self, numbers: Iterable[int]) -> set[int]:
        """Return the tasks with all that depend on them, directly or not."""
        return _closure(numbers, self.dependants_of)

    def with_dependencies(self, numbers: Iterable[int]) -> set[int]:
        """Return the tasks with all that they depend on, directly or not."""
        return _closure(numbers, self.dependencies_of)

    def names(self) -> Iterator[str]:
        """Return the name of each task, by number."""
        return task_names(self.tasks)

    def _append(self, task: Task[Any], needed: Sequence[Task[Any]]) -> None:
        """Add a task of which all that it needs is there."""
        numbers = self.numbers
        digest = task.known_digest or task.hash_alone()
        if digest in numbers:
            return
        numbers[digest] = len(self.tasks)
        self.tasks.append(task)
        if needed:
            edges = [numbers[one.digest] for one in needed]
            self.needed.extend(dict.fromkeys(edges) if len(edges) > 1 else edges)
        self.begins.append(len(self.needed))

    def _turned_round(self) -> tuple[array[int], array[int]]:
        count = len(self.tasks)
        starts = array("q", bytes(8 * (count + 1)))
        for needed in self.needed:
            starts[needed + 1] += 1
        for number in range(count):
            starts[number + 1] += starts[number]
        place = starts[:]
        dependants = array("i", bytes(4 * len(self.needed)))
        for number in range(count):
            for at in range(self.begins[number], self.begins[number + 1]):
                needed = self.needed[at]
                dependants[place[needed]] = number
                place[needed] += 1
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
