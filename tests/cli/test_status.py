"""`jug status` and `jug count`."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import NoReturn

import click
import pytest
from click.testing import CliRunner, Result
from tests.cli.terminal import timeless

from jug.backends.base import BaseStore
from jug.cli import main
from jug.options import Options
from jug.tables import table

Jug = Callable[..., Result]

NOTHING_DONE = """\
Failed  Waiting  Ready  Finished  Running  Task name
--------------------------------------------------------------
     0        1      0         0        0  primes.count_primes
     0        0      6         0        0  primes.is_prime
..............................................................
     0        1      6         0        0  Total
"""

ONE_FAILED = """\
Failed  Waiting  Ready  Finished  Running  Task name
--------------------------------------------------------
     0        1      0         0        0  failing.after
     1        0      0         0        0  failing.bad
     0        0      0         1        0  failing.good
........................................................
     1        1      0         1        0  Total
"""

SLEEPING = """
import time
from jug import TaskGenerator

@TaskGenerator
def nap(n):
    time.sleep(0.05)

"""

LONG = """\
Finished  Total time  Mean  Longest  Task name
--
  1 T T T  primes.count_primes
  6 T T T  primes.is_prime
"""

COUNTED = """\
Count  Task name
--------------------------
    1  primes.count_primes
    6  primes.is_prime
..........................
    7  Total
"""


def test_the_table_shows_each_name_in_each_state(jug: Jug) -> None:
    assert jug("status", "primes.py", status=1).stdout == NOTHING_DONE


def test_the_exit_status_is_1_until_all_is_done(jug: Jug, executed: Callable[..., None]) -> None:
    for words in ([], ["--short"], ["--json"], ["--cache"]):
        jug("status", *words, "primes.py", status=1)

    executed()

    for words in ([], ["--short"], ["--json"], ["--cache"]):
        jug("status", *words, "primes.py", status=0)


def test_looking_leaves_nothing_behind(jug: Jug, folder: Path) -> None:
    jug("status", "primes.py", status=1)

    assert not (folder / "primes.jugdata").exists()


@pytest.mark.parametrize("words", ["status", "failures", "log", "timings", "why n_primes"])
def test_a_jugdir_that_is_misspelt_is_told_and_the_rest_is_shown(
    jug: Jug, folder: Path, words: str
) -> None:
    (folder / "results.jugdata").mkdir()

    def look(*jugdir: str) -> Result:
        return jug(*words.split(), *jugdir, "primes.py", status=int(words == "status"))

    result = look("--jugdir", "result.jugdata")

    assert result.stderr == "There is no jugdir 'result.jugdata': is 'results.jugdata' meant?\n"
    assert result.stdout == look().stdout
    elsewhere = look("--jugdir", "of/another")
    assert elsewhere.stderr == "There is no jugdir 'of/another': nothing was run there yet\n"
    assert look("--jugdir", "results.jugdata").stderr == look().stderr == ""
    assert sorted(path.name for path in folder.glob("*.jugdata")) == ["results.jugdata"]


def test_a_failed_task_is_failed_and_what_needs_it_waits(
    jug: Jug, executed: Callable[..., None]
) -> None:
    executed("failing.py", keep_going=True)

    assert jug("status", "failing.py", status=1).stdout == ONE_FAILED


def test_a_task_whose_lease_is_held_is_running(jug: Jug, folder: Path) -> None:
    from jug.backends.file_store import FileStore
    from jug.cli.reading import traceless
    from jug.execution import Job

    with traceless("primes.py"):
        _, jugspace = Job("primes.py", [], "primes.jugdata").begin()
        digest = jugspace.tasks[0].digest
    with FileStore(str(folder / "primes.jugdata")) as store:
        assert store.acquire([digest])

        output = jug("status", "--short", "primes.py", status=1).stdout

    assert output == "6 tasks waiting to be run, 0 failed, 0 complete, (1 active).\n"


def test_short_is_one_line(jug: Jug, executed: Callable[..., None]) -> None:
    before = jug("status", "primes.py", "--short", status=1).stdout
    executed()
    after = jug("status", "--short", "primes.py").stdout

    assert before == "7 tasks waiting to be run, 0 failed, 0 complete, (none active).\n"
    assert after == "All tasks complete (7 tasks).\n"


def test_a_long_name_is_never_broken(jug: Jug, folder: Path) -> None:
    name = "a_name_" * 30
    (folder / "long.py").write_text(
        f"from jug import TaskGenerator\n@TaskGenerator\ndef {name}(): pass\n{name}()\n"
    )

    rows = jug("status", "long.py", status=1).stdout.splitlines()

    assert rows[2] == f"     0        0      1         0        0  long.{name}"
    assert len(rows[1]) == len(rows[3]) == len(rows[2])


def test_a_usual_name_fits_a_terminal_of_80_columns(jug: Jug, folder: Path) -> None:
    (folder / "segmentation_of_cells.py").write_text(
        "from jug import TaskGenerator\n@TaskGenerator\ndef watershed_lines(): pass\n"
        "watershed_lines()\n"
    )

    rows = jug("status", "segmentation_of_cells.py", status=1).stdout.splitlines()

    assert max(map(len, rows)) <= 80


def test_lines_that_separate_are_no_longer_than_the_terminal_is_wide(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)

    rows = table(["Failed", "Ready"], {"f" * 100: [1, 2]}).splitlines()

    assert (rows[1], rows[3]) == ("-" * 60, "." * 60)
    assert len(rows[2]) > 100
    assert len(table(["Failed"], {"f": [1]}).splitlines()[1]) == len("Failed  Task name")


def test_on_a_narrow_terminal_columns_of_zeros_are_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    titles, rows = ["Failed", "Waiting", "Ready", "Finished"], {"m.f": [0, 0, 3, 1]}

    narrow = table(titles, rows).splitlines()
    monkeypatch.setenv("COLUMNS", "80")

    assert narrow[0] == "Ready  Finished  Task name"
    assert narrow[2] == "    3         1  m.f"
    assert table(titles, rows).startswith("Failed  Waiting  Ready  Finished  Task name")


def test_a_large_number_widens_its_column() -> None:
    rows = table(["Failed", "Ready"], {"f": [1, 12_345_678], "g": [0, 1]}).splitlines()

    assert rows[0] == "Failed     Ready  Task name"
    assert rows[2] == "     1  12345678  f"
    assert rows[-1] == "     1  12345679  Total"


@pytest.mark.parametrize("refusal", ["", "NO_COLOR=1", "TERM=dumb"])
def test_failed_and_running_tasks_are_in_colour_on_a_terminal(
    folder: Path,
    executed: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    refusal: str,
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    if refusal:
        monkeypatch.setenv(*refusal.split("="))
    executed("failing.py", keep_going=True)

    shown = CliRunner().invoke(main, ["status", "failing.py"], color=True).stdout

    red = click.style("     1", fg="red")
    assert shown.count(red) == (0 if refusal else 2)  # of the task and in the total
    assert click.unstyle(shown) == ONE_FAILED


def test_json_says_the_same(jug: Jug) -> None:
    said = json.loads(jug("status", "--json", "primes.py", status=1).stdout)

    nothing = {"failed": 0, "waiting": 0, "ready": 0, "finished": 0, "running": 0}
    assert said == {
        "tasks": [
            {"name": "primes.count_primes", **nothing, "waiting": 1, "stale": 0},
            {"name": "primes.is_prime", **nothing, "ready": 6, "stale": 0},
        ],
        "total": {**nothing, "stale": 0, "waiting": 1, "ready": 6},
        "complete": False,
        "at_barrier": False,
        "workers": 0,
        "silent": [],
        "out_of_reach": [],
        "rate": None,
        "time_left": None,
    }


def test_a_barrier_is_told(jug: Jug, folder: Path) -> None:
    (folder / "stage.py").write_text(
        "from jug import Task, barrier\nTask(max, 1, 2)\nbarrier()\nTask(max, 2, 3)\n"
    )

    result = jug("status", "stage.py", status=1)

    assert "Total" in result.stdout and "barrier" not in result.stdout
    assert result.stderr.startswith("The jugfile stops at a barrier")
    assert json.loads(jug("status", "--json", "stage.py", status=1).stdout)["at_barrier"] is True


def test_below_the_table_stands_how_long_one_worker_would_take(
    jug: Jug, executed: Callable[..., None], folder: Path
) -> None:
    (folder / "few.py").write_text(SLEEPING + "[nap(n) for n in range(3)]\n")
    executed("few.py", "jugdata")
    (folder / "few.py").write_text(SLEEPING + "[nap(n) for n in range(8)]\n")

    shown = jug("status", "--jugdir", "jugdata", "few.py", status=1).stdout

    last = shown.splitlines()[-1]
    assert timeless(last) == "No worker is at work, one would take T."
    asked = ["status", "--json", "--long", "--jugdir", "jugdata", "few.py"]
    said = json.loads(jug(*asked, status=1).stdout)
    each = said["tasks"][0]["mean_seconds"]
    assert each >= 0.05
    assert said["time_left"] == pytest.approx(5 * each, rel=0.01)
    assert (said["workers"], said["rate"]) == (0, None)


def test_below_the_table_stands_how_fast_workers_are(
    jug: Jug, executed: Callable[..., None], folder: Path
) -> None:
    from jug.backends.file_store import FileStore
    from jug.cli.reading import traceless
    from jug.execution import Job

    (folder / "few.py").write_text(SLEEPING + "[nap(n) for n in range(3)]\n")
    executed("few.py")
    (folder / "few.py").write_text(SLEEPING + "[nap(n) for n in range(8)]\n")
    with traceless("few.py"):
        _, jugspace = Job("few.py", [], "few.jugdata").begin()
        digest = jugspace.tasks[5].digest
    with FileStore(str(folder / "few.jugdata")) as store:
        assert store.acquire([digest])

        shown = jug("status", "few.py", status=1).stdout

    assert timeless(shown.splitlines()[-1]) == "1 worker, R tasks/s, T left."


def test_long_adds_what_the_tasks_took(
    jug: Jug, executed: Callable[..., None], folder: Path
) -> None:
    executed()

    shown = jug("status", "--long", "primes.py").stdout

    below = re.sub("--+", "--", timeless(shown.partition("\n\n")[2]))
    assert re.sub("  +", "  ", below) == LONG
    tasks = json.loads(jug("status", "--long", "--json", "primes.py").stdout)["tasks"]
    assert all(0 < task["longest_seconds"] <= task["total_seconds"] for task in tasks)
    assert all(task["mean_seconds"] == task["total_seconds"] / task["finished"] for task in tasks)


def test_to_watch_what_is_done_already_shows_the_table(
    jug: Jug, executed: Callable[..., None]
) -> None:
    executed()

    assert jug("status", "--watch", "primes.py").stdout == jug("status", "primes.py").stdout


def test_to_watch_goes_on_beyond_a_barrier(
    jug: Jug, executed: Callable[..., None], folder: Path
) -> None:
    (folder / "stage.py").write_text(
        "from jug import Task, barrier\nTask(max, 1, 2)\nbarrier()\nTask(max, 2, 3)\n"
    )
    executed("stage.py")

    result = jug("status", "--watch", "--short", "stage.py")

    assert result.stdout == "All tasks complete (2 tasks).\n" and result.stderr == ""


def test_the_cache_of_the_former_release_is_accepted(jug: Jug) -> None:
    output = jug("status", "--cache", "--cache-file", "x", "--clear", "primes.py", status=1).stdout

    assert output == NOTHING_DONE


def test_count_counts_each_name(jug: Jug) -> None:
    assert jug("count", "primes.py").stdout == COUNTED


def test_count_can_be_short(jug: Jug) -> None:
    assert jug("count", "--short", "primes.py").stdout == "7 tasks\n"


def test_count_as_json(jug: Jug) -> None:
    assert json.loads(jug("count", "--json", "primes.py").stdout) == {
        "tasks": [
            {"name": "primes.count_primes", "count": 1},
            {"name": "primes.is_prime", "count": 6},
        ],
        "total": 7,
    }


def test_a_line_of_another_distribution_that_ends_programs_is_told(
    jug: Jug, monkeypatch: pytest.MonkeyPatch
) -> None:
    def line(options: Options, store: BaseStore) -> NoReturn:
        raise SystemExit("over")

    odd = SimpleNamespace(name="odd", load=lambda: line)
    monkeypatch.setattr("jug.cli.status_lines.entry_points", lambda group: {"odd": odd})

    said = jug("status", "primes.py", status=1).stdout

    assert said.endswith("\njug: 'odd' can't be told: SystemExit: over\n")
