"""What tasks start: programs, their children, pools, forks; it ends with the task or the worker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import is_running

pytestmark = pytest.mark.slow  # each waits for programs to begin and to end

TASKS = """
import multiprocessing, os, subprocess, sys, time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from jug import TaskGenerator
from journal import log, wait_for_file
"""

SHELL = """
def run_shell():
    subprocess.run("echo $$ > shell; sh -c 'echo $$ > inner; sleep 60' ; true", shell=True)
"""


def pid_in(name: str) -> int:
    """Return the process id in a file, 0 if it is not there yet."""
    text = Path(name).read_text() if Path(name).exists() else ""
    return int(text) if text.endswith("\n") else 0


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_ends_the_children_of_a_program(write, journal, start, wait_for, jobs, signum):
    write(TASKS + SHELL + "TaskGenerator(run_shell)()\n")
    command = start("execute", "-j", jobs)
    wait_for(lambda: pid_in("inner"))

    command.send_signal(signum)

    assert command.wait(20) == 130
    assert not is_running(pid_in("shell"))
    assert not is_running(pid_in("inner"))


DEAF_SHELL = """
@TaskGenerator
def work():
    subprocess.Popen("trap '' TERM; echo $$ > inner; while true; do sleep 1; done", shell=True)
    time.sleep(60)

work()
"""


def test_a_stop_ends_a_program_that_ignores_it(write, journal, start, wait_for):
    write(TASKS + DEAF_SHELL)
    command = start("execute")
    wait_for(lambda: pid_in("inner"))

    command.terminate()

    assert command.wait(20) == 130
    wait_for(lambda: not is_running(pid_in("inner")))  # it was killed, which takes a moment


def test_a_program_that_a_stop_ends_is_no_failure_of_its_task(write, journal, start, wait_for, jug):
    write(
        TASKS
        + """
@TaskGenerator
def work(i):
    subprocess.run("echo $$ > inner; exec sleep 60", shell=True, check=True)

work(1)
"""
    )
    command = start("execute")
    wait_for(lambda: pid_in("inner"))

    command.terminate()

    assert command.wait(20) == 130
    assert ", 0 failed, " in jug("status", "--short")[1]


WRAPPED = """
@TaskGenerator
def work():
    try:
        log("begun")
        time.sleep(60)
    except BaseException:
        raise RuntimeError("made of the interruption") from None

work()
"""


def test_what_a_task_makes_of_its_interruption_is_no_failure(write, journal, start, wait_for, jug):
    write(TASKS + WRAPPED)
    command = start("execute")
    wait_for(journal)

    command.terminate()

    assert command.wait(20) == 130
    assert ", 0 failed, " in jug("status", "--short")[1]


LIMITED = """
@TaskGenerator(timeout=3)  # by then its programs have begun
def limited():
    run_shell()

@TaskGenerator(timeout=3)
def deaf():
    while True:
        try:
            run_shell()
        except BaseException:
            pass
"""


@pytest.mark.parametrize("task", ["limited", "deaf"])
def test_a_time_limit_ends_the_children_of_a_program(write, journal, start, wait_for, task):
    """While the command goes on, and whether the task heeds its limit or not."""
    write(TASKS + SHELL + LIMITED + f"{task}()\nTaskGenerator(wait_for_file)('go')\n")
    command = start("execute", "--keep-going")
    inner = wait_for(lambda: pid_in("inner"))

    wait_for(lambda: not is_running(inner))

    wait_for(lambda: not is_running(pid_in("shell")))  # it was told at the same time
    assert command.poll() is None
    Path("go").touch()
    assert command.wait(20) == 1


def test_a_time_limit_leaves_alone_what_earlier_tasks_started(write, journal, jug):
    write(
        TASKS
        + SHELL
        + LIMITED
        + """
pool = []

@TaskGenerator
def first():
    pool.append(multiprocessing.get_context("fork").Pool(1))
    return pool[0].apply(os.getpid)

@TaskGenerator
def second(pid):
    assert pool[0].apply(os.getpid) == pid

pid = first()
limited()
second(pid)
"""
    )
    status, out, err = jug("execute", "--keep-going")

    assert status == 1
    assert "jug: jugfile.limited() failed" in err
    assert "1 task is not done" in err


POOLS = {
    "Pool": "multiprocessing.get_context('{}').Pool(2)",
    "ProcessPoolExecutor": "ProcessPoolExecutor(2, multiprocessing.get_context('{}'))",
}


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("how", ["fork", "spawn"])
@pytest.mark.parametrize("pool", POOLS)
def test_a_pool_that_is_left_open_ends_with_its_worker(
    write, journal, jug, wait_for, pool, how, jobs
):
    write(
        TASKS
        + f"""
@TaskGenerator
def work():
    global pool
    pool = {POOLS[pool].format(how)}
    for pid in pool.map(getpid, range(4)):
        log("pool", pid)

def getpid(i):
    return os.getpid()

work()
"""
    )
    status, out, err = jug("execute", "-j", jobs)

    assert (status, err) == (0, "")
    assert not any(is_running(int(words[1])) for words in journal())


def test_a_process_with_a_session_of_its_own_lives_on(write, journal, jug):
    write(
        TASKS
        + """
@TaskGenerator
def work():
    return subprocess.Popen(["sleep", "60"], stdout=-3, stderr=-3, start_new_session=True).pid

daemon = work()
"""
    )
    assert jug("execute")[0] == 0

    code = "import jug; print(jug.value(jug.init('jugfile.py')[1]['daemon']))"
    pid = int(subprocess.run([sys.executable, "-c", code], capture_output=True).stdout)
    assert is_running(pid)
    os.kill(pid, signal.SIGKILL)


def test_what_is_left_of_a_worker_that_crashes_is_ended(write, journal, jug):
    write(
        TASKS
        + """
@TaskGenerator
def crash():
    if not Path("crashed").exists():
        Path("crashed").touch()
        log("child", subprocess.Popen(["sleep", "60"]).pid)
        os._exit(3)

crash()
"""
    )
    assert jug("execute")[0] == 0

    assert not is_running(int(journal()[0][1]))


TERMINAL = """
import os, pty, sys

pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.executable, [sys.executable, "-m", "jug", "execute"])
shown = b""
while b"name? " not in shown:
    shown += os.read(terminal, 1000)
os.write(terminal, b"ada\\n")
while True:
    try:
        shown += os.read(terminal, 1000)
    except OSError:
        break
assert os.waitpid(pid, 0)[1] == 0, shown
"""


def test_a_task_may_ask_at_the_terminal(write, journal, launch):
    write(TASKS + "@TaskGenerator\ndef ask():\n    log('asked', input('name? '))\n\nask()\n")
    write(TERMINAL, "terminal.py")

    out, err = launch("terminal.py").communicate(timeout=30)

    assert (err, journal()) == ("", [["asked", "ada"]])


SUSPENDED = """
import os, pty, signal, sys
from pathlib import Path

pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.executable, [sys.executable, "-m", "jug", "execute", "-j", "2"])
while not Path("log").exists():
    pass
os.write(terminal, b"\\x1a")
_, status = os.waitpid(pid, os.WUNTRACED)
assert os.WIFSTOPPED(status)
workers = {line.split()[1] for line in Path("log").read_text().splitlines()}
for worker in workers:
    while Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()[0] != "T":
        pass
Path("go").touch()
os.kill(pid, signal.SIGCONT)
assert os.waitpid(pid, 0)[1] == 0
"""


def test_ctrl_z_stops_the_workers_too_and_all_go_on(write, journal, launch):
    write(
        TASKS
        + """
@TaskGenerator
def work(i):
    log("work", os.getpid())
    wait_for_file("go")

for i in range(4):
    work(i)
"""
    )
    write(SUSPENDED, "terminal.py")

    script = launch("terminal.py")
    out, err = script.communicate(timeout=30)

    assert (script.returncode, err) == (0, "")
    assert len(journal()) == 4


def state_of(pid: int) -> str:
    """Return the state of a process, as the system has it."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_a_worker_that_is_just_being_started_stops_with_the_others(write, start, wait_for):
    write(
        TASKS.replace("from journal import log, wait_for_file\n", "")
        + """
import signal

def suspend():
    if not Path("suspended").exists():
        Path("suspended").touch()
        os.kill(os.getpid(), signal.SIGTSTP)

os.register_at_fork(after_in_parent=suspend)

@TaskGenerator
def work():
    while not Path("go").exists():
        time.sleep(0.002)

work()
"""
    )
    command = start("execute", "-j", "2")
    wait_for(lambda: state_of(command.pid) == "T")
    children = Path(f"/proc/{command.pid}/task/{command.pid}/children").read_text().split()

    wait_for(lambda: {state_of(int(pid)) for pid in children} == {"T"})

    Path("go").touch()
    command.send_signal(signal.SIGCONT)
    assert command.wait(20) == 0


ALARM = """
import signal

def ring(signum, frame):
    raise RuntimeError("the alarm of another task")

@TaskGenerator
def leaves_it_armed():
    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, 30)

@TaskGenerator
def next_one(before):
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0
    assert signal.getsignal(signal.SIGALRM) is signal.SIG_DFL

next_one(leaves_it_armed())
"""


def test_an_alarm_that_a_task_leaves_armed_does_not_ring_in_another(write, journal, jug):
    write(TASKS + ALARM)

    assert jug("execute")[0] == 0


def test_an_alarm_of_the_jugfile_stays_as_it_was(write, journal, jug):
    write(
        TASKS
        + """
import signal

rings = []

def ring(signum, frame):
    rings.append(signum)

signal.signal(signal.SIGALRM, ring)
signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)

@TaskGenerator
def work(before):
    heard, until = len(rings), time.monotonic() + 30
    while len(rings) < heard + 3:
        assert time.monotonic() < until
        time.sleep(0.01)

work(work(None))
"""
    )
    assert jug("execute")[0] == 0
