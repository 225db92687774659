"""A jugfile, or a task, that changes the working directory changes nothing for jug itself."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

HEAD = """
import os, signal
from jug import TaskGenerator, barrier

@TaskGenerator
def here(x):
    return os.path.relpath(os.getcwd(), ROOT)

@TaskGenerator
def die():
    os.kill(os.getpid(), signal.SIGKILL)

@TaskGenerator
def leave(x):
    os.makedirs("elsewhere", exist_ok=True)
    os.chdir("elsewhere")

ROOT = os.path.dirname(os.path.abspath(__file__))
os.makedirs("out", exist_ok=True)
"""

ENTERS = HEAD + 'os.chdir("out")\n'

NOT_TO_BE_FORKED = "import polars\n"  # of the test's own


@pytest.fixture(params=["1", "2", "new Pythons"])
def jobs(request, write):
    """How many workers run; with new ones, the jugfile imports what does not survive a fork."""
    write("", "polars.py")
    return request.param


def head(text: str, jobs: str) -> str:
    return (NOT_TO_BE_FORKED if jobs == "new Pythons" else "") + text


def words(jobs: str) -> list[str]:
    return ["-j", "2" if jobs == "new Pythons" else jobs]


def jugdirs(folder: Path) -> list[str]:
    return [str(path.relative_to(folder)) for path in folder.rglob("*.jugdata")]


@pytest.mark.slow
def test_a_jugfile_that_changes_the_folder_is_read_again_after_a_barrier(folder, write, jug, jobs):
    write(head(ENTERS, jobs) + "first = here(1)\nbarrier()\nsecond = here(2)\n")

    status, _, err = jug("execute", *words(jobs), "jugfile.py")

    assert status == 0, err
    assert jug("status", "--short")[1] == "All tasks complete (2 tasks).\n"
    assert jugdirs(folder) == ["jugfile.jugdata"]


@pytest.mark.slow
def test_a_task_that_changes_the_folder_does_not_lose_the_jugfile_behind_a_barrier(
    folder, write, jug, jobs
):
    write(head(HEAD, jobs) + "[leave(i) for i in range(3)]\nbarrier()\nhere(2)\n")

    status, _, err = jug("execute", *words(jobs), "jugfile.py")

    assert status == 0, err
    assert jugdirs(folder) == ["jugfile.jugdata"]
    assert (folder / "elsewhere").is_dir()


@pytest.mark.slow
def test_workers_that_replace_others_stand_where_the_jugfile_left_them(folder, write, jug, jobs):
    write(head(ENTERS, jobs) + "ran = [here(i) for i in range(4)]\ndie()\n")

    status, _, err = jug("execute", "--keep-going", *words(jobs), "jugfile.py")

    assert status == 1, err
    assert re.search(r"die \([0-9a-f]{12}\) failed: WorkerDied: 5 workers died of it", err)
    assert jugdirs(folder) == ["jugfile.jugdata"]
    assert "1 failed, 4 complete" in jug("status", "--short")[1]


@pytest.mark.slow
def test_the_file_that_stops_workers_is_looked_for_where_the_command_began(folder, write, jug):
    write(ENTERS + "[here(i) for i in range(4)]\n")
    (folder / "__jug_please_stop_running.txt").touch()

    assert jug("execute", "jugfile.py")[0] == 0
    assert "0 complete" in jug("status", "--short")[1]


@pytest.mark.slow
def test_a_folder_that_was_removed_before_the_second_reading_is_named(folder, write, jug):
    (folder / "begun").mkdir()
    write("import os\nfrom jug import Task, barrier\nTask(os.rmdir, os.getcwd())\nbarrier()\n")

    status, _, err = jug("execute", "--jugdir", "../jd", "../jugfile.py", cwd=folder / "begun")

    assert status == 1
    assert "begun', where it was read first: No such file or directory" in err
    assert "Traceback" not in err
