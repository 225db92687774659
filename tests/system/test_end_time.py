"""Workers that know when they must end: real commands with little time, and signals to drain."""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path

import pytest

JOBS = pytest.mark.parametrize("jobs", ["1", "2"])
DRAINING = pytest.mark.parametrize("signum", [signal.SIGUSR1, signal.SIGUSR2])

TWO_KINDS = """
import time
from jug import TaskGenerator

@TaskGenerator
def long(number):
    time.sleep(1)
    return number

@TaskGenerator
def short(number):
    time.sleep(0.05)
    return number

tasks = [short(0), short(1), long(0), long(1), *map(long, range(2, 40)), *map(short, range(2, 9))]
"""

HELD_UP = """
from jug import TaskGenerator
from journal import log, wait_for_file

@TaskGenerator
def work(number):
    log("began", number)
    wait_for_file("go")
    log("ended", number)
    return number

tasks = [work(number) for number in range(20)]
"""


@pytest.mark.slow
@pytest.mark.clock
@JOBS
def test_a_command_ends_in_time_with_the_shorter_tasks_done(write, jug, jobs):
    write(TWO_KINDS)
    assert jug("execute", "-j", jobs, "--name", "short(0)", "--name", "long(0)")[0] == 0
    end = time.time() + 6

    status, out, err = jug("execute", "-j", jobs, "--until", str(end), "--margin", "1s")

    assert time.time() < end
    executed = {words[2]: int(words[0]) for words in map(str.split, out.splitlines()[2:-2])}
    assert status == 0 and executed["jugfile.long"] < 38 and executed["jugfile.short"] > 2
    assert err.startswith("jug: nothing that is left fits into the time that is left; ")
    assert err.endswith(" tasks are not done (exit status 0)\n")


@pytest.mark.slow
def test_what_would_never_fit_is_named(write, jug):
    write(TWO_KINDS)
    assert jug("execute", "--name", "long(0)")[0] == 0

    status, out, err = jug("execute", "--for", "1 s", "--margin", "0.5s")

    assert status == 0 and "       0       1  jugfile.long\n" in out
    assert "jug: 39 tasks of jugfile.long are too long for the 1.0 s of this command" in err
    took, needed = re.findall(r"as one took ([\d.]+) s: ask for ([\d.]+) s or more\n", err)[0]
    assert float(took) >= 1
    assert float(needed) == pytest.approx(1.2 * float(took) + 0.5, abs=0.15)


def test_what_was_cut_off_needs_more_time_than_that(write, journal, start, jug, wait_for):
    write(HELD_UP.replace("range(20)", "range(1)"))
    command = start("execute")
    wait_for(journal)
    time.sleep(0.3)  # it runs so long at least
    command.terminate()
    assert command.wait() == 130

    status, _, err = jug("execute", "--for", "0.3s", "--margin", "0")

    assert status == 0 and len(journal()) == 1
    assert "jug: 1 task of jugfile.work is too long for the 300 ms of this command" in err
    assert re.search(r"as one was cut off after .*: ask for .* or more\n", err)


@pytest.mark.slow
@pytest.mark.clock
def test_what_is_beyond_a_barrier_goes_by_the_same_times(write, jug):
    barrier = "from jug import barrier\nbarrier()\nmore = [long(50 + n) for n in range(9)]\n"
    write(TWO_KINDS.replace("*map(long, range(2, 40)), ", "") + barrier)
    jug("execute", "--name", "long(0)", "--no-wait")

    status, out, err = jug("execute", "-j", "2", "--for", "4s", "--margin", "0.5s")

    assert status == 0 and "nothing that is left fits" in err
    assert "       9       0  jugfile.short\n" in out


def test_the_end_of_the_job_holds_where_the_user_says_nothing_else(write, jug, monkeypatch):
    write(TWO_KINDS)
    monkeypatch.setenv("JUG_END_TIME", "1000000000")

    status, out, err = jug("execute", "--short")
    assert (status, out) == (0, "0 tasks executed, 0 loaded\n")
    assert "; 49 tasks are not done (exit status 0)" in err

    status, out, err = jug("execute", "--until", "never", "--name", "short(0)", "--short")
    assert (status, out, err) == (0, "1 task executed, 0 loaded\n", "")


def test_the_jugfile_may_say_how_long_its_run_may_take(write, jug):
    write("import jug.options\njug.options.default_options.execute_for = '0'\n" + TWO_KINDS)

    status, out, err = jug("execute", "--short")

    assert (status, out) == (0, "0 tasks executed, 0 loaded\n")
    assert err.startswith("jug: the time for this was over before it began; 49 tasks are")


@pytest.mark.slow
@pytest.mark.clock
def test_one_that_is_waited_for_comes_in_time_or_is_left(write, journal, start, jug, wait_for):
    write(HELD_UP.replace("for number in range(20)]", "for number in range(1)]\nwork(tasks[0])"))
    holder = start("execute", "--name", "work(0)")
    wait_for(journal)
    began = time.monotonic()

    status, _, err = jug("execute", "--for", "3s")

    assert status == 0 and "; 2 tasks are not done (exit status 0)" in err
    assert 1 < time.monotonic() - began < 4, "the first of its name may begin in the first half"
    Path("go").touch()
    assert holder.wait() == 0
    assert jug("execute", "--for", "60s")[0] == 0


READS = """
import os, traceback
from pathlib import Path
from jug.backends.file_store import FileStore
from jug import TaskGenerator
from journal import log

each_time = FileStore.each_time

def logged(self):
    if any("longest_runs" in frame.filename for frame in traceback.extract_stack()):
        log("read", os.getpid())
    return each_time(self)

FileStore.each_time = logged

@TaskGenerator
def work(number):
    if number == 3 and not Path("died").exists():
        Path("died").touch()
        os._exit(1)

tasks = [work(number) for number in range(6)]
"""


def test_what_is_remembered_is_read_once_for_all_workers_and_anew_by_a_late_one(
    write, journal, jug
):
    write(READS)

    assert jug("execute", "-j", "2", "--for", "60s", "--progress", "none")[0] == 0
    assert len(journal()) == len({pid for _, pid in journal()}) == 2
    assert jug("execute", "-j", "2", "--for", "60s", "--progress", "none")[0] == 0
    assert len(journal()) == 3
    assert jug("execute", "-j", "2", "--progress", "none")[0] == 0
    assert len(journal()) == 3


# Signals


@DRAINING
@JOBS
def test_a_command_is_drained(write, journal, start, wait_for, jobs, signum):
    write(HELD_UP)
    command = start("execute", "-j", jobs)
    wait_for(lambda: len(journal()) == int(jobs))

    command.send_signal(signum)
    assert command.stderr.readline().startswith("jug: draining: tasks in progress are finished")
    Path("go").touch()
    out, err = command.communicate()

    assert command.returncode == 0
    assert out.splitlines()[2].split() == [jobs, "0", "jugfile.work"]
    left = 20 - int(jobs)
    assert err == f"jug: told to begin no further task; {left} tasks are not done (exit status 0)\n"
    assert sorted(line[0] for line in journal()) == sorted(["began", "ended"] * int(jobs))


TICKING = """
import os, time
from pathlib import Path
from jug import TaskGenerator
from journal import log

@TaskGenerator
def work(number):
    while not Path("go").exists():
        log(os.getpid())
        time.sleep(0.01)

tasks = [work(number) for number in range(20)]
"""


def test_a_worker_that_gets_the_signal_itself_drains_its_command(write, journal, start, wait_for):
    write(TICKING)
    command = start("execute", "-j", "2", "--short")
    wait_for(lambda: len({*map(tuple, journal())}) == 2)
    (worker,) = journal()[0]

    os.kill(int(worker), signal.SIGUSR1)
    seen = journal().count([worker])
    wait_for(lambda: journal().count([worker]) > seen + 1)  # so it has heeded the signal
    Path("go").touch()

    assert command.communicate()[0] == "2 tasks executed, 0 loaded\n"
    assert command.returncode == 0


def test_a_signal_that_comes_while_the_jugfile_is_read_is_not_lost(write, journal, start, wait_for):
    write("from journal import log, wait_for_file\nlog('read')\nwait_for_file('go')\n" + HELD_UP)
    command = start("execute", "-j", "2", "--short")
    wait_for(Path("log").exists)

    command.send_signal(signal.SIGUSR2)
    Path("go").touch()
    out, err = command.communicate()

    assert (command.returncode, out) == (0, "0 tasks executed, 0 loaded\n")
    assert err.endswith(
        "jug: told to begin no further task; 20 tasks are not done (exit status 0)\n"
    )


def test_a_signal_that_comes_while_the_queue_is_asked_is_not_lost(
    write, journal, start, wait_for, tmp_path
):
    write(HELD_UP)
    write("#!/bin/sh\ntouch asked\nuntil [ -e go ]; do sleep 0.01; done\necho N/A\n", "squeue")
    Path("squeue").chmod(0o755)
    in_job = os.environ | {"SLURM_JOB_ID": "7", "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    command = start("execute", "--short", env=in_job)
    wait_for(Path("asked").exists)

    command.send_signal(signal.SIGUSR1)
    Path("go").touch()

    assert command.communicate()[0] == "0 tasks executed, 0 loaded\n"
    assert command.returncode == 0


@DRAINING
def test_a_signal_that_comes_when_all_is_told_does_no_harm(write, journal, start, wait_for, signum):
    write(
        "import atexit\nfrom journal import log, wait_for_file\n"
        "@atexit.register\ndef leave():\n    log('leaves')\n    wait_for_file('go')\n"
        "from jug import TaskGenerator\ntask = TaskGenerator(abs)(-1)\n"
    )
    command = start("execute", "-j", "2", "--short")
    wait_for(journal)

    command.send_signal(signum)
    Path("go").touch()

    assert command.communicate() == ("1 task executed, 0 loaded\n", "")
    assert command.returncode == 0


def test_a_command_under_a_debugger_is_drained_too(write, journal, start, wait_for):
    write(HELD_UP)
    command = start("execute", "--pdb", "--short")
    wait_for(journal)

    command.send_signal(signal.SIGUSR1)
    Path("go").touch()

    assert command.communicate()[0] == "1 task executed, 0 loaded\n"
    assert command.returncode == 0


def test_a_command_that_drains_can_still_be_stopped(write, journal, start, wait_for):
    write(HELD_UP)
    command = start("execute", "-j", "2")
    wait_for(lambda: len(journal()) == 2)
    command.send_signal(signal.SIGUSR1)
    command.stderr.readline()

    command.send_signal(signal.SIGTERM)

    assert command.wait() == 130
    assert [line[0] for line in journal()] == ["began", "began"]


@pytest.mark.slow
def test_a_worker_that_waits_is_drained_too(write, journal, start, wait_for):
    write(HELD_UP.replace("range(20)", "range(1)"))
    holder = start("execute")
    wait_for(journal)
    waiting = start("execute")
    wait_for(lambda: "waiting" in waiting.stderr.readline())

    waiting.send_signal(signal.SIGUSR1)

    assert "told to begin no further task; 1 task is not done" in waiting.communicate()[1]
    assert waiting.returncode == 0
    Path("go").touch()
    assert holder.wait() == 0


def test_user_code_keeps_signals_that_it_handles(write, jug):
    write(
        "import os, signal\nfrom jug import TaskGenerator\n"
        "seen = []\nsignal.signal(signal.SIGUSR1, lambda *args: seen.append(1))\n"
        "@TaskGenerator\ndef work(number):\n"
        "    os.kill(os.getpid(), signal.SIGUSR1)\n    return len(seen)\n"
        "tasks = [work(number) for number in range(3)]\n"
    )

    for jobs in ("1", "2"):
        status, out, err = jug("execute", "-j", jobs, "--short", "--jugdir", f"with{jobs}")
        assert (status, out, err) == (0, "3 tasks executed, 0 loaded\n", "")


# Jobs with a limit, as a batch system has them

SECONDS = """
import time
from jug import TaskGenerator
from journal import log

@TaskGenerator
def middling(number):
    log("began", number)
    time.sleep(0.7 + number % 3 / 20)
    log("ended", number)
    return number

@TaskGenerator
def quick(number, after):
    log("began", number, "quick")
    time.sleep(0.15)
    log("ended", number, "quick")
    return number

for number in range(30):
    quick(number, middling(number))
"""

LIMIT = 6.0
MARGIN = 1.5


@pytest.mark.slow
@pytest.mark.clock
@pytest.mark.timeout(180)
def test_jobs_with_a_limit_do_all_and_none_is_cut_off(write, journal, start):
    write(SECONDS)
    commands = 0
    while len(journal()) < 120 and commands < 30:
        began = time.monotonic()
        end = time.time() + LIMIT
        options = ("execute", "-j", "2", "--margin", f"{MARGIN} s")
        jobs = [start(*options, env=os.environ | {"JUG_END_TIME": str(end)}) for _ in range(2)]
        commands += len(jobs)
        for job in jobs:
            job.communicate(timeout=began + LIMIT - time.monotonic())  # what is late is cut off
            assert job.returncode == 0
        assert time.monotonic() - began > LIMIT - MARGIN - 1.5 or len(journal()) == 120

    assert len(journal()) == 120
    for word in ("began", "ended"):
        assert len({tuple(line[1:]) for line in journal() if line[0] == word}) == 60
    assert commands > 2  # one round is not enough
