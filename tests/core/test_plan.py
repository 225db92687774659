"""The plan of a worker: what may run next, whatever happens meanwhile."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jug import Task
from jug.execution.census import Census
from jug.execution.plan import DONE, FAILED, HELD, LATE, SKIPPED, WAITING, Plan
from jug.execution.ready_tasks import READY, ReadyTasks
from jug.task.graph import Graph

pytestmark = pytest.mark.usefixtures("store")


def join(*parts):
    return parts


def make_graph(edges):
    """Return a graph of tasks, each depending on those with the numbers given."""
    tasks = []
    for number, needed in enumerate(edges):
        tasks.append(Task(join, number, *[tasks[n] for n in needed]))
    return Graph(tasks)


def make_plan(edges, done=(), failures=None, retryable=(), selected=None):
    graph = make_graph(edges)
    digests = graph.digests
    return Plan(
        graph,
        [number in done for number in range(len(graph))],
        {digests[n]: kept for n, kept in (failures or {}).items()},
        {digests[n] for n in retryable},
        selected,
    )


CHAIN = [[], [0], [1]]
FAN = [[], [0], [0], [0]]


def run_all(plan):
    order = []
    while candidates := plan.candidates():
        order.append(candidates[0])
        plan.finish(candidates[0])
    return order


def test_tasks_are_offered_in_order_as_they_become_ready():
    assert run_all(make_plan(CHAIN)) == [0, 1, 2]
    assert run_all(make_plan([[], [], []])) == [0, 1, 2]


def test_what_is_put_off_is_not_offered_before_it_is_taken_up():
    plan = make_plan([[], [], [0], []])
    plan.put_off([0, 1])
    assert plan.has_put_off() and plan.left == 4
    assert run_all(plan) == [3]

    plan.finish(1)  # by somebody else
    plan.take_up()

    assert not plan.has_put_off()
    assert run_all(plan) == [0, 2]


def test_what_is_put_off_waits_again_where_what_it_needs_is_gone():
    plan = make_plan(CHAIN, done={0})
    plan.put_off([1])

    plan.reopen(0)

    assert plan.states == bytearray([READY, WAITING, WAITING]) and LATE not in plan.states
    assert run_all(plan) == [0, 1, 2]


def test_what_becomes_ready_takes_its_place_in_the_order():
    edges = [[], [], [], [0], [1, 3], []]

    assert run_all(make_plan(edges)) == [0, 1, 2, 3, 4, 5]
    plan = make_plan([[], [0], [], []])
    plan.finish(2)
    assert run_all(plan) == [0, 1, 3]


def test_nothing_is_offered_twice_and_done_tasks_not_at_all():
    plan = make_plan(FAN, done={0, 2})

    assert sorted(run_all(plan)) == [1, 3]
    assert plan.left == 0


def test_workers_that_take_turns_begin_at_different_tasks_near_the_front():
    offered = []
    for turn in range(4):
        plan = make_plan([[]] * 100)
        plan.take_turns(turn, 4)
        offered.append(plan.candidates())

    assert [candidates[0] for candidates in offered] == [0, 1, 2, 3]
    assert all(sorted(candidates) == list(range(8)) for candidates in offered)


@given(st.integers(1, 5), st.lists(st.integers(0, 4), min_size=60, max_size=60), st.data())
@pytest.mark.slow
def test_no_task_begins_while_many_ready_ones_before_it_are_free(workers, takers, data):
    plans = [make_plan([[]] * 60) for _ in range(workers)]
    for turn, plan in enumerate(plans):
        plan.take_turns(turn, workers)
    begun = set()
    for taker in takers:
        plan = plans[taker % workers]
        while candidates := plan.candidates():
            free = [number for number in candidates if number not in begun]
            if free:
                break
            for number in candidates:
                plan.finish(number)
        assert sum(number not in begun for number in range(free[0])) <= 2 * workers
        begun.add(free[0])
        if data.draw(st.booleans()):
            for other in plans:
                other.finish(free[0])


@given(
    st.sets(st.integers(0, 99)),
    st.lists(st.tuples(st.integers(0, 99), st.integers(1, 5)), max_size=30),
)
def test_the_first_ready_tasks_are_at_hand_whatever_became_ready_meanwhile(begin, events):
    states = bytearray(number in begin for number in range(100))
    ready = ReadyTasks(sorted(begin), states)
    for number, count in events:
        states[number] = 1 - states[number]
        if states[number] == READY:
            ready.add(number)

        assert ready.first(count) == [n for n in range(100) if states[n] == READY][:count]


def test_a_failed_task_blocks_exactly_what_depends_on_it():
    plan = make_plan([[], [], [0], [2], [1]])

    plan.fail(0)

    assert len(plan.blocked()) == 2
    assert run_all(plan) == [1, 4]
    assert plan.left == 3


def test_an_earlier_failure_is_tried_again_only_if_it_is_retryable():
    assert run_all(make_plan([[]], failures={0: False})) == []
    assert run_all(make_plan([[]], failures={0: False}, retryable={0})) == [0]
    assert run_all(make_plan([[]], failures={0: True}, retryable={0})) == []


def test_only_selected_tasks_are_offered():
    plan = make_plan(FAN, done={0}, selected=lambda number: number == 2)

    assert run_all(plan) == [2]
    assert plan.left == 0
    assert list(plan.states) == [DONE, SKIPPED, DONE, SKIPPED]


def test_what_others_hold_is_put_aside_until_it_is_free():
    plan = make_plan([[], []])
    digests = plan.graph.digests

    plan.put_aside([digests[0]])

    assert plan.candidates() == [1]
    assert plan.states[0] == HELD
    plan.finish(1)
    plan.reconsider({digests[0]: True})
    assert plan.candidates() == []
    plan.reconsider({digests[0]: False})
    assert plan.candidates() == [0]


def test_a_result_that_others_saved_is_taken_over():
    plan = make_plan(CHAIN)

    plan.finish(0)

    assert plan.candidates() == [1]
    assert plan.left == 2


def test_a_result_that_was_removed_is_to_be_made_again_before_its_dependants():
    plan = make_plan(CHAIN, done={0})
    assert plan.candidates() == [1]

    plan.reopen(0)

    assert plan.candidates() == [0]
    assert plan.states[1] == WAITING
    assert plan.left == 3
    assert run_all(plan) == [0, 1, 2]


def test_a_failure_that_was_removed_may_be_tried_again():
    plan = make_plan(CHAIN, failures={0: True})
    assert plan.candidates() == []

    plan.reopen(0)

    assert run_all(plan) == [0, 1, 2]
    assert not plan.failed


def test_a_failed_task_that_another_finished_is_done():
    plan = make_plan(CHAIN)
    plan.fail(0)

    plan.finish(0)

    assert run_all(plan) == [1, 2]


def test_what_was_found_done_before_what_it_needs_is_made_again_after_that():
    plan = make_plan(CHAIN, done={1})

    plan.reopen(1)

    assert plan.states == bytearray([READY, WAITING, WAITING])
    assert run_all(plan) == [0, 1, 2]


def test_what_was_found_done_is_made_again_though_what_it_needs_came_later():
    plan = make_plan(CHAIN, done={1})
    plan.finish(0)

    plan.reopen(1)

    assert run_all(plan) == [1, 2]


EVENTS = st.sampled_from(["finish", "reopen", "fail", "hold", "release", "turns", "look"])


@settings(max_examples=200)
@given(
    st.lists(st.lists(st.integers(0, 7), max_size=3, unique=True), min_size=1, max_size=8),
    st.sets(st.integers(0, 7)),
    st.lists(st.tuples(EVENTS, st.integers(0, 7)), max_size=40),
)
def test_the_counts_are_right_whatever_happens(edges, done, events):
    edges = [[n for n in needed if n < number] for number, needed in enumerate(edges)]
    plan = make_plan(edges, done)
    digests = plan.graph.digests
    states = plan.states

    for event, number in events:
        if number >= len(edges):
            continue
        is_runnable = all(states[n] == DONE for n in edges[number])
        if event == "finish" and is_runnable:
            plan.finish(number)
        elif event == "reopen":
            plan.reopen(number)
        elif event == "fail" and states[number] == READY:
            plan.fail(number)
        elif event == "hold":
            plan.put_aside([digests[number]])
        elif event == "release":
            plan.reconsider({})
        elif event == "turns":
            plan.take_turns(number % 3, 3)
        else:
            plan.candidates()

        assert plan.left == sum(state != DONE for state in states)
        assert plan.held == {n for n, state in enumerate(states) if state == HELD}
        assert plan.failed == {n for n, state in enumerate(states) if state == FAILED}
        for n, needed in enumerate(edges):
            if states[n] != DONE:
                assert plan.unmet[n] == sum(states[d] != DONE for d in needed)
            if states[n] in (READY, HELD):
                assert plan.unmet[n] == 0
            if states[n] == WAITING:
                assert plan.unmet[n] > 0
    plan.reconsider({})
    offered = set(run_all(plan))
    assert all(states[n] == DONE for n in offered)


def test_a_held_task_whose_input_is_gone_waits_for_it_again():
    plan = make_plan(CHAIN, done={0})
    plan.put_aside([plan.graph.digests[1]])
    assert plan.states[1] == HELD

    plan.reopen(0)
    plan.reconsider({})

    assert plan.states[1] == WAITING
    assert run_all(plan) == [0, 1, 2]


def test_what_is_done_or_skipped_is_not_blocked_by_a_failure():
    plan = make_plan([[], [0], [0], [0], [1]], done={2}, selected=lambda number: number != 3)

    plan.fail(0)

    assert len(plan.blocked()) == 2


def test_a_failed_task_that_somebody_finished_is_not_failed():
    plan = make_plan(CHAIN)
    plan.fail(0)

    plan.finish(0)

    assert not plan.failed
    assert len(plan.blocked()) == 0
    assert run_all(plan) == [1, 2]


@pytest.mark.parametrize("undo", [Plan.finish, Plan.reopen])
def test_a_failure_of_what_was_not_selected_is_lost_until_it_is_undone(undo):
    plan = make_plan(CHAIN, failures={0: True}, selected=lambda number: number != 0)
    assert plan.lost == {0} and not plan.failed and plan.left == 2
    assert plan.blocked() == [1, 2]

    undo(plan, 0)

    assert not plan.lost and not plan.blocked()


@given(
    st.lists(st.sets(st.integers(0, 11), max_size=3), max_size=12),
    st.sets(st.integers(0, 11)), st.sets(st.integers(0, 11)), st.integers(0, 12),
)  # fmt: skip
def test_a_plan_that_is_extended_is_the_plan_of_all(edges, done, failed, cut):
    edges = [sorted(n for n in needed if n < number) for number, needed in enumerate(edges)]
    whole = make_plan(edges, done, {n: True for n in failed if n < len(edges)})
    grown = make_plan(edges[:cut], done, {n: True for n in failed if n < len(edges[:cut])})
    census = Census(grown)
    assert grown.blocked() is not None  # who needs what is looked up, so the rest comes later

    first = len(grown.states)
    grown.graph.add(whole.graph.tasks[cut:])
    grown.extend([n in done for n in range(first, len(edges))], {
        whole.graph.digests[n]: True for n in failed if n < len(edges)
    })  # fmt: skip
    census.update()

    assert grown.states == whole.states and grown.left == whole.left
    assert grown.unmet == whole.unmet and grown.failed == whole.failed
    assert sorted(grown.blocked()) == sorted(whole.blocked())
    assert census.total() == Census(whole).total() and census.failed() == Census(whole).failed()
    assert run_all(grown) == run_all(whole)
    assert census.update() is None and census.done() == Census(whole).done()
