"""What the tests of jug-core share."""

from collections.abc import Iterator

import pytest

from jug.backends.base import BaseStore
from jug.backends.dict_store import DictStore
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
