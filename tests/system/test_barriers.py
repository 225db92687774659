"""Barriers, by real workers: the jugfile is read on, whatever befalls them meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

import pytest

Journal = Callable[[], list[list[str]]]

pytestmark = pytest.mark.slow

HEAD = """
import os, random, sys, time
from journal import log, wait_for_file
from jug import TaskGenerator, barrier, bvalue
log("before", os.getpid())

@TaskGenerator
def step(name, x=0):
    log("step", name)
    time.sleep(0.02)
    return x + 1

bvalue(step("first"))
log("beyond", os.getpid())
"""

LOOP = """
for i in range(4):
    made = [step(f"{i}-{n}", i) for n in range(6)]
    barrier()
    log("passed", i)
step("last")
"""


def run(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "jug", "execute", *options],
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip


def names(journal: Journal, kind: str) -> list[str]:
    return [words[1] for words in journal() if words[0] == kind]


@pytest.mark.parametrize("jobs", ["1", "2", "new Pythons"])
def test_each_process_reads_the_jugfile_twice_at_most(write, journal, jobs) -> None:
    if jobs == "new Pythons":
        write("", "torch.py")
        write("import torch" + HEAD + LOOP)
    else:
        write(HEAD + LOOP)

    done = run("-j", "2" if jobs == "new Pythons" else jobs)

    assert done.returncode == 0, done.stderr
    steps = names(journal, "step")
    assert len(steps) == len(set(steps)) == 26
    assert max(Counter(names(journal, "before")).values()) == (1 if jobs == "2" else 2)
    passed = Counter(map(tuple, journal()))["passed", "3"]
    assert passed == (1 if jobs == "1" else 2)


def test_workers_that_come_later_and_ones_that_are_killed_make_no_difference(
    write, journal, launch, wait_for
) -> None:
    # None comes to its end before it is killed.
    write(
        HEAD + LOOP.replace("    barrier()\n", "    barrier()\n    i < 3 or wait_for_file('go')\n")
    )
    workers = [launch("-m", "jug", "execute") for _ in range(3)]
    wait_for(lambda: len(names(journal, "step")) > 8)
    victims = {int(pid) for pid in names(journal, "beyond")}
    os.kill(victims.pop(), signal.SIGKILL)
    Path("go").touch()
    workers.append(launch("-m", "jug", "execute"))

    assert [worker.wait(60) for worker in workers] == [0] * 4
    steps = names(journal, "step")
    assert len(set(steps)) == 26 and len(steps) <= 27


@pytest.mark.parametrize(
    ("signum", "status", "saved"),
    [(signal.SIGTERM, 130, False), (signal.SIGINT, 130, False), (signal.SIGUSR1, 0, True)],
)
def test_signals_are_heeded_within_a_barrier(
    write, journal, launch, wait_for, signum: signal.Signals, status: int, saved: bool
) -> None:
    write(
        HEAD
        + """
@TaskGenerator
def long():
    log("step", "long")
    wait_for_file("go")

try:
    bvalue(long())
except Exception:
    log("caught", "it")
step("not begun")
bvalue(step("nor this"))
"""
    )
    command = launch("-m", "jug", "execute")
    wait_for(lambda: "long" in names(journal, "step"))

    command.send_signal(signum)
    if saved:
        assert "draining" in command.stderr.readline()  # so it was heeded before the task ends
        Path("go").touch()

    assert command.wait(30) == status
    assert names(journal, "step") == ["first", "long"]
    assert [words[0] for words in journal()].count("caught") == 1
    Path("go").touch()
    assert run("--no-wait").returncode == 0  # no lease is left behind


def test_a_signal_between_barriers_ends_the_reading(write, journal, launch, wait_for) -> None:
    write(HEAD + 'bvalue(step(1))\nlog("reading", "on")\ntime.sleep(100)\n')
    command = launch("-m", "jug", "execute")
    wait_for(lambda: names(journal, "reading"))

    command.send_signal(signal.SIGTERM)

    assert command.wait(30) == 130


def test_files_that_tasks_have_made_are_there_beyond_a_barrier(write, journal) -> None:
    write(
        HEAD
        + """
from glob import glob

@TaskGenerator
def make(n):
    with open(f"made-{n}", "w") as file:
        file.write(str(n))

@TaskGenerator
def read(path):
    log("read", path)

for n in range(3):
    make(n)
barrier()
for path in sorted(glob("made-*")):
    read(path)
"""
    )

    assert run("-j", "2").returncode == 0

    assert sorted(names(journal, "read")) == ["made-0", "made-1", "made-2"]


@pytest.mark.clock
def test_what_barriers_cost_grows_with_the_tasks(write, folder) -> None:
    text = """
from jug import TaskGenerator, barrier

@TaskGenerator
def f(x): return x

for i in range(BARRIERS):
    for n in range(10_000 // BARRIERS):
        f((i, n))
    barrier()
"""

    def cost(barriers: int) -> float:
        write(text.replace("BARRIERS", str(barriers)))
        before = getrusage(RUSAGE_CHILDREN)
        assert run("--jugdir", f"jugdir-{barriers}").returncode == 0
        after = getrusage(RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert cost(100) < 2.5 * cost(1)
