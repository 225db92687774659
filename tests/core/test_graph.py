"""The graph: numbers, edges, and sizes that would break recursion."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jug import Task
from jug.task.graph import Graph

pytestmark = pytest.mark.usefixtures("store")


def join(*parts):
    return parts


def test_a_task_comes_after_what_it_needs_though_that_was_not_given():
    first = Task(join, 1)
    second = Task(join, [first], key=first)

    graph = Graph([second])

    assert graph.tasks == [first, second]
    assert list(graph.dependencies_of(1)) == [0]
    assert list(graph.dependants_of(0)) == [1]


def test_tasks_with_one_hash_are_one_task():
    graph = Graph([Task(join, 1), Task(join, 1), Task(join, Task(join, 1))])

    assert len(graph) == 2


def test_tasks_that_need_nothing_may_stand_between_others():
    a, b = Task(join, 1), Task(join, 2)
    both, plain = Task(join, a, b), Task(join, 3)
    last = Task(join, b)

    graph = Graph([a, b, both, plain, last])

    assert [list(graph.dependencies_of(number)) for number in range(5)] == [[], [], [0, 1], [], [1]]
    assert list(graph.counts_of_needed()) == [0, 0, 2, 0, 1]


def test_with_dependants_goes_all_the_way():
    a = Task(join, "a")
    b = Task(join, a)
    c = Task(join, b)
    d = Task(join, "d")

    graph = Graph([a, b, c, d])

    assert graph.with_dependants([1]) == {1, 2}
    assert graph.with_dependants([0, 3]) == {0, 1, 2, 3}


def test_names_by_number():
    named = Task(join, 3)
    named.name = "other"

    assert list(Graph([Task(join, 1), Task(max, 1, 2), named]).names()) == [
        f"{__name__}.join",
        "builtins.max",
        "other",
    ]


@pytest.mark.slow
def test_a_chain_of_100000_given_by_its_end():
    task = Task(join)
    for _ in range(100_000):
        task = Task(join, task)

    graph = Graph([task])

    assert len(graph) == 100_001
    assert len(graph.with_dependants([0])) == 100_001


@given(st.lists(st.lists(st.integers(0, 9), max_size=4), max_size=10))
def test_dependants_are_the_dependencies_turned_round(edges):
    tasks = []
    for number, needed in enumerate(edges):
        tasks.append(Task(join, number, [tasks[n] for n in needed if n < number]))

    graph = Graph(tasks)

    forward = {(n, d) for n in range(len(graph)) for d in graph.dependencies_of(n)}
    backward = {(n, d) for d in range(len(graph)) for n in graph.dependants_of(d)}
    assert forward == backward
    assert forward == {(n, d) for n, needed in enumerate(edges) for d in needed if d < n}


@given(st.lists(st.sets(st.integers(0, 19), max_size=4), max_size=20), st.data())
def test_a_graph_that_grows_is_the_graph_of_all(edges, data):
    tasks = []
    for number, needed in enumerate(edges):
        tasks.append(Task(join, number, [tasks[n] for n in sorted(needed) if n < number]))
    whole = Graph(tasks)
    grown = Graph([])

    for task in tasks:
        grown.add([task])
        if data.draw(st.booleans()):  # look, so that what comes later is kept apart
            grown.count_dependants(0)

    assert grown.digests == whole.digests
    for number in range(len(whole)):
        assert grown.dependencies_of(number) == whole.dependencies_of(number)
        assert grown.dependants_of(number) == whole.dependants_of(number)
        assert grown.count_dependants(number) == whole.count_dependants(number)
