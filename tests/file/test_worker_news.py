"""A worker whose results are in a directory, and others that remove and make results."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.core.worker_news import WorkerNews

from jug.backends.file_store import FileStore


class TestInADirectory(WorkerNews):
    @pytest.fixture(params=[False, True], ids=["local", "network"])
    def opener(self, tmp_path: Path, request: pytest.FixtureRequest) -> Any:
        return partial(FileStore, tmp_path / "jugdir", network=request.param)
