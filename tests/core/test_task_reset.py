"""Tests of other projects that reset jug between one another."""

from __future__ import annotations

import pytest

from jug import Task
from jug.hooks import is_hooked, register_hook
from jug.session import is_store_chosen
from jug.task import alltasks
from jug.tests.task_reset import task_reset, task_reset_at_exit

__all__ = ["task_reset_at_exit"]  # pytest finds the fixture here


def test_a_decorated_test_sees_no_tasks_but_its_own_and_leaves_none() -> None:
    Task(max, 1, 2)

    @task_reset
    def inner(expected: int) -> int:
        assert not alltasks
        register_hook("execute.task-loadable", print)
        return Task(max, 2, expected).run()

    assert inner(3) == 3
    assert not alltasks
    assert not is_hooked("execute.task-loadable")


def test_a_decorated_test_that_fails_leaves_nothing_either() -> None:
    @task_reset
    def inner() -> None:
        Task(max, 1, 2)
        raise AssertionError("as it should")

    with pytest.raises(AssertionError, match="as it should"):
        inner()

    assert not alltasks


def test_the_fixture_gives_an_empty_store(task_reset_at_exit: None) -> None:
    assert is_store_chosen()
    assert not list(Task(max, 1, 2).store.list())
