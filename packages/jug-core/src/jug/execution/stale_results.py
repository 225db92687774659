"""Noticing that a run is about to build on results that came from older code.

They count all the same: nothing is computed again by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from jug.execution.plan import DONE
from jug.task import Task

if TYPE_CHECKING:
    from jug.execution.agenda import Agenda


def told_of_stale_results(agenda: Agenda) -> str:
    """Return what is to be said of stale results that an agenda builds on, if there are any."""
    done = list(_done_of(agenda))
    if not done:
        return ""
    from jug.code.freshness import are_all_fresh  # only where there are results

    if are_all_fresh(done, agenda.store):
        return ""
    from jug.code import find_stale
    from jug.code.wording import told_of_stale

    return told_of_stale(find_stale(done, agenda.store))


def _done_of(agenda: Agenda) -> Iterator[Task[Any]]:
    """Yield the tasks that are done, of those that are selected and of all that these need."""
    graph, states, selected = agenda.graph, agenda.plan.states, agenda.selected
    if selected is None:
        yield from agenda.done_tasks()
        return
    for number in graph.with_dependencies(filter(selected, range(len(graph)))):
        if states[number] == DONE:
            yield graph.tasks[number]
