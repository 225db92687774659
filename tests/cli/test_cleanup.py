"""`jug cleanup`: what the jugfile does not use."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result

from jug.backends.file_store import FileStore
from jug.wording import counted

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
    """Return what the command prints below its table."""
    lines = (results, counted(failures, "failure"), counted(locks, "lock"))
    return "".join(f"{word} {line}\n" for line in lines)


def test_only_what_the_jugfile_uses_stays(jug: Jug, store: FileStore) -> None:
    size = store.size(STRAY)

    table, _, sums = jug("cleanup", "primes.py").stdout.partition("\n\n")

    assert "1         0  (no name)" in table
    assert sums == removed(f"1 result ({size} bytes)")

    store.poll()
    assert not store.has(STRAY)
    assert jug("status", "--short", "primes.py").stdout == "All tasks complete (7 tasks).\n"


def test_where_nothing_was_saved_there_is_nothing_to_remove(jug: Jug, folder: Path) -> None:
    assert jug("cleanup", "primes.py").stdout.endswith(removed("0 results (0 bytes)"))
    assert not (folder / "primes.jugdata").exists()


def test_a_dry_run_tells_sizes_and_removes_nothing(jug: Jug, store: FileStore) -> None:
    size = store.size(STRAY)

    output = jug("cleanup", "--dry-run", "--short", "primes.py").stdout

    assert output == removed(f"1 result ({size} bytes)", word="Would remove")
    store.poll()
    assert store.has(STRAY)


def test_locks_that_the_jugfile_does_not_use_go(jug: Jug, store: FileStore) -> None:
    assert store.acquire([b"a" * 20])

    assert "Removed 1 lock" in jug("cleanup", "primes.py").stdout
    assert not store.holders()


def test_keep_locks_keeps_them(jug: Jug, store: FileStore) -> None:
    assert store.acquire([b"a" * 20])

    output = jug("cleanup", "--keep-locks", "--short", "primes.py").stdout

    assert output == removed(f"1 result ({store.size(STRAY)} bytes)")
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

    table, _, sums = jug("cleanup", "--failed-only", "failing.py").stdout.partition("\n\n")

    assert "0         1  failing.bad" in table
    assert sums == removed("0 results (0 bytes)", failures=1)
    assert " 0 failed, 1 complete" in jug("status", "--short", "failing.py", status=1).stdout


def test_json_names_what_goes(jug: Jug, store: FileStore) -> None:
    size = store.size(STRAY)

    assert json.loads(jug("cleanup", "--json", "primes.py").stdout) == {
        "results": [STRAY.hex()],
        "failures": [],
        "locks": [],
        "names": {"(no name)": {"results": 1, "failures": 0}},
        "bytes": size,
        "jugfiles": [],
        "removed": True,
    }


def test_what_lies_beyond_a_barrier_is_not_lost(jug: Jug, folder: Path, store: FileStore) -> None:
    (folder / "primes.py").write_text("from jug import Task, barrier\nTask(abs, -1)\nbarrier()\n")

    result = jug("cleanup", "primes.py", status=1)

    assert result.stdout == ""
    assert result.stderr.startswith("Error: the jugfile 'primes.py' stops at a barrier")
    assert "--force" in result.stderr
    assert "Removed 8 results" in jug("cleanup", "--force", "primes.py").stdout


@pytest.mark.parametrize("choice", [[], ["--locks-only"], ["--failed-only"]])
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


def test_a_dry_run_says_what_would_be_removed_although_it_would_be_refused(
    jug: Jug, folder: Path, store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FileStore, "has_default_prefix", True, raising=False)
    prefix = jug("cleanup", "--dry-run", "primes.py")
    monkeypatch.setattr(FileStore, "has_default_prefix", False)
    (folder / "primes.py").write_text("from jug import Task, barrier\nTask(abs, -1)\nbarrier()\n")
    barrier = jug("cleanup", "--dry-run", "primes.py")

    assert "Would remove 1 result " in prefix.stdout
    assert prefix.stderr.startswith("Without --dry-run: file:")
    assert "which another project may have too" in prefix.stderr
    assert "Would remove 8 results" in barrier.stdout
    assert barrier.stderr.startswith("Without --dry-run: the jugfile 'primes.py' stops at a")


# A jugdir that jugfiles share


@pytest.fixture
def shared(
    folder: Path, executed: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> Iterator[FileStore]:
    """Have primes.py and squares.py computed in one jugdir."""
    (folder / "squares.py").write_text(
        "import sys\nfrom jug import TaskGenerator\n"
        "@TaskGenerator\ndef square(x): return x * x\n"
        "squares = [square(x) for x in range(int([*sys.argv, 3][1]))]\n"
    )
    monkeypatch.setenv("JUG_JUGDIR", "shared")
    for jugfile in ("primes.py", "squares.py"):
        executed(jugfile, jugdir="shared")
    with FileStore(folder / "shared") as store:
        yield store


def test_what_another_jugfile_saved_is_shown_by_name_and_stays(
    jug: Jug, shared: FileStore, folder: Path
) -> None:
    result = jug("cleanup", "primes", status=1)

    assert "3         0  squares.square" in result.stdout
    assert "Would remove 3 results" in result.stdout
    said = f"{str(folder / 'squares.py')!r} saved results in file:{folder / 'shared'}, too"
    assert f"Error: {said}" in result.stderr
    assert "--also" in result.stderr and "--force" in result.stderr
    jug("check", "squares.py")
    jug("check", "primes.py")


@pytest.fixture
def with_arguments(
    folder: Path, shared: FileStore, jug: Jug, executed: Callable[..., None]
) -> None:
    """Have squares.py executed with the argument 5, and no other jugfile noted."""
    assert "Removed" in jug("cleanup", "--force", "squares.py").stdout
    executed("squares.py", jugdir="shared", arguments=["5"])


def test_what_the_same_jugfile_saved_with_other_arguments_stays(
    jug: Jug, with_arguments: None, folder: Path
) -> None:
    result = jug("cleanup", "squares.py", status=1)

    assert f"Error: '{folder / 'squares.py'} 5' saved results in" in result.stderr
    assert "Would remove 2 results" in result.stdout
    assert jug("status", "--short", "squares.py", "5").stdout == "All tasks complete (5 tasks).\n"


def test_arguments_that_are_named_keep_what_the_jugfile_uses_with_them(
    jug: Jug, with_arguments: None, shared: FileStore
) -> None:
    shared.dump("stray", STRAY.hex())
    shared.flush()

    assert "Removed 1 result" in jug("cleanup", "--also", "squares.py 5", "squares.py").stdout
    assert "Removed 0 results" in jug("cleanup", "squares.py", "5").stdout
    assert "Removed 2 results" in jug("cleanup", "--force", "squares.py").stdout
    assert "Removed 0 results" in jug("cleanup", "squares.py").stdout


def test_a_quotation_without_an_end_is_wrong_usage(jug: Jug) -> None:
    said = jug("cleanup", "--also", "it's.py", "primes.py", status=2).stderr

    assert """--also "it's.py" can't be read as a shell would: No closing quotation""" in said


def test_one_that_is_named_is_known_where_the_jugfile_changes_the_folder(
    jug: Jug, shared: FileStore, folder: Path
) -> None:
    (folder / "primes.py").write_text("import os\nos.mkdir('sub')\nos.chdir('sub')\n")

    assert "Removed 7 results" in jug("cleanup", "--also", "squares.py", "primes.py").stdout


def test_a_dry_run_says_what_would_be_refused(jug: Jug, shared: FileStore) -> None:
    result = jug("cleanup", "--dry-run", "primes.py")

    assert "Would remove 3 results" in result.stdout
    assert "squares.py' saved results" in result.stderr


def test_another_jugfile_that_is_named_keeps_what_it_uses(jug: Jug, shared: FileStore) -> None:
    shared.dump("stray", STRAY.hex())
    shared.flush()

    assert "Removed 1 result" in jug("cleanup", "--also", "squares", "primes.py").stdout
    jug("check", "squares.py")
    jug("check", "primes.py")
    # With another argument it uses fewer.
    fewer = ("cleanup", "--also", "squares.py 2", "primes.py")
    assert "Would remove 1 result" in jug(*fewer, status=1).stdout
    assert "Removed 1 result" in jug(*fewer, "--force").stdout


def test_what_another_jugfile_saved_goes_by_force_and_it_is_forgotten(
    jug: Jug, shared: FileStore
) -> None:
    assert "Removed 3 results" in jug("cleanup", "--force", "primes.py").stdout
    assert not {path for path in shared.jugfiles() if "squares" in path}

    shared.dump("stray", STRAY.hex())
    shared.flush()
    assert "Removed 1 result" in jug("cleanup", "primes.py").stdout


def test_locks_and_failures_of_another_jugfile_stay_as_well(jug: Jug, shared: FileStore) -> None:
    lease = shared.acquire([STRAY])
    assert lease

    jug("cleanup", "--locks-only", "primes.py", status=1)
    shared.release(lease)

    assert "Removed 0 locks" in jug("cleanup", "--locks-only", "primes.py").stdout


def test_another_jugfile_that_stops_at_a_barrier_is_not_known_enough(
    jug: Jug, shared: FileStore, folder: Path
) -> None:
    (folder / "squares.py").write_text("from jug import Task, barrier\nTask(abs, -1)\nbarrier()\n")

    result = jug("cleanup", "--also", "squares.py", "primes.py", status=1)

    assert "the jugfile 'squares.py' stops at a barrier" in result.stderr


def test_jugfile_and_jugdir_that_are_moved_together_know_each_other(
    shared: FileStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared.close()
    moved = folder.with_name("moved")
    folder.rename(moved)
    monkeypatch.chdir(moved)

    with FileStore(moved / "shared") as store:
        assert store.jugfiles() == {str(moved / name) for name in ("primes.py", "squares.py")}


def test_choices_that_exclude_each_other_are_refused(jug: Jug) -> None:
    result = jug("cleanup", "--locks-only", "--failed-only", "primes.py", status=2)

    assert "exclude each other" in result.stderr


COMMON = "from jug import TaskGenerator\n@TaskGenerator\ndef half(x): return x / 2\n"


@pytest.fixture
def halves(folder: Path, executed: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Have three jugfiles share a jugdir: two save a result each, the third uses both."""
    (folder / "common.py").write_text(COMMON)
    for name, numbers in {"one": [1], "two": [2], "both": [1, 2]}.items():
        (folder / f"{name}.py").write_text(
            f"from common import half\n[half(number) for number in {numbers}]\n"
        )
    monkeypatch.setenv("JUG_JUGDIR", "halves")
    for name in ("one", "two", "both"):
        executed(f"{name}.py", jugdir="halves")


def test_a_cleanup_that_has_nothing_to_remove_forgets_nobody(jug: Jug, halves: None) -> None:
    assert "Removed 0 results" in jug("cleanup", "both.py").stdout

    refused = jug("cleanup", "one.py", status=1)

    assert "two.py" in refused.stderr and "both.py" in refused.stderr
    jug("check", "both.py")


def test_a_jugfile_that_found_all_results_there_uses_them_too(jug: Jug, halves: None) -> None:
    refused = jug("cleanup", "--also", "one.py", "two.py", status=0)
    assert "Removed 0 results" in refused.stdout

    refused = jug("cleanup", "--also", "two.py", "primes.py", status=1)

    assert "both.py" in refused.stderr and "one.py" in refused.stderr
