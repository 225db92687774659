"""What one worker may do next.

A plan counts, for each task, the dependencies that are not done.  Tasks with none
left are ready.  As results come in, from this worker or from others, the counts go
down and more tasks become ready; nothing ever looks at all tasks again.

Tasks begin in the order of the jugfile: programs lean on it where one task uses what
another has written to a file.  Of W workers on the same tasks each would reach for the
first one.  So the store tells each its *turn*, a number below W, and a worker that knows
of others offers the first 2 W ready tasks, those of its own turn, which are every W-th,
before all others.  Thus no task begins while more than 2 W ready tasks before it are
neither begun nor held, when workers leave half a second later; of short tasks, of which a
worker takes several at a time, as many times more.  What others were seen to hold is put aside;
whether they still do is looked at when a worker has left, when room on the machine is counted,
and when there is nothing else to do.  What would not fit into the time that there is left is put
off.  What there is no room for is passed over (`jug.execution.ready_by_needs`).
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Mapping
from itertools import islice, repeat
from typing import TYPE_CHECKING, Final

from jug.execution.ready_tasks import READY, ReadyTasks
from jug.execution.room import Room
from jug.task.graph import Graph

if TYPE_CHECKING:
    from jug.execution.ready_by_needs import ReadyByNeeds

WAITING: Final = 0
HELD: Final = 2
LATE: Final = 3
DONE: Final = 4
FAILED: Final = 5
SKIPPED: Final = 6


class Plan:
    """The state of each task of a graph, and those that are ready.

    `retryable` are the tasks whose failures came before this worker and are to be
    tried again; `selected` says of a task's number whether it may run at all.  Where the
    `room` on the machine is counted, a task is offered only while there is room for it.
    """

    def __init__(
        self,
        graph: Graph,
        done: list[bool],
        failures: Mapping[bytes, bool],
        retryable: set[bytes],
        selected: Callable[[int], bool] | None = None,
        room: Room | None = None,
    ) -> None:
        self.graph = graph
        self.retryable = retryable
        self.failed: set[int] = set()
        """What was selected and has failed."""
        self.lost: set[int] = set()
        """What was not selected and has failed, as far as nobody else is to try it again."""
        self.held: set[int] = set()
        self.states = bytearray()
        self.unmet = array("i")
        """How many dependencies of each task that is not done are not done."""
        self.left = 0
        self._turn, self.workers = 0, 1
        self._selected = selected
        self._room = room
        ready = self._count(done, failures)
        self.ready: ReadyTasks | ReadyByNeeds
        if room is None:
            self.ready = ReadyTasks(ready, self.states)
        else:
            from jug.execution.ready_by_needs import ReadyByNeeds  # few tasks say what they need

            self.ready = ReadyByNeeds(ready, self.states, graph.tasks, room)

    def extend(self, done: list[bool], failures: Mapping[bytes, bool]) -> None:
        """Go on to the tasks that came to the graph since, given which of them are done."""
        for number in self._count(done, failures):
            self.ready.add(number)

    def _count(self, done: list[bool], failures: Mapping[bytes, bool]) -> list[int]:
        """Count what each task waits for that is not known yet; return those that are ready."""
        states, graph, ready = self.states, self.graph, list[int]()
        begins, selected = graph.begins, self._selected
        first = len(states)
        states.extend(DONE if is_done else WAITING for is_done in done)
        self.unmet.extend(repeat(0, len(done)))
        for number, digest in enumerate(islice(graph.numbers, first, None), start=first):
            if states[number] == DONE:
                continue
            unmet = 0
            if begins[number] != begins[number + 1]:
                unmet = self.unmet[number] = self._count_unmet(number)
            if selected is None or selected(number):
                self.left += 1
            else:
                states[number] = SKIPPED
            if digest in failures and (failures[digest] or digest not in self.retryable):
                self.fail(number)
            elif unmet == 0 and states[number] == WAITING:
                states[number] = READY
                ready.append(number)
        return ready

    def _count_unmet(self, number: int) -> int:
        states = self.states
        return sum(states[needed] != DONE for needed in self.graph.dependencies_of(number))

    def is_selected(self, number: int) -> bool:
        """Return whether a task may run at all."""
        return self._selected is None or self._selected(number)

    def selected(self) -> Iterable[bool]:
        """Return of each task whether it may run at all."""
        count = len(self.states)
        return repeat(True, count) if self._selected is None else map(self._selected, range(count))

    # What to do next

    def candidates(self) -> list[int]:
        """Return tasks to try, the best first; empty if none is ready as far as is known."""
        if self._room is not None:  # what is begun waits for no room, and keeps no turn
            self.put_aside(self._room.running_beside())
        if self.workers == 1:
            return self.ready.first(1)
        from random import randrange  # which one worker does without

        first = self.ready.first(2 * self.workers)
        own = [number for number in first if number % self.workers == self._turn]
        others = [number for number in first if number % self.workers != self._turn]
        at = randrange(len(others)) if others else 0  # not all for the first one, here too
        return own + others[at:] + others[:at]

    def first_of_turn(self, count: int) -> list[int]:
        """Return the first tasks that are ready and this worker's turn, up to a count."""
        if self.workers == 1:
            return self.ready.first(count)
        first = self.ready.first(2 * count * self.workers)
        own = [number for number in first if number % self.workers == self._turn]
        return own[:count]

    def take_turns(self, turn: int, workers: int) -> None:
        """Take every task that is this worker's turn first, of so many workers'."""
        self._turn, self.workers = turn, workers

    def put_aside(self, held: Iterable[bytes]) -> None:
        """Note what other workers hold, of what this one might take over."""
        for digest in held:
            number = self.graph.numbers.get(digest)
            if number is not None and self.states[number] == READY and self._may_run_here(number):
                self.states[number] = HELD
                self.held.add(number)

    def _may_run_here(self, number: int) -> bool:
        return self._room is None or self._room.capacity.has(self.graph.tasks[number].needs)

    def reconsider(self, held: Mapping[bytes, bool]) -> None:
        """Put back what others do not hold any more, given who holds what and is alive."""
        for number in sorted(self.held):
            if not held.get(self.graph.tasks[number].digest, False):
                self.held.discard(number)
                self._make_ready(number)

    def put_off(self, numbers: Iterable[int]) -> None:
        """Do not offer these tasks, which are ready, any more."""
        for number in numbers:
            self.states[number] = LATE

    def take_up(self) -> None:
        """Offer again what was put off."""
        at = -1
        while (at := self.states.find(LATE, at + 1)) >= 0:
            self._make_ready(at)

    def has_put_off(self) -> bool:
        """Return whether something was put off that is not done yet."""
        return LATE in self.states

    def _make_ready(self, number: int) -> None:
        self.states[number] = READY
        self.ready.add(number)

    # What happened

    def finish(self, number: int) -> None:
        """Note that a task is done, by whichever worker."""
        states = self.states
        if states[number] == DONE:
            return
        if states[number] != SKIPPED:
            self.left -= 1
        else:
            self.lost.discard(number)
        self.held.discard(number)
        self.failed.discard(number)
        states[number] = DONE
        unmet = self.unmet
        for dependant in self.graph.dependants_of(number):
            unmet[dependant] = left = unmet[dependant] - 1
            if not left and states[dependant] == WAITING:
                self._make_ready(dependant)

    def fail(self, number: int) -> None:
        """Note that a task failed and is not to be tried again, by this worker or for it."""
        if self.states[number] == SKIPPED:
            self.lost.add(number)
        elif self.states[number] != DONE:
            self.held.discard(number)
            self.failed.add(number)
            self.states[number] = FAILED

    def reopen(self, number: int) -> None:
        """Note that a result, or a failure, is not there any more."""
        self.lost.discard(number)
        if self.states[number] == DONE:
            self._undo(number)
        elif self.states[number] != FAILED:
            return
        self.failed.discard(number)
        self.states[number] = WAITING if self.is_selected(number) else SKIPPED
        if self.unmet[number] == 0 and self.states[number] == WAITING:
            self._make_ready(number)

    def _undo(self, number: int) -> None:
        self.left += self.is_selected(number)
        self.unmet[number] = self._count_unmet(number)  # of what was found done it is not known
        for dependant in self.graph.dependants_of(number):
            self.unmet[dependant] += 1
            if self.states[dependant] in (READY, HELD, LATE):
                self.held.discard(dependant)
                self.states[dependant] = WAITING

    def blocked(self) -> list[int]:
        """Return the tasks that can't run because something that they need failed."""
        waiting = self.graph.with_dependants(self.failed | self.lost) - self.failed
        return [number for number in waiting if self.states[number] == WAITING]
