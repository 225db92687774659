"""Workers in jobs of a real Slurm: at their limit, preempted, cancelled, drained, on dead nodes."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
from tests.system.real_slurm import Slurm, slurm
from tests.system.test_cluster_pages import scripts

from jug.backends.registry import open_store

__all__ = ["slurm"]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300), pytest.mark.waits]

TASKS = """
import os, time
from jug import TaskGenerator
from journal import log, wait_for_file

@TaskGenerator
def work(number):
    log("began", number, os.environ["SLURM_JOB_ID"], os.getpid(), time.time())
    {wait}
    log("ended", number, os.environ["SLURM_JOB_ID"], os.getpid(), time.time())
    return number

tasks = [work(number) for number in range({count})]
"""

SCRIPT = """#!/bin/bash
export TEST_HOST=$SLURMD_NODENAME PYTHONPATH={other_host}:$PYTHONPATH
exec {python} -m jug execute -j {workers}
"""

OTHER_HOST = Path(__file__).parent / "jugfiles" / "other_host"
HELD_UP = "wait_for_file('go')"


@pytest.fixture
def script(write: Callable[..., None], journal: object) -> Callable[..., str]:
    """Call with a number of tasks and what each does: returns the script of their jobs.

    The workers of one node take those of the other for workers on another machine.
    """

    def make(count: int, wait: str, workers: int = 2) -> str:
        write(TASKS.format(count=count, wait=wait))
        values = {"python": sys.executable, "workers": workers, "other_host": OTHER_HOST}
        write(SCRIPT.format(**values), "job.sh")
        return "job.sh"

    return make


@pytest.fixture(autouse=True)
def no_job_is_left(slurm: Slurm, wait_for: Callable[..., object]) -> Iterator[None]:
    yield
    Path("go").touch()
    wait_for(lambda: not slurm.is_busy(), 120)


def told() -> list[str]:
    """Return what each job has printed."""
    return [path.read_text() for path in Path().glob("out-*")]


def each(word, journal):
    """Return how often each task began, or ended."""
    return Counter(int(line[1]) for line in journal() if line[0] == word)


def is_held():
    """Return whether somebody holds a task."""
    with open_store("jugfile.jugdata") as store:
        store.poll()
        return any(holder.alive for holder in store.holders().values())


def test_the_script_of_the_documentation_is_taken_and_does_all(
    slurm, write, journal, wait_for, monkeypatch
):
    before = len(slurm.jobs())
    write(scripts("slurm")[0], "job.sh")
    write(TASKS.format(count=20, wait="time.sleep(0.2)"), "train.py")
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    monkeypatch.setitem(slurm.environ, "PATH", programs)

    slurm.submit("job.sh", "--array=1-3")
    wait_for(lambda: not slurm.is_busy(), 120)

    assert slurm.jobs()[before:] == ["COMPLETED 0:0"] * 3
    assert each("ended", journal) == dict.fromkeys(range(20), 1)
    assert {line[2] for line in journal()} == {job["JobId"] for job in slurm.shown()[before:]}


LONGEST = 2.8
MARGIN = 3.0  # a twentieth of a minute


@pytest.mark.clock
def test_jobs_of_a_minute_do_all_and_none_is_cut_off(slurm, script, journal, wait_for):
    """Each job asks the queue when it must end: this Slurm says it in no variable."""
    before = len(slurm.jobs())
    path = script(200, f"time.sleep({LONGEST} - number % 7 / 20)", workers=4)
    for _ in range(2):
        slurm.submit(path, "--array=0-1", "--exclusive", "--time=1")
    wait_for(lambda: not slurm.is_busy(), 200)

    assert Counter(slurm.jobs()[before:]) == {"COMPLETED 0:0": 4}
    assert each("began", journal) == each("ended", journal) == dict.fromkeys(range(200), 1)
    assert not any("not known when this job must end" in text for text in told())
    limits = {job["JobId"]: limit(job) for job in slurm.shown()[before:]}
    early = [text for text in told() if "nothing that is left fits" in text]
    left = sorted(limits[job] - at for job, at in last_ends(journal()).items())
    assert len(early) == 2 and left[0] > MARGIN - 1, left  # Slurm counts whole seconds
    # What a task may take is a fifth more than the longest.
    idle = [limits[job] - at for (job, _), at in last_ends(journal(), by_worker=True).items()]
    assert sum(seconds < MARGIN + 1.2 * (LONGEST + 0.3) + 1 for seconds in idle) >= 8, idle


def limit(job):
    """Return when a job has to end, in seconds since the epoch."""
    return datetime.fromisoformat(job["StartTime"]).timestamp() + 60


def last_ends(lines, by_worker=False):
    """Return for each job, or for each worker of each, when its last task ended."""
    return {(line[2], line[3]) if by_worker else line[2]: float(line[4])
            for line in lines if line[0] == "ended"}  # fmt: skip


def test_a_job_is_drained_by_a_signal_to_its_script(slurm, script, journal, wait_for):
    before = len(slurm.jobs())
    job = slurm.submit(script(20, HELD_UP), "--cpus-per-task=2", "--time=5")
    wait_for(lambda: len(journal()) == 2, 60)

    slurm.call("scancel", "--batch", f"--signal={signal.SIGUSR1.name[3:]}", job)
    wait_for(lambda: "draining" in told()[0], 60)
    Path("go").touch()
    wait_for(lambda: not slurm.is_busy(), 120)

    assert slurm.jobs()[before:] == ["COMPLETED 0:0"]
    assert each("began", journal) == each("ended", journal) and len(journal()) == 4
    assert "       2       0  jugfile.work\n" in told()[0]
    assert "jug: told to begin no further task; 18 tasks are not done (exit status 0)" in told()[0]


@pytest.mark.clock
def test_a_job_that_is_cancelled_gives_its_tasks_back_within_two_seconds(
    slurm, script, journal, wait_for
):
    job = slurm.submit(script(4, HELD_UP), "--cpus-per-task=2", "--time=5")
    wait_for(lambda: len(journal()) == 2, 60)
    assert is_held()

    slurm.call("scancel", job)
    wait_for(lambda: "stopping" in told()[0])  # it got SIGTERM just now
    since = time.monotonic()
    wait_for(lambda: not is_held(), 10)

    assert time.monotonic() - since < 2
    Path("go").touch()
    wait_for(lambda: not slurm.is_busy(), 60)
    assert slurm.jobs()[-1].startswith("CANCELLED ")
    slurm.submit("job.sh")
    wait_for(lambda: not slurm.is_busy(), 60)
    assert each("ended", journal) == dict.fromkeys(range(4), 1)
    assert each("began", journal).total() == 6


def test_a_job_that_is_preempted_goes_on_where_it_was(slurm, script, journal, wait_for):
    before = len(slurm.jobs())
    on_node = ("--nodelist=n0", "--exclusive", "--time=5", "--open-mode=append")
    path = script(12, "time.sleep(0.3)\n    number < 6 or " + HELD_UP)
    slurm.submit(path, "--requeue", *on_node)
    wait_for(lambda: each("began", journal)[7], 60)

    Path("urgent.sh").write_text("#!/bin/sh\ntouch go\n")
    slurm.submit("urgent.sh", "--partition=urgent", *on_node)
    wait_for(lambda: not slurm.is_busy(), 100)

    assert slurm.jobs()[before:] == ["COMPLETED 0:0"] * 2
    assert slurm.shown()[before]["Restarts"] == "1"
    assert each("ended", journal) == dict.fromkeys(range(12), 1)
    assert each("began", journal) == {number: 1 + (number in (6, 7)) for number in range(12)}


@pytest.mark.clock
def test_tasks_of_a_dead_node_are_done_by_another(slurm, script, journal, wait_for, monkeypatch):
    monkeypatch.setitem(slurm.environ, "JUG_LEASE_SECONDS", "3")
    before = len(slurm.jobs())
    path = script(12, "number in (0, 1) and " + HELD_UP + "\n    time.sleep(0.3)")
    slurm.submit(path, "--requeue", "--nodelist=n0", "--time=5", "--open-mode=append")
    wait_for(lambda: {0, 1} <= each("began", journal).keys(), 60)
    slurm.submit(path, "--nodelist=n1", "--time=5")
    wait_for(lambda: each("ended", journal).total() == 10, 60)

    begun = each("began", journal)
    slurm.kill_node("n0")
    Path("go").touch()
    wait_for(lambda: each("ended", journal).total() == 12, 60)
    slurm.call("scontrol", "update", "NodeName=n0", "State=DOWN", "Reason=dead")
    slurm.begin_node("n0")
    slurm.call("scontrol", "update", "NodeName=n0", "State=RESUME")
    wait_for(lambda: not slurm.is_busy(), 100)

    assert slurm.jobs()[before:] == ["COMPLETED 0:0"] * 2
    assert each("ended", journal) == dict.fromkeys(range(12), 1)
    assert each("began", journal) == begun + Counter((0, 1))
