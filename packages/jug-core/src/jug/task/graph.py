"""Who waits for whom.

A graph gives each task a small number, in an order in which every task comes
after what it depends on, and keeps the edges as two flat arrays of numbers: a
million tasks take tens of megabytes, and nothing ever walks the graph by
recursion.  Tasks with the same hash are one task.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate
from operator import attrgetter
from typing import Any

from jug.hash.names import task_names
from jug.task.arguments import dependencies_first
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
    >>> list(graph.dependants())
    [1]
    """

    def __init__(self, tasks: Iterable[Task[Any]]) -> None:
        self.tasks: list[Task[Any]] = []
        self.numbers: dict[bytes, int] = {}
        self._starts = array("q", [0])
        self._dependencies = array("i")
        for task in tasks:
            if task.has_plain_arguments:
                self._append(task, ())
                continue
            edges = self._numbers_of(task.dependencies())
            if None not in edges:
                self._append(task, edges)
                continue
            order = dependencies_first([task], Task.dependencies, _known_digest, self.numbers)
            for one, needed in order:
                self._append(one, self._numbers_of(needed))
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
        return self._dependencies[self._starts[number] : self._starts[number + 1]]

    def dependants(self) -> Iterator[int]:
        """Yield the numbers of all tasks that need others, each after those."""
        begin = 0
        for number, end in enumerate(self._starts[1:]):
            if end > begin:
                yield number
            begin = end

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

    def _numbers_of(self, tasks: Iterable[Task[Any]]) -> list[Any]:
        """Return the numbers of tasks, None for what is not there."""
        return [*map(self.numbers.get, map(_known_digest, tasks))]

    def _append(self, task: Task[Any], edges: Sequence[int]) -> None:
        """Add a task of which all that it needs is there, under these numbers."""
        numbers = self.numbers
        digest = task.known_digest or task.hash_alone()
        if digest in numbers:
            return
        numbers[digest] = len(self.tasks)
        self.tasks.append(task)
        if edges:
            self._dependencies.extend(dict.fromkeys(edges) if len(edges) > 1 else edges)
        self._starts.append(len(self._dependencies))

    def _turned_round(self) -> tuple[array[int], array[int]]:
        count = len(self.tasks)
        needed_by = Counter(self._dependencies)
        starts = array("q", accumulate(map(needed_by.__getitem__, range(count)), initial=0))
        place = list(starts)
        dependants = array("i", bytes(4 * len(self._dependencies)))
        for number in self.dependants():
            for needed in self.dependencies_of(number):
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
