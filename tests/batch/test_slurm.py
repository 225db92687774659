"""`jug submit` and `jug jobs` with a real Slurm; skipped where it is missing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.system.test_slurm import slurm as cluster  # noqa: F401

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

TASKS = """
import time
from pathlib import Path
from jug import TaskGenerator

@TaskGenerator
def work(number):
    while {held!r} and not Path({held!r}).exists():
        time.sleep(0.02)
    return number

tasks = [work(number) for number in range({count})]
"""


@pytest.fixture
def slurm(cluster, monkeypatch):  # noqa: F811
    monkeypatch.setenv("SLURM_CONF", cluster.environ["SLURM_CONF"])
    yield cluster
    cluster.call("scancel", "--user=" + cluster.call("id", "-un"))


@pytest.fixture
def jugfile(tmp_path, monkeypatch):
    """Write a jugfile, in a folder whose name is not plain; returns the file that frees tasks."""
    folder = tmp_path / "my work 50%a"
    folder.mkdir()
    monkeypatch.chdir(folder)

    def write(count, is_held=False):
        held = str(folder / "go") if is_held else ""
        Path("work.py").write_text(TASKS.format(count=count, held=held))
        return folder / "go"

    return write


@pytest.fixture
def jug(jugfile):
    def run(*words, status=0):
        done = subprocess.run(
            [sys.executable, "-m", "jug", *words], capture_output=True, text=True, timeout=60
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout

    return run


def ended(slurm, name):
    """Return how the jobs of a name ended."""
    shown = slurm.call("scontrol", "--oneliner", "show", "job").splitlines()
    fields = [dict(field.split("=", 1) for field in line.split() if "=" in field) for line in shown]
    return [f"{job['JobState']} {job['ExitCode']}" for job in fields if job["JobName"] == name]


def test_asking_again_adds_the_difference_and_no_more(slurm, jugfile, jug, wait_for):
    def submit(workers):
        return jug("submit", "--workers", workers, "-j", "2", "--time", "10 min", "work.py")

    go = jugfile(30, is_held=True)
    first = submit("4")
    name = first.split("at most 40 core minutes: ")[1].split()[0]
    assert "30 tasks are left" in first
    assert "Asks Slurm for 2 jobs of 2 workers" in first
    assert "Nothing to submit" in submit("4")
    wait_for(lambda: "2 running, 0 waiting" in submit("4"), 60)
    assert "Asks Slurm for 1 job of 2 workers" in submit("6")

    go.touch()
    wait_for(lambda: not slurm.is_busy(), 60)
    assert ended(slurm, name) == ["COMPLETED 0:0"] * 3
    assert "0 tasks are left" in submit("6")

    jugfile(40, is_held=True)
    assert "10 tasks are left, about" in submit("6")
    wait_for(lambda: not slurm.is_busy(), 60)
    assert jug("status", "--short", "work.py") == "All tasks complete (40 tasks).\n"


def test_jobs_are_shown_beside_their_tasks_and_cancelled(slurm, jugfile, jug, wait_for):
    jugfile(3, is_held=True)
    jug("submit", "--workers", "2", "--time", "10 min", "work.py")

    def seen():
        jobs = json.loads(jug("jobs", "--json", "work.py"))["jobs"]
        return jobs if all(job["tasks"] for job in jobs) else []

    jobs = wait_for(seen, 60)

    assert [job["said"] for job in jobs] == ["running"] * 2
    assert {task for job in jobs for task in job["tasks"]} < {f"work.work({n})" for n in range(3)}
    assert "work.work(0)" in jug("jobs", "work.py")
    assert "2 jobs run.\n" in jug("status", "work.py", status=1)

    assert jug("jobs", "--cancel", "work.py") == "Cancelled 2 jobs.\n"
    wait_for(lambda: not slurm.is_busy(), 60)
    assert jug("jobs", "work.py") == "No job waits or runs.\n"
    assert "(none active)" in jug("status", "--short", "work.py", status=1)


def test_the_log_of_a_job_that_dies_is_shown(slurm, jugfile, jug, wait_for):
    jugfile(1)
    jug("submit", "--workers", "1", "--time", "1 min", "--setup", "echo no such module; exit 7",
        "work.py")  # fmt: skip
    wait_for(lambda: not slurm.is_busy(), 60)

    said = jug("jobs", "work.py")

    assert "is over and did not end well" in said
    assert said.endswith("\n  no such module\n")


def test_a_watch_goes_on_to_the_end(slurm, jugfile, jug):
    jugfile(20)

    said = jug("submit", "--workers", "2", "--time", "1 min", "--watch", "--every", "0.5s",
               "work.py")  # fmt: skip

    assert said.endswith("All tasks are done.\n")


def test_what_slurm_refuses_is_told_in_its_words(slurm, jugfile, jug):
    jugfile(1)

    done = subprocess.run(
        [sys.executable, "-m", "jug", "submit", "--workers", "1", "--time", "1 min", "work.py",
         "--", "--partition=none"], capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 1
    assert "invalid partition specified: none" in done.stderr
    assert not slurm.is_busy()


def test_tasks_finish_where_the_queue_can_not_be_asked(slurm, jugfile, jug, wait_for, tmp_path,
                                                       monkeypatch):  # fmt: skip
    jugfile(5)
    squeue = tmp_path / "squeue"
    squeue.write_text("#!/bin/sh\nexit 1\n")
    squeue.chmod(0o755)
    with monkeypatch.context() as context:
        context.setenv("PATH", str(tmp_path), prepend=":")
        jug("submit", "--workers", "2", "--time", "1 min", "work.py")

    wait_for(lambda: not slurm.is_busy(), 60)
    assert jug("status", "--short", "work.py") == "All tasks complete (5 tasks).\n"


def test_tasks_that_need_different_machines_have_jobs_that_run_them(slurm, jugfile, jug, wait_for):
    jugfile(0)
    Path("work.py").write_text(
        "import os\n"
        "from jug import TaskGenerator\n"
        "@TaskGenerator\ndef small(n):\n    return os.environ['SLURM_CPUS_PER_TASK']\n"
        "@TaskGenerator(cpus=2, tags={'licence'})\n"
        "def large(n):\n"
        "    return os.environ['SLURM_CPUS_PER_TASK'] + os.environ['OMP_NUM_THREADS']\n"
        "small_ones, large_ones = [small(n) for n in range(9)], [large(n) for n in range(3)]\n"
    )

    jug("submit", "--workers", "2", "--time", "1 min", "work.py")
    wait_for(lambda: not slurm.is_busy(), 60)

    assert jug("status", "--short", "work.py") == "All tasks complete (12 tasks).\n"
    found = "import jug; names = jug.init('work.py')[1]; print(set(jug.value("
    for names, value in (("small_ones", "1"), ("large_ones", "22")):
        program = f"{found}names[{names!r}])))"
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        assert done.stdout == f"{{{value!r}}}\n", done.stderr


def test_what_a_user_has_set_for_sbatch_and_squeue_makes_no_jobs_twice(
    slurm, jugfile, jug, wait_for, monkeypatch
):
    go = jugfile(9, is_held=True)
    monkeypatch.setenv("SBATCH_JOB_NAME", "mine")
    monkeypatch.setenv("SBATCH_ARRAY_INX", "0-5")
    monkeypatch.setenv("SQUEUE_STATES", "COMPLETED")

    asked = ("submit", "--workers", "2", "--time", "1 min", "work.py")
    assert "Asks Slurm for 2 jobs" in jug(*asked, "--", '--comment=it\'s "odd" $HOME #x')
    assert "Nothing to submit" in jug(*asked)

    go.touch()
    wait_for(lambda: not slurm.is_busy(), 60)
    assert "0 tasks are left" in jug(*asked)
