"""Counting tasks by name and state, again and again."""

from __future__ import annotations

from collections import Counter
from random import Random

from jug import Task, TaskGenerator
from jug.execution.census import Census
from jug.execution.plan import DONE, FAILED, SKIPPED, Plan
from jug.task.graph import Graph


@TaskGenerator
def first(n):
    return n


@TaskGenerator
def second(n):
    return n


def test_what_is_counted_again_is_what_a_count_from_the_start_gives(store):
    random = Random(1)
    tasks = [random.choice((first, second))(n) for n in range(2000)]
    plan = Plan(Graph(tasks), [False] * len(tasks), {}, set(), lambda number: number % 10 > 0)
    census = Census(plan)

    for _ in range(50):
        for number in random.sample(range(len(tasks)), 20):
            random.choice((plan.finish, plan.fail, plan.reopen))(number)
        census.update()

        names = [task.name for task in plan.graph.tasks]
        every = enumerate(zip(names, plan.states, strict=True))
        pairs = [pair for number, pair in every if number % 10 > 0]
        assert census.total() == Counter(name for name, state in pairs if state != SKIPPED)
        assert census.done() == Counter(name for name, state in pairs if state == DONE)
        assert census.failed() == Counter(name for name, state in pairs if state == FAILED)
        assert census.names_left() == {name for name, state in pairs if state < DONE}


def test_what_waits_for_a_failure_is_counted_by_name(store):
    bad = first(-1)
    tasks = [bad, second(bad), second(1)]
    plan = Plan(Graph(tasks), [False] * 3, {}, set())
    plan.fail(0)

    assert Census(plan).blocked() == {second(1).name: 1}


def test_an_empty_plan_has_nothing_to_count(store):
    census = Census(Plan(Graph(list[Task]()), [], {}, set()))
    census.update()

    assert not census.total()
