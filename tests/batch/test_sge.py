"""`jug submit` and `jug jobs` with a real Grid Engine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

TASKS = """
import time
from pathlib import Path
from jug import TaskGenerator

@TaskGenerator
def work(number):
    while number >= {free} and not Path("go").exists():
        time.sleep(0.02)
    return number

tasks = [work(number) for number in range({count})]
"""

WRAPPER = """#!/bin/sh
exec nsenter --target {pid} --net --mount --uts env SGE_ROOT={folder}/root SGE_CELL=default \
SGE_QMASTER_PORT=20444 SGE_EXECD_PORT=20445 {program} "$@"
"""


@pytest.fixture(scope="module")
def programs_of_sge(tmp_path_factory, program, wait_for):
    """A folder with the programs of a Grid Engine that runs."""
    if os.geteuid() != 0:
        pytest.skip("a network of its own is for root alone")
    for name in ("sge_qmaster", "sge_execd", "unshare", "nsenter"):
        program(name)
    folder, programs = tmp_path_factory.mktemp("sge"), tmp_path_factory.mktemp("bin")
    script = Path(__file__).with_name("gridengine.sh")
    with (folder / "log").open("w") as log:
        begun = subprocess.run(
            ["unshare", "--net", "--mount", "--uts", "bash", script, folder],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, timeout=60, check=False,
        )  # fmt: skip
    try:
        assert begun.returncode == 0, (folder / "log").read_text()
        pid = (folder / "qmaster.pid").read_text().strip()
        for name in ("qsub", "qstat", "qdel", "qconf"):
            text = WRAPPER.format(pid=pid, folder=folder, program=program(name))
            (programs / name).write_text(text)
            (programs / name).chmod(0o755)
        yield programs
    finally:
        for daemon in ("execd.pid", "qmaster.pid"):
            with suppress(OSError):
                os.kill(int((folder / daemon).read_text()), signal.SIGTERM)


@pytest.fixture
def jug(programs_of_sge, tmp_path, monkeypatch):
    """Call with the words of a command line: runs it in a folder whose name is not plain."""
    folder = tmp_path / "my work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PATH", f"{programs_of_sge}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("JUG_SUBMIT_TO", "sge")
    monkeypatch.setenv("JUG_SUBMIT_TIME", "10 min")

    def run(*words, status=0):
        done = subprocess.run(
            [sys.executable, "-m", "jug", *words, "work.py"],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    yield run
    Path("go").touch()
    run("jobs", "--cancel")


def write(count, free):
    Path("work.py").write_text(TASKS.format(count=count, free=free))


def test_an_array_runs_the_tasks_and_asking_again_adds_the_difference(jug, wait_for):
    write(12, free=0)

    assert "Asks Grid Engine for 2 jobs of 1 worker" in jug("submit", "--workers", "2")
    wait_for(lambda: len(json.loads(jug("jobs", "--json"))["jobs"]) == 2, 60)
    assert "Nothing to submit" in jug("submit", "--workers", "2")
    assert "Asks Grid Engine for 1 job of 1 worker" in jug("submit", "--workers", "3")

    Path("go").touch()
    wait_for(lambda: "No job waits or runs" in jug("jobs"), 90)
    assert jug("status", "--short") == "All tasks complete (12 tasks).\n"
    assert "did not end well" not in jug("jobs")


def test_workers_share_a_job_and_are_shown_with_their_tasks(jug, wait_for):
    write(3, free=0)
    jug("submit", "--workers", "2", "-j", "2")

    def seen():
        [job] = json.loads(jug("jobs", "--json"))["jobs"]
        return job if len(job["tasks"]) == 2 else None

    job = wait_for(seen, 60)

    assert (job["is_running"], job["place"]) == (True, "localhost")
    assert {worker["job"] for worker in job["workers"]} == {f"SGE {job['id']}"}


def test_what_grid_engine_refuses_is_told_in_its_words(jug):
    write(1, free=1)

    done = subprocess.run(
        [sys.executable, "-m", "jug", "submit", "--workers", "1", "work.py", "--", "-q", "none"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 1
    assert "Unable to run job" in done.stderr


def test_the_log_of_a_job_that_dies_is_shown(jug, wait_for):
    write(1, free=1)
    jug("submit", "--workers", "1", "--setup", "echo no such module; exit 7")

    wait_for(lambda: "did not end well" in jug("jobs"), 60)

    assert "  no such module\n" in jug("jobs")
