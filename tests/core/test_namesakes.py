"""A jugfile that defines two functions of one name."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from jug import Task
from jug.task.graph import Graph

Jug = Callable[..., tuple[int, str, str]]

SECOND = """
from jug import TaskGenerator

@TaskGenerator
def mean(values):
    return sum(values) / len(values)

one = {first}

@TaskGenerator
def mean(values):
    return sorted(values)[len(values) // 2]

other = {second}
"""


def made(text: str) -> dict[str, tuple[int, ...]]:
    """Return the lines of the functions of one name of which a jugfile makes one task."""
    names: dict[str, object] = {"__name__": "jugfile"}
    exec(compile(text, "jugfile.py", "exec"), names)
    tasks = [task for task in names.values() if isinstance(task, Task)]
    found = Graph(tasks).namesakes.items()
    return {name: tuple(f.__code__.co_firstlineno for f in both) for name, both in found}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("mean([1, 2, 3])", "mean([1, 2, 3])"),
        ("mean([mean([1]), 2])", "mean([one.args[0][0], 2])"),
    ],
    ids=["plain arguments", "tasks as arguments"],
)
def test_two_functions_of_one_name_whose_calls_are_one_task_are_noted(
    first: str, second: str
) -> None:
    assert made(SECOND.format(first=first, second=second)) == {"jugfile.mean": (4, 10)}


def test_those_of_other_arguments_are_two_tasks() -> None:
    assert made(SECOND.format(first="mean([1])", second="mean([2])")) == {}


def test_a_function_that_is_made_again_of_the_same_lines_is_the_same() -> None:
    text = """
from jug import TaskGenerator
def make():
    @TaskGenerator
    def mean(values):
        return sum(values)
    mean.f.__qualname__ = "mean"
    return mean
one, other = make()([1]), make()([1])
"""

    assert made(text) == {}
