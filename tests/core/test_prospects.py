"""What a worker waits for that others run or are to run, and that must end or not."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from jug import Task
from jug.backends.base import BaseStore, Holder
from jug.backends.dict_store import DictStore
from jug.execution.budget import Budget
from jug.execution.capacity import Capacity
from jug.execution.end_time import EndTime
from jug.execution.plan import FAILED, HELD, LATE, SKIPPED, Plan
from jug.execution.prospects import Prospects
from jug.execution.reach import Reach
from jug.execution.room import Room
from jug.records import RunState
from jug.task.graph import Graph
from jug.task.run_options import DEFAULTS, RunOptions

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
    What `others` are to run is not selected; what has `failed` is there by number.
    """

    def is_worth(
        calls: Sequence[tuple[Callable[..., None], Sequence[int]]],
        running: dict[int, float],
        now: float | None = None,
        late: Sequence[int] = (),
        barrier: Sequence[int] = (),
        others: Sequence[int] = (),
        failed: Sequence[int] = (),
        elsewhere: Sequence[int] = (),
    ) -> bool:
        tasks: list[Task[None]] = []
        for number, (function, needed) in enumerate(calls):
            tasks.append(Task(function, number, *[tasks[n] for n in needed]))
        graph = Graph(tasks)
        selected = set(range(len(tasks))).difference(others, elsewhere)
        plan = Plan(graph, [False] * len(tasks), {}, set(), selected.__contains__)
        budget = None if now is None else budget_at(now, store)
        holders = {
            graph.tasks[n].digest: Holder("ab", None, True, since and BEGAN + since)
            for n, since in running.items()
        }
        plan.put_aside(holders)
        plan.put_off(late)
        for number in failed:
            plan.fail(number)
        assert all(plan.states[n] in (HELD, LATE, SKIPPED, FAILED) for n in running)
        return Prospects(plan, budget, barrier, elsewhere).are_there(holders)

    return is_worth


def budget_at(now: float, store: BaseStore) -> Budget:
    budget = Budget(EndTime(BEGAN, BEGAN + END, 0.0), store, clock=lambda: BEGAN + now)
    budget.note(f"{__name__}.short", 1.0)
    budget.note(f"{__name__}.long", 30.0)
    return budget


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
    assert worth([(long, [])], {0: since}, 70.0, barrier=[0]) is waits


def test_what_does_not_fit_here_is_not_waited_for_where_nobody_runs_it(worth: Worth) -> None:
    assert not worth([(long, []), (short, [0])], {}, 80.0, late=[0])


# What others are to run


def test_what_others_are_to_run_is_waited_for_though_nobody_runs_it(worth: Worth) -> None:
    assert worth([(short, []), (short, [0])], {}, others=[0])
    assert worth([(short, []), (short, [0]), (short, [1])], {}, others=[0, 1])


def test_what_nobody_needs_here_is_not_waited_for(worth: Worth) -> None:
    assert not worth([(short, []), (short, [0])], {}, others=[0, 1])
    assert not worth([(short, []), (short, [0])], {0: 5.0}, others=[0, 1])


def test_what_has_failed_is_not_waited_for_unless_somebody_tries_it_again(worth: Worth) -> None:
    calls = [(short, []), (short, [0]), (short, [1])]
    assert not worth(calls, {}, others=[0, 1], failed=[0])
    assert not worth(calls, {}, others=[0], failed=[0])
    assert worth(calls, {0: 5.0}, others=[0, 1], failed=[0])
    assert not worth(calls, {0: 5.0}, others=[1], failed=[0]), "it is not tried again here"
    assert not worth([(short, []), (short, [0])], {}, failed=[0])
    assert worth([*calls, (short, []), (short, [3])], {}, others=[0, 3], failed=[0])
    assert not worth([*calls, (short, [0, 2])], {}, others=[0, 2], failed=[0])


def test_what_belongs_to_another_store_is_not_waited_for(worth: Worth) -> None:
    assert not worth([(short, []), (short, [0])], {}, elsewhere=[0])
    calls = [(short, []), (short, []), (short, [0, 1])]
    assert not worth(calls, {}, others=[1], elsewhere=[0])


def test_others_are_to_open_a_barrier(worth: Worth) -> None:
    calls = [(short, []), (short, [0])]
    assert worth(calls, {}, others=[0, 1], barrier=[0, 1])
    assert not worth(calls, {}, others=[0, 1], barrier=[0, 1], failed=[0])
    assert not worth([*calls, (short, [])], {}, elsewhere=[2], others=[0, 1], barrier=[0, 1, 2])


@pytest.mark.parametrize(("now", "waits"), [(60.0, True), (63.0, False)])
def test_others_are_to_run_something_in_time(worth: Worth, now: float, waits: bool) -> None:
    calls = [(short, []), (long, [0]), (short, [1])]
    assert worth(calls, {}, now, others=[0, 1]) is waits
    assert worth(calls[:2], {}, now, others=[0, 1], barrier=[1]) is waits
    assert worth(calls, {0: now - 9}, now + 1.2, others=[0, 1]) is waits


def test_a_long_chain_of_others_is_followed_to_its_beginning(worth: Worth) -> None:
    calls: list[tuple[Callable[..., None], Sequence[int]]] = [(short, [])]
    calls += [(short, [number]) for number in range(40)]
    assert worth(calls, {}, 50.0, others=range(40))
    assert not worth(calls, {}, 51.0, others=range(40)), "forty take 48 s, and one 1.2 s"
    assert not worth(calls, {}, others=range(40), failed=[0])


def test_others_may_have_more_time_than_there_is_here(worth: Worth) -> None:
    calls = [(short, []), (long, [0]), (short, [1])]
    assert worth(calls, {}, 61.0, others=[0])
    assert not worth(calls, {}, 70.0, others=[0])


def test_what_was_found_to_come_is_believed_for_a_while(
    store: BaseStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([0.0, 0.1, 5.0, 5.2, 5.3])
    monkeypatch.setattr("jug.execution.prospects.time.monotonic", lambda: next(clock))
    first = Task(short, 1)
    plan = Plan(Graph([Task(short, 2, first)]), [False] * 2, {}, set(), {1}.__contains__)
    prospects = Prospects(plan)

    assert prospects.are_there({})
    plan.fail(0)
    assert prospects.are_there({})
    assert not prospects.are_there({})


def test_what_no_machine_has_room_for_is_waited_for_only_if_a_worker_lives_that_has() -> None:
    """The first task needs a GPU; the other one may run here, or has needs like that, too."""
    memory = DictStore()
    first = Task(short, 0)
    tasks = [first, Task(short, 1, first)]
    a_gpu, here = RunOptions(gpus=1), Capacity(gpus=())

    def waits(last: RunOptions) -> bool:
        tasks[0].options, tasks[1].options = a_gpu, last
        graph = Graph(tasks)
        room = Room(here)
        plan = Plan(graph, [False] * 2, {}, set(), None, room)
        assert plan.candidates() == [] and plan.ready.has_too_large()
        return Prospects(plan, reach=Reach(memory, here)).are_there({})

    assert not waits(DEFAULTS)
    larger = memory.another_view()
    larger.offers = {"gpus": 2}
    larger.note(b"another task".ljust(20), RunState.RETRIED, b"")
    assert waits(DEFAULTS)
    assert not waits(a_gpu), "nothing of it would ever run here"


def test_a_wide_and_deep_graph_is_looked_at_once(store: BaseStore) -> None:
    levels = [[Task(short, (0, i)) for i in range(30)]]
    for depth in range(1, 30):
        levels.append([Task(short, (depth, i), *levels[-1]) for i in range(30)])
    graph = Graph([task for level in levels for task in level])
    plan = Plan(graph, [False] * 900, {}, set(), set(range(1, 900)).__contains__)
    plan.fail(0)
    for number in range(1, 30):
        plan.finish(number)
    seen = list[int]()
    dependencies_of = graph.dependencies_of
    graph.dependencies_of = lambda n: (seen.append(n), dependencies_of(n))[1]  # type: ignore[method-assign]

    assert not Prospects(plan).are_there({})
    assert len(seen) <= 5 * 900
