"""A worker that waits notices at once what it waits for, and costs next to nothing."""

from __future__ import annotations

import os
import re
import signal
import statistics
import subprocess
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.clock

HEAD = """
import sys, time
from jug import TaskGenerator
from journal import log, wait_for_file

@TaskGenerator
def held(i):
    log("begin", i, time.time())
    wait_for_file(f"go{i}")
    log("end", i, time.time())
    return i

@TaskGenerator
def after(i, needed):
    log("after", i, time.time())
    return i
"""

ROUNDS = 5
SOON = 0.2


@pytest.fixture
def is_waiting(wait_for):
    """Call with a command: returns once its worker sleeps in a wait for the store to change."""

    def worker_of(process: subprocess.Popen[str]) -> int:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        return int(children[0]) if children else 0

    def sleeps(process: subprocess.Popen[str]) -> int:
        worker = worker_of(process)
        return worker if worker and Path(f"/proc/{worker}/wchan").read_text() in POLLING else 0

    return lambda process: wait_for(lambda: sleeps(process))


POLLING = ("do_sys_poll", "poll_schedule_timeout", "do_poll", "poll_schedule_timeout.constprop.0")


def time_of(journal, *words: str) -> float:
    (found,) = (line[-1] for line in journal() if line[:-1] == list(words))
    return float(found)


def delays(one_round) -> float:
    """Return the median of several rounds: a busy machine may spoil one."""
    return statistics.median(one_round(i) for i in range(ROUNDS))


@pytest.fixture
def waiting(write, journal, start, wait_for, is_waiting):
    """Start one worker on a task of a round, and another that waits for it; return both."""
    write(HEAD + "\ni = sys.argv[1]\nafter(i, held(i))\n")

    def begin(i: int, *options: str):
        holder = start("execute", "jugfile.py", str(i))
        wait_for(lambda: any(words[:2] == ["begin", str(i)] for words in journal()))
        waiter = start("execute", *options, "jugfile.py", str(i))
        is_waiting(waiter)
        return holder, waiter

    return begin


@pytest.mark.slow
def test_a_finished_dependency_is_noticed_soon(write, journal, waiting, wait_for, start):
    write(HEAD + "\ni = sys.argv[1]\nneeded = held(i)\nfor k in range(2): after(k, needed)\n")

    def one_round(i):
        holder, waiter = waiting(i)
        Path(f"go{i}").touch()
        assert (holder.wait(20), waiter.wait(20)) == (0, 0)
        begun = [float(words[-1]) for words in journal() if words[0] == "after"][-2:]
        return max(begun) - time_of(journal, "end", str(i))

    assert delays(one_round) < SOON


@pytest.mark.slow
@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGKILL])
def test_a_lock_that_is_released_and_a_holder_that_dies_are_noticed_soon(
    journal, waiting, wait_for, signum
):
    def one_round(i):
        holder, waiter = waiting(i)
        began = time.time()
        os.killpg(holder.pid, signum)
        second = wait_for(lambda: [w for w in journal() if w[:2] == ["begin", str(i)]][1:])
        Path(f"go{i}").touch()
        assert waiter.wait(20) == 0
        return float(second[0][-1]) - began

    assert delays(one_round) < SOON


@pytest.mark.slow
def test_an_invalidated_result_is_noticed_soon(write, journal, start, waiting, wait_for):
    write(HEAD + "\ni = sys.argv[1]\nafter('independent', 0)\nafter(i, held(i))\n")

    def one_round(i):
        holder, waiter = waiting(i)
        before = len(journal())
        assert start("invalidate", "--name", "after", "jugfile.py", str(i)).wait(20) == 0
        done = time.time()
        again = wait_for(lambda: [w for w in journal()[before:] if w[1] == "independent"])
        Path(f"go{i}").touch()
        assert (holder.wait(20), waiter.wait(20)) == (0, 0)
        return float(again[0][-1]) - done

    assert delays(one_round) < SOON


@pytest.mark.slow
@pytest.mark.waits
def test_a_long_wait_costs_less_than_a_hundredth_of_a_core(waiting, is_waiting):
    def seconds_of(pid: int) -> float:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")

    holder, waiter = waiting(0)
    pids = [waiter.pid, is_waiting(waiter)]
    time.sleep(2)
    before = [seconds_of(pid) for pid in pids]

    time.sleep(5)

    for pid, spent in zip(pids, before, strict=True):
        assert seconds_of(pid) - spent <= 0.05
    Path("go0").touch()
    assert (holder.wait(20), waiter.wait(20)) == (0, 0)


@pytest.mark.slow
@pytest.mark.waits
def test_a_long_wait_reads_little(waiting, is_waiting, program):
    holder, waiter = waiting(0)
    time.sleep(2)

    tracer = subprocess.Popen(
        [program("strace"), "-f", "-qq", "-p", str(is_waiting(waiter)), "-o", "trace"],
        stderr=subprocess.DEVNULL,
    )
    time.sleep(5)
    tracer.send_signal(signal.SIGINT)
    tracer.wait()

    Path("go0").touch()
    assert (holder.wait(20), waiter.wait(20)) == (0, 0)
    opened = re.findall(r'openat\(AT_FDCWD, "([^"]*)"', Path("trace").read_text())
    looks = [path for path in opened if path.endswith("/leases")]
    assert 0 < len(looks) <= 12
    assert all("/leases" in path or path.startswith("/proc/") for path in opened)
