"""Arguments that are left out of the hash."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from jug import Task
from jug.execution.summary import Summary
from jug.unsafe import NoHash

pytestmark = pytest.mark.usefixtures("store")


def test_what_is_held_does_not_change_the_hash() -> None:
    assert Task(max, 1, NoHash(2)).hash() == Task(max, 1, NoHash(lambda: 3)).hash()
    assert Task(max, 1, NoHash(2)).hash() != Task(max, 2, NoHash(2)).hash()
    assert Task(max, 1, NoHash(2)).hash() != Task(max, 1, 2).hash()


def test_what_is_held_reaches_the_function(work: Callable[[], Summary]) -> None:
    plain, deep = Task(max, 1, NoHash(2)), Task(sum, [3, NoHash(4)])

    work()

    assert plain.value() == 2
    assert deep.value() == 7


def test_a_task_that_is_held_has_to_run_before(work: Callable[[], Summary]) -> None:
    outer = Task(max, 1, NoHash([Task(max, 5, 6)][0]))

    assert not outer.can_run()
    work()

    assert outer.value() == 6


def test_it_shows_what_it_holds() -> None:
    assert repr(NoHash([1])) == "NoHash([1])"
