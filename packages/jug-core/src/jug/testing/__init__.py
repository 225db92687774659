"""Tests that other distributions run against their own code."""

import pytest

pytest.register_assert_rewrite(
    "jug.testing.stores",
    "jug.testing._store_leases",
    "jug.testing._store_news",
    "jug.testing._store_names",
    "jug.testing._store_processes",
    "jug.testing._store_results",
)
