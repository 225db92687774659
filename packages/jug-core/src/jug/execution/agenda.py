"""What one worker has to do with one reading of the jugfile.

The graph says which task needs which, the plan what may be done next, the memory
which values are at hand.  The agenda puts them together and keeps them in step with
the store: whatever changed there is noted here.

Tasks that belong to another store are used and not run.  They are looked up there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import compress, islice
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from jug.backends.base import BaseStore, Changes, Holder
from jug.execution.census import Census
from jug.execution.failures import recorded_failures
from jug.execution.memory import Memory
from jug.execution.plan import DONE, LATE, SKIPPED, Plan
from jug.execution.prospects import Prospects
from jug.execution.reach import Reach
from jug.execution.ready_tasks import READY
from jug.execution.room import Room
from jug.execution.settings import Settings
from jug.execution.short_tasks import MOST, ShortTasks
from jug.execution.summary import Ending, Summary
from jug.jugfile import Jugspace
from jug.needs import NOTHING, Needs
from jug.task import Task
from jug.task.graph import Graph

if TYPE_CHECKING:
    from jug.execution.budget import Budget
    from jug.selection import Selection

_NOT_DONE: Final = b"[^%c]" % DONE


class Agenda:
    """The tasks of one reading of the jugfile, and how far one worker knows them to be.

    The store must have been polled just before.  `retryable` are the tasks that failed
    before this run and are tried again; the agenda strikes out what fails in this run.
    Where there is a `budget` of time, nothing is offered that does not fit into it, and where
    the `room` on the machine is counted, nothing for which there is none.
    """

    def __init__(
        self,
        jugspace: Jugspace,
        settings: Settings,
        retryable: set[bytes],
        budget: Budget | None = None,
        room: Room | None = None,
    ) -> None:
        self.store = jugspace.store
        self.first = 0
        """The number of the first task that was taken up last."""
        self.graph = Graph(jugspace.tasks)
        self.memory = Memory(self.graph, settings.aggressive_unload)
        self.retryable = retryable
        self.budget = budget
        self._room = _counted(room, self.graph.tasks)
        self._in_other_stores = _in_other_stores(self.store, self.graph.tasks)
        self.selected = self._selection(settings.select)
        """Whether a task may run at all, by its number; None if all may."""
        self.plan = Plan(
            self.graph,
            self._find_done(),
            self.store.failures(),
            retryable,
            self.selected,
            self._room,
        )
        self._select = settings.select
        self._read = len(jugspace.tasks)
        self._come_to_barrier(jugspace)

    def can_read_on(self, jugspace: Jugspace) -> bool:
        """Return whether what was read since can simply be added, so that nothing else changes."""
        if self.selected is not None or self._room is not None:
            return False
        new = jugspace.tasks[self._read :]
        needs = {options.needs.without_tags() for options in {task.options for task in new}}
        return (
            jugspace.store is self.store
            and needs <= {NOTHING}
            and not any(task.own_store for task in new)
        )

    def read_on(self, jugspace: Jugspace) -> None:
        """Take up the tasks that the same reading of the jugfile has made since."""
        self.first = len(self.graph)
        self.graph.add(islice(jugspace.tasks, self._read, None))
        self._read = len(jugspace.tasks)
        done = self.store.exists(islice(self.graph.numbers, self.first, None))
        self.plan.extend(done, self.store.failures())
        if not jugspace.barrier_tasks:  # the jugfile has ended, and asks for them no more
            self.memory.forget()
        self._come_to_barrier(jugspace)

    def _come_to_barrier(self, jugspace: Jugspace) -> None:
        states, awaited = self.plan.states, jugspace.barrier_tasks
        self.has_barrier = bool(awaited)
        if awaited is jugspace.tasks:
            self._barrier_tasks = [found.start() for found in re.finditer(_NOT_DONE, states)]
        else:
            numbers = (self.graph.numbers[task.digest] for task in awaited)
            self._barrier_tasks = [number for number in numbers if states[number] != DONE]
        reach = None if self._room is None else Reach(self.store, self._room.capacity)
        self.prospects = Prospects(
            self.plan, self.budget, self._barrier_tasks, self._in_other_stores, reach
        )

    def _find_done(self) -> list[bool]:
        done = self.store.exists(self.graph.numbers)
        for number in self._in_other_stores:
            done[number] = self.graph.tasks[number].can_load()
        return done

    def _selection(self, select: Selection | None) -> Callable[[int], bool] | None:
        others = self._in_other_stores
        if select is None:
            return (lambda number: number not in others) if others else None
        # What has failed before this run counts as such, also if it was done since.
        failed = self.retryable | self.store.failures().keys() if select.failed else ()
        chosen = set(select.numbers(self.graph, failed)) - others
        return chosen.__contains__

    # What to do next

    @cached_property
    def census(self) -> Census:
        """The tasks by name and state, for who wants to know."""
        return Census(self.plan)

    def done_tasks(self) -> Iterator[Task[Any]]:
        """Yield the tasks whose results are there, of those that were taken up last."""
        tasks, states = self.graph.tasks, self.plan.states
        return compress(islice(tasks, self.first, None), map(DONE.__eq__, states[self.first :]))

    def count_tried_again(self) -> int:
        """Return how many of the tasks that it may run have failed before."""
        numbers, states = self.graph.numbers, self.plan.states
        found = (numbers[digest] for digest in self.retryable if digest in numbers)
        return sum(states[number] not in (DONE, SKIPPED) for number in found)

    def candidates(self) -> list[bytes]:
        """Return tasks to try, the best first; empty if none is ready as far as is known."""
        tasks, budget = self.graph.tasks, self.budget
        numbers = self.plan.candidates() if budget is None else self._that_fit(budget)
        return [tasks[number].digest for number in numbers]

    def take_room(self, digest: bytes) -> bool:
        """Take room for a task whose lease is to be tried; return False if others were quicker.

        Once somebody has the lease the task keeps no turn any more, and a smaller one could
        take its room: so it is to be taken before.
        """
        room = self._room
        return room is None or room.take(self._needs_of(digest))

    def with_room(self, candidates: list[bytes]) -> list[bytes]:
        """Return those that need no more than the worker has of the machine by now.

        Nothing if the first of them needs more, which keeps its turn.
        """
        room = self._room
        if room is None:
            return candidates
        found = [digest for digest in candidates if room.has_taken(self._needs_of(digest))]
        return found if found[:1] == candidates[:1] else []

    def _needs_of(self, digest: bytes) -> Needs:
        return self.graph.tasks[self.graph.numbers[digest]].needs

    def short_candidates(self, short: ShortTasks) -> list[bytes]:
        """Return several short tasks to take together, none where there is no use in that.

        Where time or room is counted each task is looked at when it is to begin.
        """
        if self.budget is not None or self._room is not None:
            return []
        tasks = self.graph.tasks
        first = self.plan.ready.first(2)
        if len(first) < 2 or not short.has(tasks[first[0]].name):
            return []
        chosen = short.first_of(tasks[number] for number in self.plan.first_of_turn(MOST))
        return chosen if len(chosen) > 1 else []

    def ready_of(self, digests: Iterable[bytes]) -> list[bytes]:
        """Return which of these tasks are ready, as far as is known."""
        numbers, states = self.graph.numbers, self.plan.states
        return [one for one in digests if one in numbers and states[numbers[one]] == READY]

    def _that_fit(self, budget: Budget) -> list[int]:
        """Return tasks to try that fit into the time that is left; put off what does not."""
        if budget.has_learnt():
            self.plan.take_up()
        tasks, now = self.graph.tasks, budget.now()
        while True:
            numbers = self.plan.candidates()
            wanted = (*numbers, *self.plan.ready.kept_back)
            late = [number for number in wanted if budget.latest_start(tasks[number]) < now]
            if not late:
                return numbers
            self.plan.put_off(late)

    def accept(self, digest: bytes) -> bool:
        """Return whether a task that was taken is still to be done, and fits."""
        number = self.graph.numbers[digest]
        if self.plan.states[number] != READY:
            return False
        task, budget, room = self.graph.tasks[number], self.budget, self._room
        # The store may have taken long to answer, and others may have been quicker.
        in_time = budget is None or budget.is_time_for(task)
        return in_time and (room is None or room.take(task.needs))

    def all_taken(self, candidates: Sequence[bytes], holders: Mapping[bytes, Holder]) -> None:
        """Note that no candidate was free: each is done, or somebody holds it."""
        for digest in candidates:
            if self.store.has(digest):
                self.plan.finish(self.graph.numbers[digest])
        self.plan.put_aside(holders)

    def heeds_holders(self) -> bool:
        """Return whether it matters for what is offered next who holds what."""
        plan = self.plan
        return bool(plan.ready.kept_back or (self._room is not None and plan.held))

    def note_holders(self, holders: Mapping[bytes, Holder]) -> None:
        """Note what others hold by now: what they do not has its turn, what they do keeps none."""
        alive = {digest: holder.alive for digest, holder in holders.items()}
        self.plan.reconsider(alive)
        if self.plan.ready.kept_back:
            self.plan.put_aside(compress(alive, alive.values()))

    def waits_for_room(self) -> bool:
        """Return whether there was nothing to offer just now for want of room on the machine."""
        return self.plan.ready.waits_for_room

    def is_barrier_open(self) -> bool:
        """Return whether the jugfile can be read further by now."""
        while self._barrier_tasks and self.plan.states[self._barrier_tasks[-1]] == DONE:
            self._barrier_tasks.pop()
        return self.has_barrier and not self._barrier_tasks

    def is_over(self) -> bool:
        """Return whether all is done that is known, and no more will be."""
        return not (self.plan.left or self.has_barrier)

    def see(self, holders: Mapping[bytes, Holder]) -> None:
        """Note who holds what by now, and what there is in other stores."""
        self.note_holders(holders)
        for number in self._in_other_stores:
            if self.graph.tasks[number].can_load():
                self.plan.finish(number)

    def waited_for(self, holders: Mapping[bytes, Holder]) -> list[Task[Any]]:
        """Return the tasks that are waited for as somebody holds them, once that was seen."""
        numbers, states = self.graph.numbers, self.plan.states
        alive = (numbers.get(digest) for digest, holder in holders.items() if holder.alive)
        others = [n for n in alive if n is not None and states[n] in (READY, LATE, SKIPPED)]
        return [self.graph.tasks[n] for n in (*self.plan.held, *self.prospects.needed(others))]

    def count_failed_before(self) -> int:
        """Return how many of the tasks that others are to run for this one failed before."""
        numbers, states = self.graph.numbers, self.plan.states
        found = (numbers[digest] for digest in self.retryable if digest in numbers)
        return len(self.prospects.needed(n for n in found if states[n] == SKIPPED))

    # What happened

    def note(self, changes: Changes) -> None:
        """Take over what changed in the store."""
        if self.budget is not None:
            self.budget.runs.hear(changes.finished)
        numbers, failures = self.graph.numbers, self.store.failures()
        self.retryable.difference_update(changes.failed)
        for digest in changes.removed:
            if digest in numbers:
                self.graph.tasks[numbers[digest]].unload()
        for digest in (*changes.removed, *changes.failed, *changes.finished):
            number = numbers.get(digest)
            if number is None:
                continue
            if self.store.has(digest):
                self.plan.finish(number)
            elif digest not in failures:
                self.plan.reopen(number)
            elif failures[digest] or digest not in self.retryable:
                self.plan.fail(number)

    def reopen_missing(self, inputs: Sequence[int]) -> None:
        """Note which of a task's inputs are gone: removed by others, or found damaged here."""
        for needed in inputs:
            if not self.graph.tasks[needed].is_done(self.store):
                self.plan.reopen(needed)

    def own_digests(self, numbers: Sequence[int]) -> list[bytes]:
        """Return the digests of those tasks that are of this store."""
        tasks, others = self.graph.tasks, self._in_other_stores
        if not others:
            return [*map(_known_digest, map(tasks.__getitem__, numbers))]
        return [tasks[number].digest for number in numbers if number not in others]

    # The end

    def _left(self) -> Iterator[Task[Any]]:
        """Return the tasks that are still to be done."""
        return compress(self.graph.tasks, (state < DONE for state in self.plan.states))

    def ending(self) -> Ending:
        """Return why there is nothing more to do."""
        if self.is_over():
            return Ending.UNMATCHED if self._unmatched() else Ending.DONE
        if self._failed():
            return Ending.FAILED
        if self.prospects.are_late or self.plan.has_put_off():
            return self._ending_for_time()
        return Ending.TOO_LARGE if self.plan.ready.has_too_large() else Ending.STUCK

    def ending_of_wait(self, holders: Mapping[bytes, Holder]) -> Ending:
        """Return why to wait no longer, given who holds what."""
        if self.waited_for(holders):
            return Ending.WAITED
        return Ending.TOO_LARGE if self.plan.ready.has_too_large() else Ending.UNSELECTED

    def _failed(self) -> list[int]:
        """Return what failed of what was selected, and of what that needs."""
        return sorted(self.plan.failed | {*self.prospects.needed(self.plan.lost)})

    def _ending_for_time(self) -> Ending:
        """Return how a worker ends that has no time for what is left."""
        budget = self.budget
        return Ending.PAST if budget is not None and not budget.end.seconds else Ending.TIME

    def _unmatched(self) -> str:
        return "" if self._select is None else self._select.no_match(self.graph)

    def sum_up(self, summary: Summary) -> None:
        """Add to a worker's summary what of the tasks is done, left and blocked."""
        if summary.ending is Ending.UNMATCHED:
            summary.unmatched = self._unmatched()
        self.census.update()
        summary.at_barrier = self.has_barrier and not self.is_barrier_open()
        summary.left = self.plan.left
        if self.budget is not None and summary.ending is Ending.TIME:
            summary.too_long = self.budget.too_long(self._left())
        if self._room is not None and self.plan.left:
            from jug.execution.too_large import too_large  # few runs come here

            summary.too_large = too_large(self._left(), self._room.capacity)
        summary.blocked = len(self.plan.blocked())
        here = {failure.digest for failure in summary.failures}
        failed = (self.graph.tasks[number] for number in self._failed())
        elsewhere = (task for task in failed if task.digest.hex() not in here)
        summary.failures_elsewhere = recorded_failures(self.store, elsewhere)
        summary.loaded = self.census.done() - summary.executed


_known_digest = attrgetter("known_digest")


def _counted(room: Room | None, tasks: Iterable[Task[Any]]) -> Room | None:
    """Return the room if it is counted, as it was said how much there is, or a task needs it."""
    if room is None:
        return None
    room.count_for(options.needs for options in set(map(attrgetter("options"), tasks)))
    return room if room.is_counted else None


def _in_other_stores(store: BaseStore, tasks: Sequence[Task[Any]]) -> set[int]:
    """Return the numbers of the tasks that belong to another store."""
    return {
        number
        for number, task in enumerate(tasks)
        if task.own_store is not None and task.own_store is not store
    }
