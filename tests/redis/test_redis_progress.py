"""Progress of work that is shared in a server."""

from __future__ import annotations

from typing import Any

import pytest
from tests.core.test_onlooker import OnlookerTests


class TestOnlooker(OnlookerTests):
    @pytest.fixture
    def url(self, server: Any) -> str:
        return str(server.url())
