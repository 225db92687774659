"""Whole runs of `jug execute`: its workers, their supervisor, and how they end."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections import Counter
from pathlib import Path

import pytest

from jug.backends.registry import open_store

pytestmark = pytest.mark.usefixtures("journal")  # of which each jugfile imports `log`

LOGGED = """
import os, time
from jug import TaskGenerator, barrier, bvalue
from journal import log
"""

FAN = (
    LOGGED
    + """
@TaskGenerator
def part(i):
    log("part", i, os.getpid())
    time.sleep(0.01)
    return i

@TaskGenerator
def total(parts):
    log("total", os.getpid())
    return sum(parts)

print("reading")
result = total([part(i) for i in range(40)])
"""
)


WAIT_FOR_WORKERS = """
def wait_for_workers(count):
    while len({line.split()[-1] for line in open("log")}) < count:
        time.sleep(0.01)
"""


def leftovers(jugdir: str = "jugfile.jugdata") -> list[str]:
    return sorted(os.listdir(Path(jugdir, "leases")))


@pytest.mark.parametrize("jobs", ["1", "4"])
def test_tasks_run_once_and_nothing_is_left_behind(write, journal, jug, jobs):
    write(FAN.replace("time.sleep(0.01)", f"wait_for_workers({jobs})") + WAIT_FOR_WORKERS)

    status, out, err = jug("execute", "-j", jobs)

    assert (status, err) == (0, "")
    assert out.count("reading") == 1
    assert len(journal()) == 41
    assert len({words[-1] for words in journal()}) == int(jobs)
    assert leftovers() == []
    assert jug("check")[0] == 0


def test_several_commands_share_the_work(write, journal, start):
    write(FAN)

    processes = [start("execute", "--progress", "none") for _ in range(3)]
    endings = [(process.wait(60), process.stderr.read()) for process in processes]

    assert endings == [(0, "")] * 3
    assert len(journal()) == 41


LONG, THEN_MANY = 1.0, 3


def test_workers_of_one_command_wait_for_each_other_for_as_long_as_it_takes(write, journal, jug):
    write(
        LOGGED
        + f"""
@TaskGenerator
def long():
    time.sleep({LONG})

@TaskGenerator
def then(i, needed):
    log(os.getpid())
    while len(open("log").readlines()) < {THEN_MANY}:
        time.sleep(0.01)

needed = long()
for i in range({THEN_MANY}):
    then(i, needed)
"""
    )
    patience = ["--wait-cycle-time", str(LONG / 10), "--nr-wait-cycles", "1"]

    status, out, err = jug("execute", "-j", str(THEN_MANY), *patience)

    assert (status, err) == (0, "")
    assert len({pid for (pid,) in journal()}) == THEN_MANY


def test_the_first_failure_stops_all_workers_of_the_command(write, journal, jug):
    write(
        LOGGED
        + """
@TaskGenerator
def work(i):
    log("work", i)
    if i == 0:
        raise ValueError("zero")
    time.sleep(0.1)

for i in range(40):
    work(i)
"""
    )

    status, out, err = jug("execute", "-j", "2")

    assert status == 1
    assert "ValueError: zero" in err
    assert "jugfile.work(0) failed" in err
    assert 'raise ValueError("zero")' in err
    assert len(journal()) < 40
    assert leftovers() == []


def test_a_worker_that_dies_is_reported_and_its_task_is_done_by_another(write, jug):
    write(
        LOGGED
        + """
import os, signal

@TaskGenerator
def deadly(i):
    if not os.path.exists("died"):
        open("died", "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
    return i

@TaskGenerator
def total(parts):
    return sum(parts)

total([deadly(i) for i in range(3)])
"""
    )

    status, out, err = jug("execute")

    assert status == 0
    assert re.search(
        r"was ended by SIGKILL while it ran jugfile.deadly \([0-9a-f]{12}\)$", err, re.MULTILINE
    )
    # Where no system says that a worker is gone, its own file stays for ten lease times.
    assert [name for name in leftovers() if sys.platform == "linux" or len(name) == 40] == []


def test_a_task_that_kills_every_worker_counts_as_failed(write, journal, jug):
    write(
        LOGGED
        + """
import os, signal

@TaskGenerator
def deadly():
    log("deadly")
    os.kill(os.getpid(), signal.SIGKILL)

deadly()
"""
    )

    status, out, err = jug("execute")

    assert status == 1
    assert len(journal()) == 5
    assert "WorkerDied" in err
    with open_store("jugfile.jugdata") as store:
        store.poll()
        assert len(store.failures()) == 1
    if sys.platform == "linux":  # elsewhere its last lease may have to run out
        assert jug("status", "--short")[1].strip() == (
            "0 tasks waiting to be run, 1 failed, 0 complete, (none active)."
        )


KEEP_GOING = "import jug.options\njug.options.default_options.execute_keep_going = True\n"

TROUBLE = (
    LOGGED
    + """
import os, signal

signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])  # `endless` is deaf from its beginning

@TaskGenerator
def broken():
    log("broken")
    raise ValueError("broken on purpose")

@TaskGenerator
def deadly():
    log("deadly")
    os.kill(os.getpid(), signal.SIGKILL)

@TaskGenerator(timeout=0.5)
def endless():
    log("endless")
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    time.sleep(60)

@TaskGenerator
def fine(i):
    log("fine", i)

broken(), deadly(), endless(), [fine(i) for i in range(10)]
"""
)


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_worker_that_replaces_another_does_not_try_again_what_failed_in_this_run(
    write, journal, jug, workers
):
    options = ["--keep-going"] if workers == "2" else []
    write(TROUBLE if options else KEEP_GOING + TROUBLE)

    for run in (1, 2):
        status, out, err = jug("execute", *options, "-j", workers)

        assert status == 1
        times = Counter(words[0] for words in journal())
        assert (times["broken"], times["fine"], times["endless"]) == (run, 10, run)
        # Several workers may take the task from each other before its failure is known.
        assert 5 * run <= times["deadly"] <= (4 + int(workers)) * run
        assert err.count("trying 3 tasks again that failed in an earlier run") == run - 1
        last_words = "\n".join(err.splitlines()[-4:])
        assert "jugfile.broken() failed: ValueError: broken on purpose" in last_words
        assert ") failed: WorkerDied: 5 workers died of it" in last_words
        assert ") failed: TaskTimeout: ran longer" in last_words


def test_workers_that_die_while_reading_are_not_started_for_ever(write, jug):
    write("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")

    status, out, err = jug("execute")

    assert status == 1
    assert "die before their first task" in err


@pytest.mark.slow
def test_a_task_in_c_is_ended_at_its_time_limit_and_the_worker_is_replaced(write, journal, jug):
    write(
        LOGGED
        + """
@TaskGenerator(timeout=1.5, retries=1)
def stuck():
    log("stuck", os.getpid())
    sum(range(10**13))  # looks at no signal before it returns

@TaskGenerator
def fine(i):
    log("fine", os.getpid())

stuck()
fine(1)
"""
    )

    status, out, err = jug("execute", "--keep-going")

    assert status == 1
    assert ") failed (TaskTimeout: ran longer than its time limit of 1.5 s): 1 more" in err
    assert ") failed: TaskTimeout: ran longer than its time limit of 1.5 s" in err
    assert sorted(words[0] for words in journal()) == ["fine", "stuck", "stuck"]
    assert len({words[1] for words in journal()}) > 1
    assert leftovers() == []


def test_a_jugfile_that_raises_shows_the_users_traceback_alone(write, jug):
    write("def f():\n    return 1 / 0\n\nf()\n")

    for jobs in ("1", "3"):
        status, out, err = jug("execute", "-j", jobs)

        assert status == 1
        assert "ZeroDivisionError" in err
        assert err.count("Traceback") == 1
        assert "jug/" not in err.replace("jugfile.py", "")


SLOW = (
    LOGGED
    + """
@TaskGenerator
def slow(i):
    log("begin", i)
    time.sleep(30)

for i in range(4):
    slow(i)
"""
)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_signal_stops_all_workers_and_gives_tasks_back(
    write, journal, start, jug, signum, jobs, wait_for
):
    write(SLOW)
    process = start("execute", "-j", jobs)
    wait_for(lambda: len(journal()) == int(jobs))

    process.send_signal(signum)

    assert process.wait(20) == 130
    assert "stopping" in process.stderr.read()
    assert "Task name" in process.stdout.read()
    assert leftovers() == []
    assert "4 tasks waiting to be run, 0 failed" in jug("status", "--short")[1]


def test_a_second_signal_stops_at_once(write, journal, start, wait_for):
    write(SLOW.replace("time.sleep(30)", "hold()") + STUBBORN)
    process = start("execute", "-j", "2")
    wait_for(lambda: len(journal()) == 2)

    process.send_signal(signal.SIGINT)
    wait_for(lambda: process.stderr.readline())
    process.send_signal(signal.SIGINT)

    assert process.wait(20) == 130


STUBBORN = """
def hold():
    while True:
        try:
            time.sleep(30)
        except KeyboardInterrupt:
            pass
"""


def test_ctrl_c_on_a_terminal_reaches_the_whole_group(write, journal, start, wait_for):
    write(SLOW)
    process = start("execute", "-j", "2")
    wait_for(lambda: len(journal()) == 2)

    os.killpg(process.pid, signal.SIGINT)

    assert process.wait(20) == 130
    assert leftovers() == []


def test_barriers_are_passed_by_many_workers_and_each_task_runs_once(write, journal, jug):
    write(
        LOGGED
        + """
@TaskGenerator
def step(name, x=0):
    log(name)
    time.sleep(0.01)
    return x + 1

first = [step(f"first{i}") for i in range(6)]
barrier()
second = [step(f"second{i}", value) for i, value in enumerate(t.value() for t in first)]
barrier()
n = sum(t.value() for t in second)
for i in range(3):
    n = bvalue(step(f"loop{i}", n))
barrier()
last = step("last", n)
"""
    )

    status, out, err = jug("execute", "-j", "4")

    assert (status, err) == (0, "")
    names = [words[0] for words in journal()]
    assert len(names) == len(set(names)) == 6 + 6 + 3 + 1


def test_a_cached_function_in_the_jugfile_leaves_nothing_behind(write, jug):
    write(FAN + "\nfrom jug import CachedFunction\nassert CachedFunction(sum, [1, 2]) == 3\n")

    status, out, err = jug("execute", "-j", "2")

    assert (status, err) == (0, "")
    assert leftovers() == []


def test_modules_that_do_not_survive_a_fork_have_workers_started_anew(write, journal, jug):
    write("", "torch.py")
    write("import torch\n" + FAN)

    status, out, err = jug("execute", "-j", "2")

    assert status == 0
    assert "torch is loaded" in err
    assert out.count("reading") == 3
    assert len(journal()) == 41


def test_jugfile_options_count(write, journal, jug):
    write(
        "from jug.options import default_options\n"
        "default_options.execute_keep_going = True\n"
        + LOGGED
        + """
@TaskGenerator
def bad():
    raise ValueError

@TaskGenerator
def good():
    log("good")

bad()
good()
"""
    )

    status, out, err = jug("execute")

    assert status == 1
    assert journal() == [["good"]]
