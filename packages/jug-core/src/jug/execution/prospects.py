"""What may still come for a worker that has nothing to do, while others run tasks.

A place in a cluster costs something also while its worker waits.  So one that must end waits
for what may come in time, and for nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping

from jug.backends.base import Holder
from jug.execution.budget import Budget
from jug.execution.plan import DONE, HELD, WAITING, Plan

__all__ = ["is_worth_waiting"]


def is_worth_waiting(
    plan: Plan, budget: Budget, holders: Mapping[bytes, Holder], has_barrier: bool
) -> bool:
    """Return whether something may still come in time, given who holds what.

    That is a task that the worker would take over if its holder died, one that waits for
    nothing but what is being run, or whatever there is beyond a barrier.  Whatever comes
    later waits for one of these.
    """
    ends = _expected_ends(plan, budget, holders)
    if has_barrier and any(end <= budget.end.last_save for end in ends.values()):
        return True
    tasks, states, graph, now = plan.graph.tasks, plan.states, plan.graph, budget.now()

    def follows_in_time(number: int) -> bool:
        if states[number] != WAITING or plan.unmet[number] > len(ends):
            return False
        unmet = {needed for needed in graph.dependencies_of(number) if states[needed] != DONE}
        if not unmet <= ends.keys():
            return False
        return max(ends[needed] for needed in unmet) <= budget.latest_start(tasks[number])

    may_take_over = (states[n] == HELD and now <= budget.latest_start(tasks[n]) for n in ends)
    follow = (follows_in_time(after) for n in ends for after in graph.dependants_of(n))
    return any(may_take_over) or any(follow)


def _expected_ends(plan: Plan, budget: Budget, holders: Mapping[bytes, Holder]) -> dict[int, float]:
    """Return when those tasks are likely to be done that others run by now, by number."""
    graph, states = plan.graph, plan.states
    running = (
        (number, holder.since)
        for digest, holder in holders.items()
        if holder.alive and (number := graph.numbers.get(digest)) is not None
    )
    return {
        number: budget.expected_end(graph.tasks[number], since)
        for number, since in running
        if states[number] != DONE
    }
