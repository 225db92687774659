"""A worker whose results are in memory, and others that remove and make results."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from tests.core.worker_news import WorkerNews

from jug.backends.dict_store import DictStore


class TestInMemory(WorkerNews):
    @pytest.fixture
    def opener(self) -> Any:
        return partial(DictStore.sharing, DictStore())
