"""Tests that other distributions run against their own code."""

import pytest

pytest.register_assert_rewrite("jug.testing.stores")
