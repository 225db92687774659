"""A graph of tasks as text for graphviz."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from jug import set_jugdir
from jug.cli.dot import LARGE, dot_text
from jug.task.graph import Graph
from jug.task.task import Task, alltasks


@pytest.fixture(autouse=True)
def a_store() -> Iterator[None]:
    """Keep what these tests make to themselves."""
    set_jugdir("dict_store")
    yield
    alltasks.clear()


def boxes(text: str) -> list[str]:
    return re.findall(r'label="([^"]*)"', text)


def arrows(text: str) -> list[str]:
    return re.findall(r"\d+ -> \d+", text)


def test_a_task_shows_its_plain_arguments_and_its_state() -> None:
    first = Task(max, 2, 3)
    second = Task(sorted, [first], reverse=True)

    text = dot_text(Graph([second]), ["finished", "ready"])

    assert boxes(text) == [
        r"builtins.max(2, 3)\nfinished",
        r"builtins.sorted(…, reverse=True)\nready",
    ]
    assert arrows(text) == ["0 -> 1"]


def test_without_states_there_are_no_colours() -> None:
    text = dot_text(Graph([Task(max, 2, 3)]))

    assert boxes(text) == ["builtins.max(2, 3)"]
    assert "fill" not in text


@pytest.mark.parametrize(("count", "expected"), [(20, 21), (21, 2)])
def test_more_than_a_few_tasks_of_one_name_are_one_box(count: int, expected: int) -> None:
    maxima = [Task(max, 0, number) for number in range(count)]

    text = dot_text(Graph([Task(sum, maxima)]))

    assert len(boxes(text)) == expected
    assert len(arrows(text)) == expected - 1


def test_a_box_of_many_is_striped_by_their_states() -> None:
    graph = Graph([Task(max, 0, number) for number in range(40)])

    text = dot_text(graph, ["finished"] * 10 + ["failed"] * 30)

    assert boxes(text) == [r"builtins.max\n40 tasks\n30 failed, 10 finished"]
    assert 'style=striped, fillcolor="#f4a3a0;0.7500:#b5dfb0"' in text


def test_twenty_thousand_tasks_are_a_small_text() -> None:
    layers = [[Task(max, 0, number) for number in range(10_000)]]
    layers.append([Task(abs, task) for task in layers[0]])

    text = dot_text(Graph([Task(len, layers[1])]), ["waiting"] * 20_001)

    assert len(text) < 1000
    assert len(boxes(text)) == 3


def test_with_too_many_boxes_all_tasks_of_one_name_are_one() -> None:
    tasks = []
    for number in range(LARGE):
        task = Task(max, 0, number)
        task.name = f"step{number // 2}"
        tasks.append(task)
    extra = Task(sum, tasks)

    assert len(boxes(dot_text(Graph([extra])))) == LARGE // 2 + 1


def test_quotes_backslashes_and_line_ends_are_written_as_graphviz_reads_them() -> None:
    text = dot_text(Graph([Task(len, 'a"b\\c\n')]))

    assert r"builtins.len('a\"b\\\\c\\n')" in text
