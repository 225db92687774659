"""A command that is killed takes its workers with it, and leaves nothing behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest

from .conftest import is_running

TASKS = """
import os, time
from pathlib import Path
from jug import TaskGenerator
from journal import log

@TaskGenerator
def part(i):
    log("begin", i, os.getpid())
    if not Path("go").exists():
        hold()
    return i

@TaskGenerator
def total(parts):
    return sum(parts)

total([part(i) for i in range(4)])
"""

HOLDS = {
    "asleep": "def hold(): time.sleep(60)\n",
    "in C": "def hold(): sum(range(10**13))\n",
    "deaf": """
def hold():
    while True:
        try:
            time.sleep(60)
        except BaseException:
            pass
""",
}


@pytest.mark.parametrize("hold", HOLDS)
@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.slow
def test_workers_die_with_their_supervisor_and_their_tasks_are_free_at_once(
    write, journal, start, jug, wait_for, jobs, hold
):
    write(HOLDS[hold] + TASKS)
    command = start("execute", "-j", jobs)
    wait_for(lambda: len(journal()) == int(jobs))
    workers = [int(words[2]) for words in journal()]

    command.kill()

    wait_for(lambda: not any(map(is_running, workers)), seconds=10)
    Path("go").touch()
    assert jug("execute")[0] == 0
    assert jug("status", "--short")[1] == "All tasks complete (5 tasks).\n"


def test_workers_that_were_started_anew_die_with_their_supervisor(write, journal, start, wait_for):
    write("", "torch.py")
    # Elsewhere a thread looks after the supervisor, which needs the interpreter's lock.
    write("import torch\n" + HOLDS["in C" if sys.platform == "linux" else "asleep"] + TASKS)
    command = start("execute", "-j", "2")
    wait_for(lambda: len(journal()) == 2)
    workers = [int(words[2]) for words in journal()]

    command.kill()

    wait_for(lambda: not any(map(is_running, workers)), seconds=10)


RUN_IN_THREAD = """
import threading, jug
from jugfile import part

for i in (0, 2):
    thread = threading.Thread(target=jug.run, args=([part(i), part(i + 1)], 2, "jd"))
    thread.start()
    thread.join()
"""


def test_workers_of_a_thread_that_ends_reach_their_end(write, journal, launch, wait_for):
    write("def hold(): time.sleep(0.3 if os.path.exists('jd') else 0)\n" + TASKS)
    write(RUN_IN_THREAD, "script.py")

    script = launch("script.py")
    out, err = script.communicate(timeout=60)

    assert (script.returncode, err) == (0, "")
    assert sorted(words[1] for words in journal()) == ["0", "1", "2", "3"]


KILLED = """
import os, time
from jug import TaskGenerator

@TaskGenerator
def part(i):
    time.sleep(0.01 if i % 10 else 0.3)
    return i

@TaskGenerator
def after(x):
    return x + 1

parts = [after(part(i)) for i in range(4000)]
"""

KILLS = int(os.environ.get("JUG_TEST_KILLS", "60"))


def processes_in(folder: Path) -> list[int]:
    """Return the processes that work in a folder, without this one."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and Path(os.readlink(entry / "cwd")) == folder:
                found.append(int(entry.name))
        except OSError:
            continue
    return [pid for pid in found if pid != os.getpid() and is_running(pid)]


def are_gone_within(seconds: float, folder: Path) -> bool:
    """Wait until no process works in a folder; return whether it came to that in time."""
    until = time.monotonic() + seconds
    while processes_in(folder):
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


@pytest.mark.slow
@pytest.mark.timeout(60 + 6 * KILLS)
def test_supervisors_may_be_killed_at_any_time(folder, write, jug):
    """Every other one is stopped before, as by a machine that swaps, so that it reads late."""
    write(KILLED)
    chance = Random(0)
    kills = hits = misses = 0

    while hits < KILLS:
        with open("errors", "ab") as errors:
            command = subprocess.Popen(
                [sys.executable, "-m", "jug", "execute", "-j", "4"],
                stdout=subprocess.DEVNULL, stderr=errors,
            )  # fmt: skip
        time.sleep(0.2 + chance.random() + 0.1 * misses)  # a busy machine takes longer
        if kills % 2:
            command.send_signal(signal.SIGSTOP)
            time.sleep(0.1)
        kills += 1
        is_hit = len(processes_in(folder)) > 4  # by then it has all its workers
        hits, misses = hits + is_hit, 0 if is_hit else misses + 1
        command.kill()
        command.wait()
        assert are_gone_within(10, folder)
        if kills % 20 == 0:
            assert jug("status", "--short")[1].split(", ")[1] == "0 failed"
            shutil.rmtree("jugfile.jugdata", ignore_errors=True)  # none had got so far

    told = Path("errors").read_text()
    assert "failed" not in told, told
    assert "Error" not in told, told
