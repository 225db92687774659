"""No test, and no doctest, leaves a store in use or tasks to the next."""

from collections.abc import Iterator

import pytest

from jug.session import use_store
from jug.task import alltasks


@pytest.fixture(autouse=True)
def no_store_and_no_tasks() -> Iterator[None]:
    before = use_store(None)
    alltasks.clear()
    yield
    use_store(before)
    alltasks.clear()
