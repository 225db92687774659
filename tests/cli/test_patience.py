"""A server that is away: who only looks soon says so, and others wait for it as workers do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import pytest
from click.testing import Result
from tests.ports import free_port

from jug.errors import StoreError

Jug = Callable[..., Result]

LOOKING = [
    ["check"],
    ["count"],
    ["execute", "--dry-run"],
    ["failures"],
    ["graph"],
    ["log"],
    ["report"],
    ["show", "n_primes"],
    ["stale"],
    ["status"],
    ["timings"],
    ["webstatus"],
    ["why", "n_primes"],
    ["workers"],
]

PATIENT = [
    ["accept"],
    ["check", "--verify", "--remove-damaged"],
    ["cleanup"],
    ["invalidate", "--name", "is_prime"],
    ["log", "--follow"],
    ["pack"],
    ["rerun", "n_primes"],
    ["shell"],
    ["sleep-until"],
    ["status", "--watch"],
]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Return the options with which stores are opened, which are all away."""
    opened: list[dict[str, Any]] = []

    def open_store(url: str, **options: Any) -> NoReturn:
        opened.append(options)
        raise StoreError(f"{url} did not answer")

    monkeypatch.setattr("jug.execution.job.open_store", open_store)
    return opened


def looks(jug: Jug, words: list[str]) -> None:
    """Run a command on a server."""
    result = jug(*words, "--jugdir", "redis://example.org", "primes.py", status=1)
    assert "redis://example.org did not answer" in result.stderr


@pytest.mark.parametrize("words", LOOKING, ids=" ".join)
def test_who_only_looks_waits_for_seconds(
    jug: Jug, opened: list[dict[str, Any]], words: list[str]
) -> None:
    looks(jug, words)

    assert [options.get("patience") for options in opened] == [10.0]


@pytest.mark.parametrize("words", PATIENT, ids=" ".join)
def test_who_changes_something_or_goes_on_waits_as_workers_do(
    jug: Jug, opened: list[dict[str, Any]], words: list[str]
) -> None:
    looks(jug, words)

    assert [options.get("patience") for options in opened] == [None]


def test_the_environment_has_the_last_word(
    jug: Jug, opened: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUG_REDIS_PATIENCE", "60")

    looks(jug, ["status"])

    assert [options.get("patience") for options in opened] == [None]


def test_what_is_said_of_a_server_that_is_away(jug: Jug, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jug.cli.reading._LITTLE_PATIENCE", 0.05)
    url = f"redis://127.0.0.1:{free_port()}/"

    result = jug("status", "--jugdir", url, "primes.py", status=1)

    assert f"Error: {url}?prefix=primes did not answer" in result.stderr
    assert "check that the server runs, and its address" in result.stderr
