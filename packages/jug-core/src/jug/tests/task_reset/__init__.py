"""For tests that make tasks: each begins with none and an empty store."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

import pytest

from jug.backends.dict_store import DictStore
from jug.hooks import reset_all_hooks
from jug.session import use_store
from jug.task import alltasks

__all__ = ["task_reset", "task_reset_at_exit"]

P = ParamSpec("P")
R = TypeVar("R")


@contextmanager
def _nothing_there() -> Iterator[None]:
    """Begin and end with no tasks and no hooks; what is made in between is in memory only."""
    before = use_store(DictStore())
    _forget()
    try:
        yield
    finally:
        use_store(before)
        _forget()


def _forget() -> None:
    alltasks.clear()
    reset_all_hooks()


def task_reset(f: Callable[P, R]) -> Callable[P, R]:
    """Return a test that begins with no tasks and an empty store, and leaves none behind.

    >>> from jug import Task, value
    >>> @task_reset
    ... def test_largest():
    ...     assert Task(max, 2, 3).run() == 3
    >>> test_largest()
    """

    @functools.wraps(f)
    def test(*args: P.args, **kwargs: P.kwargs) -> R:
        with _nothing_there():
            return f(*args, **kwargs)

    return test


@pytest.fixture
def task_reset_at_exit() -> Iterator[None]:
    """Give a test no tasks and an empty store, and take away what it made."""
    with _nothing_there():
        yield
