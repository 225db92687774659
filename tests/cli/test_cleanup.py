"""`jug cleanup`: what the jugfile does not use."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result

from jug.backends.file_store import FileStore

Jug = Callable[..., Result]

STRAY = bytes(range(20))


@pytest.fixture
def store(folder: Path, executed: Callable[..., None]) -> Iterator[FileStore]:
    """Have all primes computed, and one more result that no jugfile knows."""
    executed()
    with FileStore(str(folder / "primes.jugdata")) as store:
        store.dump(b"x" * 100, STRAY.hex())
        store.flush()
        yield store


def removed(results: str, failures: int = 0, locks: int = 0, word: str = "Removed") -> str:
    """Return what the command prints."""
    return f"{word} {results}\n{word} {failures} failures\n{word} {locks} locks\n"


def test_only_what_the_jugfile_uses_stays(jug: Jug, store: FileStore) -> None:
    size = store.size(STRAY)

    assert jug("cleanup", "primes.py").stdout == removed(f"1 results ({size} bytes)")

    store.poll()
    assert not store.has(STRAY)
    assert jug("status", "--short", "primes.py").stdout == "All tasks complete (7 tasks).\n"


def test_a_dry_run_tells_sizes_and_removes_nothing(jug: Jug, store: FileStore) -> None:
    size = store.size(STRAY)

    output = jug("cleanup", "--dry-run", "primes.py").stdout

    assert output == removed(f"1 results ({size} bytes)", word="Would remove")
    store.poll()
    assert store.has(STRAY)


def test_locks_that_the_jugfile_does_not_use_go(jug: Jug, store: FileStore) -> None:
    assert store.acquire([b"a" * 20])

    assert "Removed 1 locks" in jug("cleanup", "primes.py").stdout
    assert not store.holders()


def test_keep_locks_keeps_them(jug: Jug, store: FileStore) -> None:
    assert store.acquire([b"a" * 20])

    output = jug("cleanup", "--keep-locks", "primes.py").stdout

    assert output == removed(f"1 results ({store.size(STRAY)} bytes)")
    assert [*store.holders()] == [b"a" * 20]


def test_locks_only_removes_no_result(jug: Jug, store: FileStore) -> None:
    assert store.acquire([b"a" * 20])

    assert jug("cleanup", "--locks-only", "primes.py").stdout == removed(
        "0 results (0 bytes)", locks=1
    )
    assert not store.holders()
    assert store.has(STRAY)


def test_failed_only_lets_kept_failures_be_tried_again(
    jug: Jug, executed: Callable[..., None]
) -> None:
    executed("failing.py", keep_failed=True)

    assert jug("cleanup", "--failed-only", "failing.py").stdout == removed(
        "0 results (0 bytes)", failures=1
    )
    assert " 0 failed, 1 complete" in jug("status", "--short", "failing.py", status=1).stdout


def test_json_names_what_goes(jug: Jug, store: FileStore) -> None:
    size = store.size(STRAY)

    assert json.loads(jug("cleanup", "--json", "primes.py").stdout) == {
        "results": [STRAY.hex()],
        "failures": [],
        "locks": [],
        "bytes": size,
        "removed": True,
    }


def test_what_lies_beyond_a_barrier_is_not_lost(jug: Jug, folder: Path, store: FileStore) -> None:
    (folder / "primes.py").write_text("from jug import Task, barrier\nTask(abs, -1)\nbarrier()\n")

    result = jug("cleanup", "primes.py", status=1)

    assert result.stdout == ""
    assert result.stderr.startswith("Error: the jugfile 'primes.py' stops at a barrier")
    assert "--force" in result.stderr
    assert "Removed 8 results" in jug("cleanup", "--force", "primes.py").stdout


@pytest.mark.parametrize("choice", [[], ["--locks-only"], ["--failed-only"], ["--dry-run"]])
def test_a_prefix_that_others_may_have_too_is_not_cleaned_up_unasked(
    jug: Jug, store: FileStore, monkeypatch: pytest.MonkeyPatch, choice: list[str]
) -> None:
    """As in a server, under the default prefix."""
    monkeypatch.setattr(FileStore, "has_default_prefix", True, raising=False)

    result = jug("cleanup", *choice, "primes.py", status=1)

    assert "which another project may have too" in result.stderr and "--force" in result.stderr
    jug("cleanup", "--force", *choice, "primes.py")
    monkeypatch.setenv("JUG_PREFIX", "ours")
    jug("cleanup", *choice, "primes.py")


def test_choices_that_exclude_each_other_are_refused(jug: Jug) -> None:
    result = jug("cleanup", "--locks-only", "--failed-only", "primes.py", status=2)

    assert "exclude each other" in result.stderr
