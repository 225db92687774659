"""What commands tell of runs whose results are in redis."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

pytest.importorskip("jug.cli.log", reason="jug-cli is not installed", exc_type=ImportError)

from tests.system.past import PastRuns  # noqa: E402

harness = runpy.run_path(str(Path(__file__).parents[1] / "system" / "conftest.py"))
folder, write = harness["folder"], harness["write"]
launch, start, jug = harness["launch"], harness["start"], harness["jug"]


class TestInRedis(PastRuns):
    @pytest.fixture
    def jugdir(self, server) -> str:
        return server.url()
