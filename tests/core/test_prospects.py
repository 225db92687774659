"""What a worker that must end waits for, while others run what it needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from jug import Task
from jug.backends.base import BaseStore, Holder
from jug.execution.budget import Budget
from jug.execution.end_time import EndTime
from jug.execution.plan import HELD, LATE, Plan
from jug.execution.prospects import is_worth_waiting
from jug.task.graph import Graph

BEGAN = 1_000_000.0
END = 100.0


def short(number: int, *after: object) -> None:
    raise AssertionError


def long(number: int, *after: object) -> None:
    raise AssertionError


def unknown(number: int, *after: object) -> None:
    raise AssertionError


Worth = Callable[..., bool]


@pytest.fixture
def worth(store: BaseStore) -> Worth:
    """Call with functions and what each call depends on, who runs what since when, and the time.

    A short task takes a second, a long one thirty; with the fifth more these are 1.2 and 36.
    """

    def is_worth(
        calls: Sequence[tuple[Callable[..., None], Sequence[int]]],
        running: dict[int, float],
        now: float,
        late: Sequence[int] = (),
        has_barrier: bool = False,
    ) -> bool:
        tasks: list[Task[None]] = []
        for number, (function, needed) in enumerate(calls):
            tasks.append(Task(function, number, *[tasks[n] for n in needed]))
        graph = Graph(tasks)
        plan = Plan(graph, [False] * len(tasks), {}, set())
        budget = Budget(EndTime(BEGAN, BEGAN + END, 0.0), store, clock=lambda: BEGAN + now)
        budget.note(f"{__name__}.short", 1.0)
        budget.note(f"{__name__}.long", 30.0)
        holders = {
            graph.tasks[n].digest: Holder("ab", None, True, since and BEGAN + since)
            for n, since in running.items()
        }
        plan.put_aside(holders)
        plan.put_off(late)
        assert all(plan.states[n] in (HELD, LATE) for n in running)
        return is_worth_waiting(plan, budget, holders, has_barrier)

    return is_worth


@pytest.mark.parametrize(("now", "waits"), [(62.0, True), (65.0, False), (98.0, False)])
def test_a_task_that_could_be_taken_over_is_waited_for(
    worth: Worth, now: float, waits: bool
) -> None:
    assert worth([(long, [])], {0: 60.0}, now) is waits


@pytest.mark.parametrize(("since", "waits"), [(60.0, True), (63.0, False), (0.0, True)])
def test_a_short_task_is_waited_for_if_what_it_needs_ends_in_time(
    worth: Worth, since: float, waits: bool
) -> None:
    assert worth([(long, []), (short, [0])], {0: since}, 70.0) is waits


def test_a_long_task_that_would_come_too_late_is_not_waited_for(worth: Worth) -> None:
    assert worth([(long, []), (long, [0])], {0: 25.0}, 40.0)
    assert not worth([(long, []), (long, [0])], {0: 30.0}, 65.0)


def test_all_that_a_task_needs_must_be_coming(worth: Worth) -> None:
    calls = [(long, []), (long, []), (short, [0, 1])]
    assert worth(calls, {0: 40.0, 1: 50.0}, 70.0)
    assert not worth(calls, {0: 40.0, 1: 65.0}, 70.0)
    assert not worth(calls, {0: 40.0}, 70.0, late=[1])


def test_a_task_of_others_that_does_not_fit_here_may_make_one_ready_that_does(
    worth: Worth,
) -> None:
    assert worth([(long, []), (short, [0])], {0: 50.0}, 70.0, late=[0])


def test_what_may_take_any_time_is_waited_for_in_the_first_half(worth: Worth) -> None:
    calls = [(short, []), (unknown, [0])]
    assert worth(calls, {0: 40.0}, 48.0)
    assert not worth(calls, {0: 60.0}, 99.5)
    assert not worth([(unknown, []), (unknown, [0])], {0: 40.0}, 60.0)


@pytest.mark.parametrize(("since", "waits"), [(60.0, True), (65.0, False)])
def test_what_is_beyond_a_barrier_may_be_short(worth: Worth, since: float, waits: bool) -> None:
    assert worth([(long, [])], {0: since}, 70.0, has_barrier=True) is waits


def test_nothing_is_worth_waiting_where_nobody_runs_anything(worth: Worth) -> None:
    assert not worth([(short, []), (short, [0])], {}, 1.0)
