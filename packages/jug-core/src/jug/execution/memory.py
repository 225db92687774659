"""Which values stay in a worker's memory.

Values of other tasks are read afresh for each task, so that a function which changes
its arguments can't spoil another's.  Only what is small, can't change and is needed by
more than one task of the graph stays, until the worker reads the jugfile again, or to its end.

A jugfile that is read on beyond a barrier keeps the values that it has asked for, as in each
other process: those are not the ones that tasks are given.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from jug.task import Task
from jug.task.arguments import ATOMS
from jug.task.graph import Graph
from jug.task.task import MISSING

_NUMBERS: Final = frozenset({int, float, bool})
_SHORT: Final = 256  # characters up to which a string is kept in memory


def forget_changeable(tasks: Iterable[Task[Any]]) -> None:
    """Forget values that a task was given and may have changed, for the next attempt or task.

    That goes by the tasks in its arguments: one that was made twice is in the graph once.
    """
    for task in tasks:
        if type(task.loaded_value) not in ATOMS:
            task.unload()


class Memory:
    """The values of a graph's tasks, as far as one worker keeps them: none at first."""

    def __init__(self, graph: Graph, aggressive_unload: bool) -> None:
        self._graph = graph
        self._keeps_nothing = aggressive_unload
        self._always_small: frozenset[type] = frozenset() if aggressive_unload else _NUMBERS
        self._once = bytearray()
        self.forget()

    def forget(self) -> None:
        """Forget the values of all tasks, which may not count any more."""
        for task in self._graph.tasks:
            task.loaded_value = MISSING

    def take_aside(self, tasks: Iterable[Task[Any]]) -> list[tuple[Task[Any], Any]]:
        """Take from tasks the values that the jugfile has asked for, and may have changed.

        Give them to `put_back`, so that the jugfile has them again.
        """
        held, always_small = [], self._always_small
        for task in tasks:
            value = task.loaded_value
            if type(value) not in always_small and task.is_loaded() and not self._is_small(value):
                held.append((task, value))
                task.unload()
        return held

    def put_back(self, held: list[tuple[Task[Any], Any]]) -> None:
        """Let tasks have the values that were taken aside."""
        for task, value in held:
            task.keep(value)

    def keep(self, number: int, result: Any) -> None:
        """Keep a value that was just computed, if other tasks need it."""
        is_small = type(result) in self._always_small or self._is_small(result)
        if is_small and self._graph.count_dependants(number):
            self._graph.tasks[number].keep(result)

    def unload(self, inputs: Sequence[int]) -> None:
        """Forget what a task was given, as far as it is large or nothing else will need it."""
        once, tasks, always_small = self._needed_once(), self._graph.tasks, self._always_small
        for needed in inputs:
            value = tasks[needed].loaded_value
            if once[needed] or not (type(value) in always_small or self._is_small(value)):
                tasks[needed].unload()

    def _needed_once(self) -> Sequence[int]:
        """Return of each task whether its value is not kept for others than the next.

        What tasks that came later need is not looked at again: it is read again then.
        """
        new = range(len(self._once), len(self._graph))
        if self._keeps_nothing:
            self._once.extend(b"\1" * len(new))
        elif new:
            self._once.extend(count <= 1 for count in map(self._graph.count_dependants, new))
        return self._once

    def _is_small(self, value: Any) -> bool:
        if self._keeps_nothing or type(value) not in ATOMS:
            return False
        return type(value) not in (str, bytes) or len(value) <= _SHORT
