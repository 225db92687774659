"""Tests that other distributions run against their own code."""

import pytest

CONTRACTS = ("stores", "history", "leases", "names", "news", "processes", "results")

pytest.register_assert_rewrite(*(f"jug.testing.{name}" for name in CONTRACTS))
