"""A worker whose results are in redis, and others that remove and make results."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from tests.core.worker_news import WorkerNews

from jug.backends.registry import open_store


class TestInRedis(WorkerNews):
    @pytest.fixture
    def opener(self, server: Any) -> Any:
        return partial(open_store, server.url(), lease_seconds=20)
