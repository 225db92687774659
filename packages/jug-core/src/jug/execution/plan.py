"""What one worker may do next.

A plan counts, for each task, the dependencies that are not done.  Tasks with
none left lie in a pool.  As results come in, from this worker or from others,
the counts go down and more tasks fall into the pool; nothing ever looks at all
tasks again.

Several workers on the same tasks would all reach for the same one.  So each
begins at a place of its own and goes on from there, what its own results made
ready first; whenever it finds that another was quicker it offers a few tasks
from random places as well, and goes on at the one that it got.  What others were
seen to hold is put aside until there is nothing else to do.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Mapping
from random import randrange
from typing import Final

from jug.task.graph import Graph

WAITING: Final = 0
READY: Final = 1
HELD: Final = 2
DONE: Final = 3
FAILED: Final = 4
SKIPPED: Final = 5

_MANY: Final = 8  # tasks to offer at once when others work on the same ones


class Plan:
    """The state of each task of a graph, and the pool of those that are ready.

    `retryable` are the tasks whose failures came before this worker and are to be
    tried again; `selected` says of a task's number whether it may run at all; `start`
    is the place among the ready tasks at which to begin, between 0 and 1.
    """

    def __init__(
        self,
        graph: Graph,
        done: list[bool],
        failures: Mapping[bytes, bool],
        retryable: set[bytes],
        selected: Callable[[int], bool] | None = None,
        start: float = 0.0,
    ) -> None:
        self.graph = graph
        self.retryable = retryable
        self.failed: set[int] = set()
        self.held: set[int] = set()
        self.states = bytearray(len(graph))
        self.unmet = array("i", bytes(4 * len(graph)))
        self.left = 0
        self._selected = selected
        self._pool: list[int] = []
        self._places: dict[int, int] = {}
        self._width = 1
        for number, is_done in enumerate(done):
            if is_done:
                self.states[number] = DONE
        self._count(failures)
        self._cursor = int(len(self._pool) * (1.0 - start)) - 1

    def _count(self, failures: Mapping[bytes, bool]) -> None:
        states, graph = self.states, self.graph
        for number, digest in enumerate(graph.numbers):
            if states[number] == DONE:
                continue
            unmet = sum(states[needed] != DONE for needed in graph.dependencies_of(number))
            self.unmet[number] = unmet
            if not self._is_selected(number):
                states[number] = SKIPPED
                continue
            self.left += 1
            if digest in failures and (failures[digest] or digest not in self.retryable):
                self.fail(number)
            elif unmet == 0:
                states[number] = READY
                self._pool.append(number)
        self._pool.reverse()

    def _is_selected(self, number: int) -> bool:
        return self._selected is None or self._selected(number)

    # What to do next

    def candidates(self) -> list[int]:
        """Return tasks to try, the best first; empty if none is ready as far as is known."""
        pool, states = self._pool, self.states
        while pool:
            at = self._cursor if 0 <= self._cursor < len(pool) else len(pool) - 1
            number = pool[at]
            if states[number] == READY:
                self._cursor = at
                self._places = {number: at}
                return [number] if self._width == 1 else self._with_others()
            last = pool.pop()
            if at < len(pool):
                pool[at] = last
            self._cursor = at - 1
        return []

    def _with_others(self) -> list[int]:
        for _ in range(_MANY - 1):
            at = randrange(len(self._pool))
            number = self._pool[at]
            if self.states[number] == READY:
                self._places.setdefault(number, at)
        return list(self._places)

    def took(self, number: int) -> None:
        """Note which of the last candidates this worker got, to go on from there."""
        self._cursor = self._places[number]

    def collided(self, held: Iterable[bytes]) -> None:
        """Note that all candidates were taken, and put aside what others hold."""
        self._width = _MANY
        for digest in held:
            number = self.graph.numbers.get(digest)
            if number is not None and self.states[number] == READY:
                self.states[number] = HELD
                self.held.add(number)
        self._cursor = randrange(len(self._pool)) if self._pool else -1

    def reconsider(self, held: Mapping[bytes, bool]) -> None:
        """Put back what others do not hold any more, given who holds what and is alive."""
        for number in sorted(self.held, reverse=True):
            if not held.get(self.graph.tasks[number].digest, False):
                self.held.discard(number)
                self._make_ready(number)

    def _make_ready(self, number: int, next_to_run: bool = True) -> None:
        self.states[number] = READY
        self._pool.append(number)
        if next_to_run:
            self._cursor = len(self._pool) - 1

    # What happened

    def finish(self, number: int, own: bool = True) -> None:
        """Note that a task is done, by this worker's own work or another's."""
        states = self.states
        if states[number] == DONE:
            return
        if states[number] != SKIPPED:
            self.left -= 1
        self.held.discard(number)
        self.failed.discard(number)
        states[number] = DONE
        for dependant in self.graph.dependants_of(number):
            self.unmet[dependant] -= 1
            if self.unmet[dependant] == 0 and states[dependant] == WAITING:
                self._make_ready(dependant, next_to_run=own)

    def fail(self, number: int) -> None:
        """Note that a task failed and is not to be tried again by this worker."""
        if self.states[number] not in (DONE, SKIPPED):
            self.held.discard(number)
            self.failed.add(number)
            self.states[number] = FAILED

    def reopen(self, number: int) -> None:
        """Note that a result, or a failure, is not there any more."""
        if self.states[number] == DONE:
            self._undo(number)
        elif self.states[number] != FAILED:
            return
        self.failed.discard(number)
        self.states[number] = WAITING if self._is_selected(number) else SKIPPED
        if self.unmet[number] == 0 and self.states[number] == WAITING:
            self._make_ready(number)

    def _undo(self, number: int) -> None:
        self.left += self._is_selected(number)
        for dependant in self.graph.dependants_of(number):
            self.unmet[dependant] += 1
            if self.states[dependant] in (READY, HELD):
                self.held.discard(dependant)
                self.states[dependant] = WAITING

    def blocked(self) -> int:
        """Return how many tasks can't run because something that they need failed."""
        waiting = self.graph.with_dependants(self.failed) - self.failed
        return sum(self.states[number] == WAITING for number in waiting)
