"""No test, and no doctest, leaves a store in use or tasks to the next."""

from collections.abc import Generator, Iterator

import pytest

from jug.session import use_store
from jug.task import alltasks


@pytest.hookimpl(wrapper=True, optionalhook=True)
def pytest_xdist_auto_num_workers() -> Generator[None, int, int]:
    """Run four tests at a time on two cores: with three, a quarter of the cores' time was idle."""
    cores = yield
    return cores * 2


@pytest.fixture(autouse=True)
def no_store_and_no_tasks() -> Iterator[None]:
    before = use_store(None)
    alltasks.clear()
    yield
    use_store(before)
    alltasks.clear()
