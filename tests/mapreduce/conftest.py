"""A store in memory, and a worker that runs what a test has made."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from jug.backends.base import BaseStore
from jug.backends.dict_store import DictStore
from jug.execution.settings import Settings
from jug.execution.summary import Ending, Summary
from jug.execution.worker import Worker
from jug.jugfile import Jugspace
from jug.session import use_store
from jug.task import alltasks


@pytest.fixture
def store() -> Iterator[BaseStore]:
    """A store in memory, in use while the test runs; there are no tasks of other tests."""
    alltasks.clear()
    store = DictStore()
    before = use_store(store)
    yield store
    use_store(before)
    alltasks.clear()


@pytest.fixture
def work(store: BaseStore) -> Callable[[], Summary]:
    """Call to have a worker run all tasks made so far; all of them must succeed."""

    def run() -> Summary:
        jugspace = Jugspace(store, list(alltasks))
        summary = Worker(jugspace, lambda at_barrier: jugspace, Settings(debug=True)).run()
        assert summary.ending is Ending.DONE, summary.failures
        return summary

    return run


@pytest.fixture
def fail(store: BaseStore) -> Callable[[], str]:
    """Call to have a worker run all tasks made so far; returns the exception that ended it."""

    def run() -> str:
        jugspace = Jugspace(store, list(alltasks))
        summary = Worker(jugspace, lambda at_barrier: jugspace, Settings()).run()
        assert summary.ending is Ending.FAILED
        return summary.failures[0].exception

    return run
