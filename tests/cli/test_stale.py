"""Results that came from older code: shown, invalidated, accepted, refused."""

from __future__ import annotations

import importlib
import json
import os
import py_compile
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from jug.cli import main

Jug = Callable[..., Result]
Edit = Callable[[str, str, str], None]

HELPERS = '''
"""What measurements have in common."""

FACTOR = 2


def scaled(x):
    """Return it scaled."""
    return FACTOR * x


def unused(x):
    return x
'''

FITS = """
import helpers
from jug import TaskGenerator


@TaskGenerator
def measure(n):
    return helpers.scaled(n)


@TaskGenerator
def fit(values):
    return sum(values)


@TaskGenerator
def plain(x):
    return x


measured = [measure(n) for n in range(3)]
fitted = fit(measured)
alone = plain(1)
"""

MTIMES = count(1_000_000_000)


@pytest.fixture
def edit(folder: Path) -> Iterator[Edit]:
    """Call with a file, a text in it and what to put there: commands see it as new processes do."""

    def change(name: str, old: str, new: str) -> None:
        path = folder / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))
        stamp = next(MTIMES)
        os.utime(path, (stamp, stamp))
        sys.modules.pop("helpers", None)
        importlib.invalidate_caches()

    (folder / "helpers.py").write_text(HELPERS)
    (folder / "fits.py").write_text(FITS)
    sys.modules.pop("helpers", None)
    yield change
    sys.modules.pop("helpers", None)


@pytest.fixture
def project(edit: Edit, executed: Callable[..., None]) -> Edit:
    """Return how to edit a project whose tasks are done."""
    executed("fits.py")
    return edit


def change_helper(edit: Edit) -> None:
    edit("helpers.py", "return FACTOR * x", "return FACTOR * x + 1")


def finished() -> int:
    said = CliRunner().invoke(main, ["status", "--json", "fits.py"]).stdout
    return int(json.loads(said)["total"]["finished"])


def normal(output: str) -> str:
    return re.sub(r"[\d.]+ (µs|ms|s)( \d+ \w+)? ago", "TIME ago", output)


# Nothing to tell


def test_the_code_of_fresh_results_is_said_to_be_the_same_as_far_as_jug_can_see(
    project: Edit, jug: Jug
) -> None:
    assert (
        jug("stale", "fits.py").output
        == """\
Fresh  Stale  Unseen  Not known  Task name
---------------------------------------------
    1      0       0          0  fits.fit
    3      0       0          0  fits.measure
    1      0       0          0  fits.plain
.............................................
    5      0       0          0  Total

The code that jug can see is the same as when the results were computed.
"""
    )


def test_where_nothing_was_run_there_are_no_results(edit: Edit, jug: Jug) -> None:
    assert jug("stale", "fits.py").output == "There are no results yet.\n"
    assert jug("accept", "--short", "fits.py").output == "0 tasks accepted\n"
    assert jug("invalidate", "--stale", "--short", "fits.py").output == "0 tasks invalidated\n"


def test_an_edit_that_changes_nothing_is_not_told(project: Edit, jug: Jug) -> None:
    project("helpers.py", '"""Return it scaled."""', '"""Say what it is."""  # a remark\n')
    project("helpers.py", "def unused(x):\n    return x", "def unused(x):\n    return -x")

    jug("stale", "fits.py")
    assert "Stale" not in jug("status", "fits.py").output


# Told


def test_status_has_a_column_of_stale_results_and_says_what_to_do(project: Edit, jug: Jug) -> None:
    change_helper(project)

    assert (
        jug("status", "fits.py").output
        == """\
Failed  Waiting  Ready  Finished  Running  Stale  Task name
--------------------------------------------------------------
     0        0      0         1        0      0  fits.fit
     0        0      0         3        0      3  fits.measure
     0        0      0         1        0      0  fits.plain
..............................................................
     0        0      0         5        0      3  Total
3 results of fits.measure came from older code: `jug stale` shows what changed; \
`jug invalidate --stale` has them computed again, `jug accept` keeps them.
"""
    )
    said = json.loads(jug("status", "--json", "fits.py").stdout)
    assert {task["name"]: task["stale"] for task in said["tasks"]} == {
        "fits.fit": 0, "fits.measure": 3, "fits.plain": 0,
    }  # fmt: skip
    assert said["total"]["stale"] == 3
    assert jug("status", "--short", "fits.py").output == "All tasks complete (5 tasks).\n"


def test_stale_shows_what_has_changed_line_by_line(project: Edit, jug: Jug) -> None:
    change_helper(project)

    assert (
        normal(jug("stale", "fits.py", status=1).output)
        == """\
Fresh  Stale  Unseen  Not known  Task name
---------------------------------------------
    1      0       0          0  fits.fit
    0      3       0          0  fits.measure
    1      0       0          0  fits.plain
.............................................
    2      3       0          0  Total

fits.measure: 3 results, the last of TIME ago: helpers.scaled has changed

--- helpers.scaled (then)
+++ helpers.scaled (now)
@@ -1,3 +1,3 @@
 def scaled(x):
     \"""Return it scaled.\"""
-    return FACTOR * x
+    return FACTOR * x + 1

3 results came from older code; 1 other was made from these.
`jug invalidate --stale` has them computed again, `jug accept` keeps them.
"""
    )
    assert "@@" not in jug("stale", "--no-diff", "fits.py", status=1).output
    short = "3 results came from older code; 1 other was made from these.\n"
    assert jug("stale", "--short", "fits.py", status=1).output == short


def test_a_helper_that_several_functions_reach_is_shown_once(
    edit: Edit, jug: Jug, executed: Callable[..., None]
) -> None:
    edit("fits.py", "return x", "return helpers.scaled(x)")
    executed("fits.py")
    change_helper(edit)

    shown = jug("stale", "fits.py", status=1).output

    assert shown.count("helpers.scaled has changed") == 2
    assert shown.count("--- helpers.scaled (then)") == 1


def test_stale_results_may_be_chosen(project: Edit, jug: Jug) -> None:
    change_helper(project)

    jug("stale", "--name", "fit", "fits.py")
    jug("stale", "--name", "measure", "fits.py", status=1)
    assert (
        "is 'fits.measure' meant?" in jug("stale", "--name", "mesure", "fits.py", status=2).output
    )


def test_json_has_the_source_of_then_and_of_now(project: Edit, jug: Jug) -> None:
    change_helper(project)

    said = json.loads(jug("stale", "--json", "fits.py", status=1).stdout)

    assert (said["stale"], said["made_from_stale"]) == (3, 1)
    by_name = {one["name"]: one for one in said["names"]}
    assert by_name["fits.fit"]["fresh"] == 1 and by_name["fits.fit"]["changes"] == []
    (change,) = by_name["fits.measure"]["changes"]
    (part,) = change["parts"]
    assert len(change["hashes"]) == 3 and change["own"] is False
    assert part["name"] == "helpers.scaled"
    assert "FACTOR * x + 1" in part["now"] and "FACTOR * x + 1" not in part["then"]
    assert part["diff"].splitlines()[-1] == "+    return FACTOR * x + 1"


def test_a_change_of_the_functions_own_code_is_told_as_such(project: Edit, jug: Jug) -> None:
    project("fits.py", "return sum(values)", "return max(values)")

    said = json.loads(jug("stale", "--json", "fits.py", status=1).stdout)

    (change,) = next(one for one in said["names"] if one["name"] == "fits.fit")["changes"]
    assert change["own"] is True
    assert said["stale"] == 1 and said["made_from_stale"] == 0


def test_a_difference_is_coloured_in_a_terminal(
    project: Edit, jug: Jug, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    change_helper(project)

    shown = CliRunner().invoke(main, ["stale", "fits.py"], color=True).stdout

    assert click.style("-    return FACTOR * x", fg="red") in shown
    assert click.style("+    return FACTOR * x + 1", fg="green") in shown
    assert normal(click.unstyle(shown)) == normal(jug("stale", "fits.py", status=1).output)


def test_a_constant_that_has_changed_is_shown(project: Edit, jug: Jug) -> None:
    project("helpers.py", "FACTOR = 2", "FACTOR = 3")

    shown = jug("stale", "fits.py", status=1).output

    assert "helpers.FACTOR has changed" in shown


# What to do


def test_invalidate_stale_removes_these_and_what_was_made_from_them(
    project: Edit, jug: Jug, executed: Callable[..., None]
) -> None:
    change_helper(project)

    trial = normal(jug("invalidate", "--stale", "--dry-run", "fits.py").output)
    assert finished() == 5
    assert trial.startswith("fits.measure: its code has changed (3 tasks)\n  fits.measure(0): ")
    assert "fits.fit: made from it (1 task)" in trial
    assert (
        jug("invalidate", "--stale", "fits.py").output
        == """\
Invalidated  Task name
-------------------------
          1  fits.fit
          3  fits.measure
.........................
          4  Total
"""
    )
    assert finished() == 1
    executed("fits.py")
    jug("stale", "fits.py")


def test_invalidate_stale_removes_of_what_is_chosen_alone(project: Edit, jug: Jug) -> None:
    change_helper(project)
    project("fits.py", "return x", "return -x")

    assert jug("invalidate", "--stale", "--name", "plain", "--short", "fits.py").output == (
        "1 task invalidated\n"
    )
    assert jug("invalidate", "--stale", "--name", "fit", "--short", "fits.py").output == (
        "0 tasks invalidated\n"
    )
    assert finished() == 4


def test_what_is_accepted_is_not_stale_until_there_is_a_further_change(
    project: Edit, jug: Jug
) -> None:
    change_helper(project)

    assert jug("accept", "--dry-run", "--short", "fits.py").output == "3 tasks accepted\n"
    jug("stale", "fits.py", status=1)
    assert (
        jug("accept", "fits.py").output
        == """\
Accepted  Task name
----------------------
       3  fits.measure
......................
       3  Total
"""
    )
    jug("stale", "fits.py")
    assert "Stale" not in jug("status", "fits.py").output
    assert finished() == 5

    project("helpers.py", "return FACTOR * x + 1", "return FACTOR * x + 2")

    assert "3 results came from older code" in jug("stale", "fits.py", status=1).output


def test_one_of_several_changes_may_be_accepted(project: Edit, jug: Jug) -> None:
    change_helper(project)
    project("fits.py", "return x", "return 1 * x")

    jug("accept", "--name", "plain", "fits.py")

    said = json.loads(jug("status", "--json", "fits.py").stdout)
    assert {task["name"]: task["stale"] for task in said["tasks"] if task["stale"]} == {
        "fits.measure": 3
    }


def test_code_that_is_put_back_is_not_stale_any_more(project: Edit, jug: Jug) -> None:
    change_helper(project)
    jug("stale", "fits.py", status=1)

    project("helpers.py", "return FACTOR * x + 1", "return FACTOR * x")

    jug("stale", "fits.py")


# Refused


def test_check_with_strict_code_fails_on_stale_results(
    project: Edit, jug: Jug, monkeypatch: pytest.MonkeyPatch
) -> None:
    jug("check", "--strict-code", "fits.py")
    change_helper(project)

    refused = jug("check", "--strict-code", "fits.py", status=1)

    assert refused.stdout == ""
    assert refused.stderr == (
        "jug: 3 results of fits.measure came from older code, which --strict-code refuses: "
        "`jug stale` shows what changed; `jug invalidate --stale` has them computed "
        "again, `jug accept` keeps them\n"
    )
    jug("check", "fits.py")
    monkeypatch.setenv("JUG_STRICT_CODE", "yes")
    jug("check", "fits.py", status=1)
    jug("check", "--no-strict-code", "fits.py")
    jug("accept", "fits.py")
    jug("check", "fits.py")


@pytest.mark.slow
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_execute_uses_stale_results_and_says_so_or_refuses(
    jobs: str, edit: Edit, jug: Jug, jug_process: Callable[..., object]
) -> None:
    edit("fits.py", "alone = ", "plain(2)\nalone = ")
    jug_process("execute", "--progress", "none", "--name", "measure", "fits.py")
    change_helper(edit)

    refused = jug_process("execute", "--strict-code", "-j", jobs, "fits.py", status=1)
    assert (
        "jug: 3 results of fits.measure came from older code, which --strict-code" in refused.stderr
    )
    assert refused.stderr.count("older code") == 1
    assert refused.stderr.endswith("(exit status 1)\n")
    assert finished() == 3
    jug_process("execute", "--strict-code", "-j", jobs, "--name", "plain", "fits.py")
    assert finished() == 5

    done = jug_process("execute", "-j", jobs, "--progress", "none", "fits.py")
    assert done.stderr == (
        "jug: 3 results of fits.measure came from older code, and are used as they are: "
        "`jug stale` shows what changed\n"
    )
    assert (
        done.stdout
        == """\
Executed  Loaded  Task name
------------------------------
       1       0  fits.fit
       0       3  fits.measure
       0       2  fits.plain
..............................
       1       5  Total
"""
    )
    again = jug_process("execute", "-j", jobs, "--strict-code", "fits.py", status=1)
    assert "3 results of fits.measure" in again.stderr
    jug("invalidate", "--stale", "fits.py")
    jug_process("execute", "-j", jobs, "--strict-code", "--progress", "none", "fits.py")


@pytest.mark.slow
def test_strict_code_looks_again_beyond_a_barrier(
    edit: Edit, folder: Path, jug: Jug, jug_process: Callable[..., object]
) -> None:
    edit("fits.py", "alone = ", "from jug import barrier\nbarrier()\nalone = ")
    jug_process("execute", "fits.py")
    jug("invalidate", "--name", "fit", "fits.py")
    edit("fits.py", "return x", "return 1 * x")

    refused = jug_process("execute", "--strict-code", "fits.py", status=1)

    assert "jug: 1 result of fits.plain came from older code, which --strict-code" in refused.stderr
    assert finished() == 5


# Elsewhere


def test_a_dry_run_says_that_stale_results_would_stay(project: Edit, jug: Jug) -> None:
    change_helper(project)
    jug("invalidate", "--name", "fit", "fits.py")

    assert jug("execute", "--dry-run", "--short", "fits.py").output.splitlines()[-1] == (
        "3 results of fits.measure came from older code, and would stay: "
        "`jug stale` shows what changed"
    )
    assert "older code" not in jug("execute", "--dry-run", "--name", "plain", "fits.py").output
    said = json.loads(jug("execute", "--dry-run", "--json", "fits.py").stdout)
    assert said["stale"] == {"fits.measure": 3}


def test_why_says_that_a_task_is_done_by_older_code(project: Edit, jug: Jug) -> None:
    change_helper(project)

    assert jug("why", "measure[0]", "fits.py").output.endswith(
        ": it would not run; but since then helpers.scaled has changed (see `jug stale`)\n"
    )
    assert jug("why", "fit", "fits.py").output.endswith(
        ": it would not run; but 3 results of fits.measure came from older code, "
        "and it was made from these (see `jug stale`)\n"
    )
    assert jug("why", "plain", "fits.py").output.endswith(": it would not run\n")


def test_show_says_that_a_result_came_from_older_code(project: Edit, jug: Jug) -> None:
    change_helper(project)

    shown = jug("show", "measure[0]", "fits.py").output

    assert "finished: its result is there; since then helpers.scaled has changed\n" in shown


def test_another_version_is_another_task_and_leaves_the_results_of_the_first(
    project: Edit, jug: Jug
) -> None:
    project("fits.py", "@TaskGenerator\ndef plain", '@TaskGenerator(version="2")\ndef plain')
    project("fits.py", "return x", "return -x")

    assert jug("status", "--short", "fits.py", status=1).output.startswith("1 tasks waiting")
    jug("stale", "fits.py")
    assert "\n  version 2\n" in jug("show", "plain", "fits.py").output


def test_of_two_jugfiles_in_one_jugdir_each_tells_of_its_own(
    project: Edit, folder: Path, jug: Jug, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUG_JUGDIR", "fits.jugdata")
    (folder / "others.py").write_text(FITS.replace("range(3)", "range(4)"))
    CliRunner().invoke(main, ["execute", "others.py"])
    change_helper(project)
    jug("accept", "--short", "others.py")

    assert jug("stale", "--short", "others.py").output.startswith("The code that jug can see")
    jug("stale", "fits.py", status=1)


def test_stale_results_beyond_a_barrier_may_be_hidden(
    edit: Edit, jug: Jug, executed: Callable[..., None]
) -> None:
    edit("fits.py", "alone = ", "from jug import barrier\nbarrier()\nalone = ")
    executed("fits.py")
    jug("invalidate", "--name", "fit", "fits.py")
    edit("fits.py", "return x", "return -x")

    result = jug("stale", "fits.py")

    assert result.stderr.startswith("The jugfile stops at a barrier")


def test_what_rerun_saves_is_of_the_code_of_now(project: Edit, jug: Jug) -> None:
    change_helper(project)
    jug("rerun", "--save", "measure[0]", "fits.py")

    said = json.loads(jug("status", "--json", "fits.py").stdout)
    assert said["total"]["stale"] == 2

    project("helpers.py", "return FACTOR * x + 1", "return FACTOR * x + 2")
    shown = jug("stale", "fits.py", status=1).output
    assert "fits.measure: 1 result, " in shown and "fits.measure: 2 results, " in shown
    assert "-    return FACTOR * x\n" in shown and "-    return FACTOR * x + 1\n" in shown


@pytest.mark.slow
def test_jug_run_says_that_it_uses_results_of_older_code(edit: Edit, folder: Path) -> None:
    script = folder / "script.py"
    script.write_text(FITS + "\nimport jug\nprint(jug.run(fitted, jugdir='results'))\n")

    def run() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "script.py"]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)

    assert "older code" not in run().stderr
    change_helper(edit)

    assert (again := run()).stdout == "6\n"
    assert again.stderr.count("3 results of script.measure came from older code, and are") == 1


# What can't be compared


def test_what_jug_cannot_see_is_named_and_never_called_fresh(
    edit: Edit, jug: Jug, executed: Callable[..., None]
) -> None:
    edit("fits.py", "return x", "return getattr(helpers, 'scal' + 'ed')(x)")
    executed("fits.py")

    shown = jug("stale", "fits.py").output

    assert "    0      0       1          0  fits.plain\n" in shown
    assert "\nfits.plain: not seen: " in shown and "getattr" in shown
    assert shown.endswith(
        "\nNo result came from older code, as far as jug can see; of 1 result it can't tell.\n"
    )


@pytest.mark.slow
def test_a_source_that_is_edited_while_workers_run_is_not_taken_for_theirs(
    edit: Edit, folder: Path, jug: Jug, jug_process: Callable[..., object]
) -> None:
    editing = "\nif n == 0:\n        " + (
        "text = open('helpers.py').read()\n"
        "        open('helpers.py', 'w').write(text.replace('FACTOR * x', 'FACTOR * x + 1'))\n"
    )
    edit("fits.py", "def measure(n):", "def measure(n):" + editing.replace("\nif", "\n    if"))

    jug_process("execute", "fits.py")

    assert "FACTOR * x + 1" in (folder / "helpers.py").read_text()
    sys.modules.pop("helpers", None)
    shown = jug("stale", "fits.py", status=1).output
    assert "3 results came from older code" in shown
    assert "+    return FACTOR * x + 1" in shown


@pytest.mark.slow
def test_a_source_that_is_gone_is_no_error(
    project: Edit, folder: Path, jug_process: Callable[..., object]
) -> None:
    compile_to = folder / "helpers.pyc"
    py_compile.compile(str(folder / "helpers.py"), cfile=str(compile_to))
    (folder / "helpers.py").unlink()

    said = json.loads(jug_process("stale", "--json", "fits.py").stdout)

    measure = next(one for one in said["names"] if one["name"] == "fits.measure")
    assert measure["fresh"] == 0 and measure["unseen"] + measure["not_known"] == 3
