"""Files, programs and large values as arguments."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from jug import Task, TaskGenerator, value
from jug.backends.base import BaseStore
from jug.errors import HashError
from jug.execution.summary import Summary
from jug.task import alltasks
from jug.utils import (
    CustomHash,
    cached_glob,
    identity,
    jug_execute,
    sync_move,
    timed_path,
    value_after,
)

pytestmark = pytest.mark.usefixtures("store")

Work = Callable[[], Summary]


@TaskGenerator
def told(x: object) -> str:
    return repr(x)


@TaskGenerator
def write(path: str, text: str) -> list[int]:
    Path(path).write_text(text)
    return [1, 2, 3]


@TaskGenerator
def read(path: str) -> str:
    return Path(path).read_text()


# timed_path


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "table"
    path.write_text("one")
    os.utime(path, (1000, 1000))
    return path


def test_a_task_receives_the_path_itself(table: Path, work: Work) -> None:
    as_path, as_text = told(timed_path(table)), told(timed_path(str(table)))

    work()

    assert as_path.value() == repr(table)
    assert as_text.value() == repr(str(table))


def test_the_hash_changes_with_time_size_and_path_of_the_file(table: Path) -> None:
    def hash_now(path: Path = table) -> bytes:
        return told(timed_path(path)).hash()

    hashes = [hash_now()]
    assert hash_now() == hashes[0]
    os.utime(table, (1000, 1001))
    hashes.append(hash_now())
    table.write_text("longer")
    os.utime(table, (1000, 1000))
    hashes.append(hash_now())
    os.link(table, table.with_name("other"))
    hashes.append(hash_now(table.with_name("other")))

    assert len(set(hashes)) == 4


def test_a_path_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no such table"):
        timed_path(tmp_path / "no such table")


# CustomHash


def of_first(xs: list[object]) -> bytes:
    return repr(xs[0]).encode()


def test_an_own_hash_function_decides(work: Work) -> None:
    one, same = told(CustomHash([1, 2], of_first)), told(CustomHash([1, 3], of_first))
    other = told(CustomHash([2, 2], of_first))

    assert one.hash() == same.hash() != other.hash()
    assert work().executed.total() == 2
    assert one.value() == "[1, 2]"


def test_tasks_in_an_object_with_an_own_hash_run_before(work: Work) -> None:
    outer = told(CustomHash([1, told(2)], of_first))

    assert not outer.can_run()
    work()

    assert outer.value() == "[1, '2']"


def test_a_hash_that_is_no_bytes_is_refused() -> None:
    task = told(CustomHash([1], repr))  # type: ignore[arg-type]

    with pytest.raises(HashError, match=r"repr> gave '\[1\]': it must give bytes"):
        task.hash()
    with pytest.raises(HashError, match="CustomHash needs a function that gives bytes, not 'x'"):
        CustomHash([1], "x")  # type: ignore[arg-type]


# identity and value_after


def test_a_large_value_is_hashed_once_for_all_its_uses(work: Work) -> None:
    hashed = []

    class Large:
        def __jug_hash__(self) -> bytes:
            hashed.append(1)
            return b"large"

    large = identity(Large())
    tasks = [Task(type, large, number) for number in range(10)]

    assert len({task.hash() for task in tasks}) == 10
    assert len(hashed) == 1


def test_identity_is_a_task_of_that_name_and_value(work: Work) -> None:
    numbers = identity([1, 2])
    shown = told(numbers)

    assert work().executed["identity"] == 1
    assert numbers.name == "identity"
    assert numbers.value() == [1, 2]
    assert shown.value() == "[1, 2]"


def test_a_value_after_a_task_waits_for_it_and_loads_nothing_of_it(
    work: Work, tmp_path: Path
) -> None:
    path = str(tmp_path / "file")
    written = write(path, "content")
    content = read(value_after(path, written))

    assert list(content.dependencies()) == [written]
    work()
    assert content.value() == "content"

    written.unload()
    assert value(value_after(path, written)) == path
    assert not written.is_loaded()


def test_a_value_after_others_may_be_a_task_and_have_parts(work: Work) -> None:
    pair = value_after(Task(divmod, 7, 2), after=[told(1), {"other": told(2)}])
    parts = told([pair[0], pair[1]])

    assert len(set(parts.dependencies())) == 3
    assert not pair.can_load()
    work()

    assert parts.value() == "[3, 1]"
    assert pair.can_load()


def test_what_a_value_comes_after_enters_the_hash() -> None:
    hashes = {told(value_after(x, after)).hash() for x in "ab" for after in (told(1), told(2))}

    assert len(hashes) == 4
    assert told(value_after("a", told(1))).hash() in hashes


# jug_execute


def test_a_program_runs_as_a_task(work: Work, tmp_path: Path) -> None:
    touched = jug_execute(["touch", tmp_path / "touched"])
    named = jug_execute(["true"], return_value="out.txt")

    work()

    assert touched.name == "jug.utils.jug_execute"
    assert (tmp_path / "touched").exists()
    assert touched.value() is None
    assert named.value() == "out.txt"


def test_a_program_that_exits_with_an_error_fails_its_task(fail: Callable[[], str]) -> None:
    jug_execute(["false"])

    assert fail().endswith("Command '['false']' returned non-zero exit status 1.")


def test_an_exit_status_may_be_ignored(work: Work) -> None:
    result = jug_execute(["false"], check_exit=False, return_value=[told(1)])

    work()

    assert result.value() == ["1"]


def test_programs_run_in_the_order_asked_for(work: Work, tmp_path: Path) -> None:
    path = str(tmp_path / "file")
    copied = jug_execute(["cp", path, path + ".copy"], run_after=write(path, "content"))

    assert not copied.can_run()
    work()

    assert Path(path + ".copy").read_text() == "content"


def test_inside_a_task_a_program_is_run_by_the_plain_function() -> None:
    assert jug_execute.f(["true"], return_value=3) == 3
    with pytest.raises(subprocess.CalledProcessError):
        jug_execute.f([sys.executable, "-c", "raise SystemExit(4)"])


# cached_glob and sync_move


def test_a_cached_glob_is_sorted_and_stays_as_it_was(tmp_path: Path, store: BaseStore) -> None:
    for name in "bca":
        (tmp_path / name).touch()
    expected = [str(tmp_path / name) for name in "abc"]
    assert cached_glob(str(tmp_path / "?")) == expected

    (tmp_path / "d").touch()

    assert cached_glob(str(tmp_path / "?")) == expected
    assert [task.name for task in alltasks] == ["jug.utils.glob_sort"] * 2


def test_a_moved_file_replaces_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "new").write_text("new")
    (tmp_path / "old").write_text("old")

    sync_move(tmp_path / "new", str(tmp_path / "old"))

    assert os.listdir(tmp_path) == ["old"]
    assert (tmp_path / "old").read_text() == "new"


def test_a_file_is_moved_into_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("new").touch()

    sync_move("new", "newer")

    assert os.listdir() == ["newer"]


def test_the_content_is_safe_before_it_has_its_name(
    tmp_path: Path, program: Callable[[str], str]
) -> None:
    (tmp_path / "new").write_text("new")
    code = "import sys; from jug.utils import sync_move; sync_move('new', 'final')"
    trace = ["-f", "-o", "trace", "-y", "-e", "trace=fsync,rename,renameat,renameat2"]

    subprocess.run(
        [program("strace"), *trace, sys.executable, "-c", code], cwd=tmp_path, check=True
    )

    lines = (tmp_path / "trace").read_text().splitlines()
    calls = [line.split()[1].partition("(")[0] for line in lines]
    assert calls[:3] == ["fsync", "rename", "fsync"]


@pytest.fixture
def two_file_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the next rename fail as one to another file system does."""
    replace = os.replace

    def refuse(src: str, dst: str) -> None:
        monkeypatch.setattr(os, "replace", replace)
        raise OSError(errno.EXDEV, "Invalid cross-device link", src)

    monkeypatch.setattr(os, "replace", refuse)


def test_to_another_file_system_it_is_copied_whole(tmp_path: Path, two_file_systems: None) -> None:
    (tmp_path / "new").write_text("new")

    sync_move(tmp_path / "new", tmp_path / "final")

    assert os.listdir(tmp_path) == ["final"]
    assert (tmp_path / "final").read_text() == "new"


def test_a_copy_that_fails_leaves_what_was_there(
    tmp_path: Path, two_file_systems: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "new").write_text("new")
    (tmp_path / "final").write_text("old")

    def fill_disk(src: str, dst: str) -> None:
        Path(dst).touch()
        raise OSError(errno.ENOSPC, "No space left on device", dst)

    monkeypatch.setattr("shutil.copy2", fill_disk)
    with pytest.raises(OSError, match="No space left"):
        sync_move(tmp_path / "new", tmp_path / "final")

    assert sorted(os.listdir(tmp_path)) == ["final", "new"]
    assert (tmp_path / "final").read_text() == "old"
