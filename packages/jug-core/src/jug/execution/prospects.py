"""What may still come for a worker that has nothing to do.

That is a task which somebody else runs, and which the worker would take over if he died; one
that waits for nothing but what others run or are to run; or whatever there is beyond a barrier.
Others are to run what this worker may not: where it was told to run chosen tasks alone, the
rest is somebody else's, who need not even have begun.  But nobody makes what has failed, or
what no worker has room for that lives, and whether anybody makes what belongs to another store
is not known.

A place in a cluster costs something also while its worker waits.  So one that must end waits
for what may come in time, and for nothing else.  Each task is taken to begin as soon as all
is there that it needs, and to take as long as any of its name.

Many tasks may have to be looked at for that.  So what was found to come is believed for fifty
times as long as it took to find it.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from math import inf
from typing import TYPE_CHECKING, Final

from jug.backends.base import Holder
from jug.execution.plan import DONE, FAILED, LATE, SKIPPED, WAITING, Plan
from jug.execution.reach import Reach

if TYPE_CHECKING:
    from jug.execution.budget import Budget

__all__ = ["Prospects"]

_SHARE: Final = 0.02  # of the time of a wait that may go into looking


class Prospects:
    """What may come for a worker by its plan, in time if there is a budget.

    `barrier_tasks` are those that the jugfile waits for, and `elsewhere` those of other stores;
    `reach` says what this worker's machine, or any other's, has room for, where that is counted.
    """

    def __init__(
        self,
        plan: Plan,
        budget: Budget | None = None,
        barrier_tasks: Collection[int] = (),
        elsewhere: Collection[int] = (),
        reach: Reach | None = None,
    ) -> None:
        self.are_late = False
        """Whether something may come, as seen last, but too late."""
        self._plan = plan
        self._budget = budget
        self._barrier_tasks = barrier_tasks
        self._elsewhere = elsewhere
        self._reach = reach
        self._ends: dict[int, float] = {}
        self._now = 0.0
        self._next_look = 0.0

    def are_there(self, holders: Mapping[bytes, Holder]) -> bool:
        """Return whether something may still come in time, given who holds what."""
        began = time.monotonic()
        if began < self._next_look:
            return True
        self._now = 0.0 if self._budget is None else self._budget.now()
        self._ends = dict(self._ends_of_held(holders))
        if self._reach is not None:
            self._reach.look()
        self.are_late = False
        found = any(self._is_in_time(*chance) for chance in self._chances())
        ended = time.monotonic()
        self._next_look = ended + (ended - began) / _SHARE if found else 0.0
        return found

    def _is_in_time(self, moment: float, latest: float) -> bool:
        self.are_late = self.are_late or latest < moment < inf
        return moment <= latest and moment < inf

    def _chances(self) -> Iterator[tuple[float, float]]:
        """Yield when something may come at the earliest, inf for never, and when at the latest."""
        plan, ends = self._plan, self._ends
        for number in plan.held & ends.keys():
            yield self._now, self._latest_start(number)
        at = -1
        while (at := plan.states.find(WAITING, at + 1)) >= 0:
            if not self._may_run_here(at):
                continue
            self._foresee(plan.graph.dependencies_of(at))
            yield self._begin_of(at), self._latest_start(at)
        if self._barrier_tasks:
            self._foresee(self._barrier_tasks)
            yield self._last_end(self._barrier_tasks), self._last_save()

    def _may_run_here(self, number: int) -> bool:
        return self._reach is None or self._reach.is_here(self._plan.graph.tasks[number])

    def _may_run_somewhere(self, number: int) -> bool:
        return self._reach is None or self._reach.is_anywhere(self._plan.graph.tasks[number])

    # What is waited for

    def needed(self, numbers: Iterable[int]) -> list[int]:
        """Return which of these a task needs that waits here, or a barrier, directly or not."""
        wanted = set(self._barrier_tasks)
        useless = set[int]()
        return [number for number in numbers if self._leads_to(wanted, number, useless)]

    def _leads_to(self, wanted: set[int], number: int, useless: set[int]) -> bool:
        """Return whether one of these, or one that waits, needs a task; note what nobody needs."""
        states, graph = self._plan.states, self._plan.graph
        found, stack = {number}, [number]
        while stack:
            one = stack.pop()
            if states[one] == WAITING or one in wanted:
                return True
            undone = {after for after in graph.dependants_of(one) if states[after] != DONE}
            stack += undone - found - useless
            found |= undone
        useless |= found
        return False

    def undone_by_others(self) -> Counter[str]:
        """Return how many tasks of each name others are to run, of which the next here wait."""
        plan, states = self._plan, self._plan.states
        needed = set(self._barrier_tasks)
        at = -1
        while (at := states.find(WAITING, at + 1)) >= 0:
            needed.update(plan.graph.dependencies_of(at))
        others = (n for n in needed if states[n] == SKIPPED and n not in self._elsewhere)
        return Counter(plan.graph.tasks[number].name for number in others)

    # When tasks end

    def _ends_of_held(self, holders: Mapping[bytes, Holder]) -> Iterator[tuple[int, float]]:
        """Yield the tasks that others run by now, and when they may be done."""
        numbers, states = self._plan.graph.numbers, self._plan.states
        for digest, holder in holders.items():
            number = numbers.get(digest)
            if number is not None and holder.alive and states[number] not in (DONE, FAILED):
                yield number, self._end_after(number, holder.since)

    def _foresee(self, numbers: Iterable[int]) -> None:
        """Find out when these tasks, and all that they need, may be done."""
        states, graph, ends = self._plan.states, self._plan.graph, self._ends
        found = set[int]()
        stack = [*numbers]
        while stack:
            number = stack.pop()
            if states[number] != DONE and number not in ends and number not in found:
                found.add(number)
                stack.extend(graph.dependencies_of(number))
        for number in sorted(found):  # each after what it needs
            ends[number] = self._end_of(number)

    def _end_of(self, number: int) -> float:
        """Return when a task may be done that nobody runs yet, inf for never."""
        state = self._plan.states[number]
        is_left = state in (FAILED, LATE) or number in self._plan.lost
        # What is not chosen here is for a worker that may not have begun yet.
        is_possible = state == SKIPPED or self._may_run_somewhere(number)
        if is_left or number in self._elsewhere or not is_possible:
            return inf
        return self._end_after(number, self._begin_of(number))

    def _end_after(self, number: int, begin: float) -> float:
        """Return when a task may be done that begins then, or has begun."""
        if self._budget is None or begin == inf:
            return begin
        return self._budget.expected_end(self._plan.graph.tasks[number], begin)

    def _begin_of(self, number: int) -> float:
        """Return when all may be there that a task needs."""
        return self._last_end(self._plan.graph.dependencies_of(number))

    def _last_end(self, numbers: Iterable[int]) -> float:
        """Return when the last of these may be done."""
        states, ends = self._plan.states, self._ends
        return max((ends[n] for n in numbers if states[n] != DONE), default=self._now)

    # What the time allows

    def _latest_start(self, number: int) -> float:
        if self._budget is None:
            return inf
        return self._budget.latest_start(self._plan.graph.tasks[number])

    def _last_save(self) -> float:
        return inf if self._budget is None else self._budget.end.last_save
