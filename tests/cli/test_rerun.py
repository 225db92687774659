"""`jug rerun`: one task again, in this process."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

import pytest
from click.testing import Result
from tests.cli.test_why import everything_in, in_store

from jug.backends.file_store import FileStore
from jug.backends.frames import Frame, Kind
from jug.backends.process import Process
from jug.backends.registry import open_store
from jug.records import Record, pack

Jug = Callable[..., Result]
JugProcess = Callable[..., subprocess.CompletedProcess[str]]
Executed = Callable[..., None]

STEPS = """
import os
from pathlib import Path

from jug import TaskGenerator


@TaskGenerator(retries=3, timeout=0.0001)
def first(n):
    with open("pids", "a") as pids:
        print(os.getpid(), file=pids)
    return Path("value").read_text() if Path("value").exists() else n


@TaskGenerator
def second(x):
    return [x] * 10


@TaskGenerator
def third(x):
    if Path("bad").exists():
        raise ValueError("no such luck")
    return len(x)


@TaskGenerator
def fourth(x):
    return x


start = first(1)
end = fourth(third(second(start)))
"""


@pytest.fixture
def steps(folder: Path) -> Path:
    """A jugfile of four steps, in a folder of its own."""
    (folder / "steps.py").write_text(STEPS.replace("timeout=0.0001", "timeout=60"))
    return folder


def plain(text: str) -> str:
    return re.sub(r"after [\d.]+ \w+", "after TIME", text)


def test_a_task_is_run_again_in_this_process_and_nothing_is_saved(
    steps: Path, jug: Jug, executed: Executed
) -> None:
    executed("steps.py")
    before = everything_in(steps / "steps.jugdata")

    same = jug("rerun", "first", "steps.py")
    (steps / "value").write_text("other")
    other = jug("rerun", "first", "steps.py")
    inner = jug("rerun", "second", "steps.py")

    assert plain(same.stdout) == (
        "steps.first(1) returned 1 after TIME\nThe stored result is the same.\n"
    )
    assert plain(other.stdout) == (
        "steps.first(1) returned 'other' after TIME\nThe stored result is another one.\n"
    )
    assert inner.stdout.startswith("steps.second(steps.first()) returned [1, 1, 1, 1, …] after")
    assert everything_in(steps / "steps.jugdata") == before
    assert set((steps / "pids").read_text().split()) == {str(os.getpid())}


def test_a_task_without_a_result_is_run_and_its_time_limit_does_not_hold(
    folder: Path, jug: Jug
) -> None:
    (folder / "steps.py").write_text(STEPS)

    told = jug("rerun", "first", "steps.py")

    assert plain(told.stdout) == "steps.first(1) returned 1 after TIME\n"
    assert not (folder / "steps.jugdata").exists()


def test_a_failure_is_shown_by_the_users_own_frames_after_one_attempt(
    steps: Path, jug: Jug, executed: Executed
) -> None:
    executed("steps.py")
    (steps / "bad").touch()
    before = everything_in(steps / "steps.jugdata")

    told = jug("rerun", "third", "steps.py", status=1)

    line = STEPS.splitlines().index('        raise ValueError("no such luck")') + 1
    assert plain(told.stderr) == (
        "Traceback (most recent call last):\n"
        f'  File "steps.py", line {line}, in third\n'
        '    raise ValueError("no such luck")\n'
        "ValueError: no such luck\n"
        "steps.third(steps.second()) failed after TIME: ValueError: no such luck\n"
    )
    assert told.stdout == ""
    assert everything_in(steps / "steps.jugdata") == before


@pytest.mark.usefixtures("steps")
def test_what_is_missing_is_named(jug: Jug) -> None:
    told = jug("rerun", "second", "steps.py", status=1).stderr

    assert told == (
        "Error: steps.second(steps.first()) can't run, as steps.first(1) is not done: "
        "`jug why` says why, `jug execute` runs them\n"
    )


def test_a_damaged_input_is_named_and_stays(steps: Path, jug: Jug, executed: Executed) -> None:
    executed("steps.py")
    tasks, jugdir = in_store("steps.py")
    (second,) = (task for task in tasks if task.name == "steps.second")
    store = open_store(jugdir)
    store.discard([second.digest])
    store.put(Frame(Kind.RESULT, second.digest, pack(Record(second.name)), [b"torn"]))
    store.close()
    before = everything_in(steps / "steps.jugdata")

    told = jug("rerun", "third", "steps.py", status=1).stderr

    assert "steps.second(steps.first()) is needed, but the result is damaged" in told
    assert "`jug rerun --save` makes it anew" in told
    assert everything_in(steps / "steps.jugdata") == before
    jug("rerun", "--save", "second", "steps.py")
    jug("rerun", "third", "steps.py")


@pytest.mark.usefixtures("steps")
@pytest.mark.parametrize(
    ("text", "complaint"),
    [("frist", "no task is 'frist': is first meant?"), ("f*", "no task is 'f*'")],
)
def test_a_task_that_is_not_clear_is_refused(jug: Jug, text: str, complaint: str) -> None:
    assert complaint in jug("rerun", text, "steps.py", status=2).stderr


# Saving


def value_of(number: int) -> object:
    tasks, jugdir = in_store("steps.py")
    with open_store(jugdir) as store:
        store.poll()
        return store.load_digest(tasks[number].digest)


@pytest.mark.usefixtures("steps")
def test_what_was_not_there_is_saved(jug: Jug) -> None:
    told = jug("rerun", "--save", "first", "steps.py")

    assert plain(told.stdout) == "steps.first(1) returned 1 after TIME\nSaved.\n"
    assert value_of(0) == 1
    assert "1 complete, (none active)" in jug("status", "--short", "steps.py", status=1).stdout


@pytest.mark.usefixtures("steps")
def test_the_same_result_is_not_saved_again(jug: Jug, executed: Executed) -> None:
    executed("steps.py")

    told = jug("rerun", "--save", "first", "steps.py").stdout

    assert told.endswith("The stored result is the same.\nNot saved, as there is no need.\n")


def test_another_result_replaces_the_stored_one_and_what_was_made_from_that_is_told(
    steps: Path, jug: Jug, executed: Executed
) -> None:
    executed("steps.py")
    (steps / "value").write_text("other")

    told = jug("rerun", "--save", "first", "steps.py")

    assert told.stdout.endswith("The stored result is another one.\nSaved.\n")
    assert told.stderr == (
        "jug: 3 results made from the one before stay, of steps.fourth (1), steps.second (1), "
        "steps.third (1): `jug invalidate --name` removes those of a name\n"
    )
    assert value_of(0) == "other"
    assert jug("status", "--short", "steps.py").stdout == "All tasks complete (4 tasks).\n"


def test_a_failure_is_saved_where_there_is_no_result(
    steps: Path, jug: Jug, executed: Executed
) -> None:
    executed("steps.py")
    (steps / "bad").touch()

    over = jug("rerun", "--save", "third", "steps.py", status=1)
    assert over.stdout == "Not saved: the result that is there counts more than a failure.\n"
    assert jug("status", "--short", "steps.py").stdout == "All tasks complete (4 tasks).\n"

    jug("invalidate", "--name", "third", "steps.py")
    alone = jug("rerun", "--save", "third", "steps.py", status=1)
    assert alone.stdout == "Saved that it failed.\n"
    assert " 1 failed" in jug("status", "--short", "steps.py", status=1).stdout


@pytest.mark.usefixtures("steps")
def test_what_somebody_runs_is_not_run_to_be_saved(jug: Jug) -> None:
    tasks, jugdir = in_store("steps.py")
    with FileStore(jugdir) as store:
        assert store.acquire([tasks[0].digest])
        refused = jug("rerun", "--save", "first", "steps.py", status=1).stderr
        allowed = jug("rerun", "first", "steps.py").stdout
        process = Process.here()

    assert re.fullmatch(
        rf"Error: steps.first\(1\) is being run by {process.host}:{process.pid}, "
        r"last sign of life \d+ s ago: wait for that, or leave out --save\n",
        refused,
    )
    assert "returned 1" in allowed


def test_results_in_a_memory_that_is_saved_are_run_again_too(
    steps: Path, jug: Jug, executed: Executed
) -> None:
    executed("steps.py", jugdir="dict_store:kept")
    (steps / "value").write_text("other")

    told = jug("rerun", "--save", "--jugdir", "dict_store:kept", "first", "steps.py")
    again = jug("rerun", "--jugdir", "dict_store:kept", "first", "steps.py")

    assert "Saved." in told.stdout and "3 results" in told.stderr
    assert again.stdout.endswith("The stored result is the same.\n")


# Looking closer


def test_pdb_stops_where_the_task_fails(steps: Path, executed: Executed) -> None:
    executed("steps.py")
    (steps / "bad").touch()

    result = subprocess.run(
        [sys.executable, "-m", "jug", "rerun", "--pdb", "third", "steps.py"],
        input="p len(x) + 32\nquit\n", text=True, capture_output=True, timeout=60,
    )  # fmt: skip

    assert result.returncode == 1
    assert "(Pdb) 42" in result.stdout
    assert result.stderr.endswith("ValueError: no such luck\n")


@pytest.mark.usefixtures("steps")
@pytest.mark.parametrize("with_pyinstrument", [False, True])
def test_a_profile_shows_where_the_time_went(
    jug_process: JugProcess,
    unavailable: Callable[[str], NoReturn],
    steps: Path,
    with_pyinstrument: bool,
) -> None:
    if not with_pyinstrument:
        (steps / "pyinstrument.py").write_text("raise ModuleNotFoundError")
    elif find_spec("pyinstrument") is None:
        unavailable("pyinstrument")
    with (steps / "steps.py").open("a") as jugfile:
        jugfile.write(
            "\n\n@TaskGenerator\ndef busy():\n    return [sum(range(n)) for n in range(2000)][0]\n"
            "\n\nbusy()\n"
        )

    output = jug_process("rerun", "--profile", "busy", "steps.py", PYTHONPATH=_path(steps)).stdout

    shown = r"\d busy  steps\.py:\d+" if with_pyinstrument else r"steps\.py:\d+\(busy\)"
    assert re.search(shown, output)
    assert plain(output).endswith("\nsteps.busy() returned 0 after TIME\n")


def _path(folder: Path) -> str:
    return os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
