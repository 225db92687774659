"""Commands that share one jugfile by the names of its tasks wait for what the others run."""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path

import pytest

CHAIN = """
import sys
from jug import TaskGenerator
from journal import log

@TaskGenerator
def ping(number, needed):
    log("ping", number)
    return number

@TaskGenerator
def pong(number, needed):
    log("pong", number)
    return number

last = None
for number in range(int(sys.argv[1]) // 2):
    last = pong(number, ping(number, last))
"""

ONE = """
from jug import TaskGenerator
from journal import log, wait_for_file

@TaskGenerator
def made():
    log("made")
    wait_for_file("go")

@TaskGenerator
def used(needed):
    log("used")

used(made())
"""

PATIENT = ("--wait-cycle-time", "60", "--nr-wait-cycles", "1")
NEEDS_OTHERS = "jug: what is left needs tasks that are not selected, and nobody has run them; "


SAID_LATE = r"(?m:^jug: (waiting for jugfile\.\w+ \(held by|\d+ of \d+\+? tasks done\b).*\n)"


def ending_of(command):
    """Return the exit status of a command, its output and what it said.

    That is without what is said only after seconds, which on a busy machine anything may take.
    """
    out, err = command.communicate(timeout=100)
    return command.returncode, out, re.sub(SAID_LATE, "", err)


def assert_chain_is_shared(start, journal, jobs, length):
    options = ("--short", "-j", jobs, "--progress", "none", *PATIENT)
    commands = [
        start("execute", "--name", name, *options, "jugfile.py", str(length))
        for name in ("pong", "ping")
    ]

    endings = [ending_of(command) for command in commands]

    assert endings == [(0, f"{length // 2} tasks executed, 0 loaded\n", "")] * 2
    names = ("ping", "pong")
    assert journal() == [[name, str(n)] for n in range(length // 2) for name in names]


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("length", [10, pytest.param(300, marks=pytest.mark.slow)])
def test_two_commands_share_a_chain_of_tasks(write, journal, start, jobs, length):
    write(CHAIN)

    assert_chain_is_shared(start, journal, jobs, length)


@pytest.mark.slow
def test_two_commands_share_a_chain_in_the_time_that_they_have(write, journal, start):
    write(CHAIN)

    commands = [
        start("execute", "--name", name, "--for", "60s", "--progress", "none", "jugfile.py", "40")
        for name in ("pong", "ping")
    ]

    endings = [ending_of(command) for command in commands]
    assert [status for status, _, _ in endings] == [0, 0]
    assert not re.sub(r"(?m)^jug: waiting for .*\n", "", "".join(err for _, _, err in endings))
    assert len(journal()) == 40


@pytest.mark.slow
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_what_is_waited_for_is_told_once(write, journal, start, jug, jobs):
    write(ONE)
    waiter = start("execute", "--name", "used", "-j", jobs, "--progress", "none")

    told = waiter.stderr.readline()
    time.sleep(4)  # in which it would be told again
    Path("go").touch()
    assert jug("execute", "--name", "made")[0] == 0

    assert told == (
        "jug: waiting for tasks that are not selected here and that nobody has begun: "
        "1 of jugfile.made; "
        "this ends after 30 min without any change, and with --no-wait at once\n"
    )
    assert ending_of(waiter)[::2] == (0, "")


@pytest.mark.slow
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_failure_of_what_is_waited_for_ends_the_wait(write, journal, start, jobs):
    write(ONE.replace('wait_for_file("go")', "raise ValueError"))
    waiter = start("execute", "--name", "used", "-j", jobs, "--short")
    assert "waiting for" in waiter.stderr.readline()

    assert ending_of(start("execute", "--name", "made"))[0] == 1

    status, out, err = ending_of(waiter)
    assert (status, out) == (1, "0 tasks executed, 0 loaded\n")
    assert err == (
        "jug: jugfile.made() failed, but not in this run: ValueError\n"
        "jug: a task failed; 1 task is not done; 1 waits for one that failed (exit status 1)\n"
    )


@pytest.mark.slow
@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize(
    ("signum", "status", "why"),
    [
        (signal.SIGUSR1, 0, "told to begin no further task; 1 task is not done"),
        (signal.SIGTERM, 130, "interrupted; 1 task is not done"),
    ],
)
def test_who_waits_can_be_ended(write, journal, start, jobs, signum, status, why):
    write(ONE)
    waiter = start("execute", "--name", "used", "-j", jobs, "--progress", "none")
    assert "waiting for" in waiter.stderr.readline()

    waiter.send_signal(signum)
    began = time.monotonic()
    ending = ending_of(waiter)

    assert time.monotonic() - began < 30
    assert ending[0] == status and ending[2].endswith(f"jug: {why} (exit status {status})\n")


@pytest.mark.slow
def test_who_waits_leaves_when_nothing_can_come_in_time(write, journal, start, jug):
    write(ONE.replace("from journal", "import time\nfrom journal").replace("go", "journal.py"))

    status, _, err = jug(
        "execute", "--name", "used", "--for", "4s", "--margin", "1s", "--progress", "none"
    )

    assert status == 0
    assert err.splitlines()[-1] == (
        "jug: nothing that is left fits into the time that is left; "
        "1 task is not done (exit status 0)"
    )


@pytest.mark.slow
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_workers_of_a_command_wait_for_each_other_but_for_nobody_else(write, journal, jug, jobs):
    write(CHAIN.replace("    log(", "    import time; time.sleep(0.3); log("))

    status, out, err = jug("execute", "-j", jobs, "--no-wait", "--short", "jugfile.py", "8")

    assert (status, out, err) == (0, "8 tasks executed, 0 loaded\n", "")
    write(CHAIN, "other.py")
    status, out, err = jug("execute", "-j", jobs, "--no-wait", "--name", "ping", "other.py", "8")
    assert (status, err) == (3, f"{NEEDS_OTHERS}3 tasks are not done (exit status 3)\n")


TOGETHER = """
import os, time
from jug import TaskGenerator
from journal import log
from pathlib import Path

@TaskGenerator
def first():
    time.sleep(1)

@TaskGenerator
def together(number, needed):
    log(os.getpid())
    while len(set(Path("log").read_text().split())) < 2:
        time.sleep(0.01)

needed = first()
tasks = [together(number, needed) for number in range(2)]
"""


@pytest.mark.slow
@pytest.mark.timeout(60)
def test_a_worker_that_waits_for_nobody_else_stays_for_its_own_command(write, journal, jug):
    write(TOGETHER)

    status, _, err = jug("execute", "-j", "2", "--no-wait", "--progress", "none")

    assert (status, err) == (0, "")


SLOW_TO_SHOW = """
from jug.hooks import register_hook

def hook(task):
    if not Path("log").exists():
        time.sleep(2.0)  # a worker has taken the task and does not show it yet

register_hook("execute.task-pre-execute", hook)
"""


@pytest.mark.slow
@pytest.mark.timeout(60)
def test_a_worker_stays_though_another_takes_long_to_show_what_it_has_taken(write, journal, jug):
    write(
        TOGETHER.replace(
            "\n@TaskGenerator\ndef first", SLOW_TO_SHOW + "\n@TaskGenerator\ndef first"
        )
    )

    status, _, err = jug("execute", "-j", "2", "--no-wait", "--progress", "none")

    assert (status, err) == (0, "")


def cpu_seconds(process):
    """Return what a command and its worker have used."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    fields = [Path(f"/proc/{pid}/stat").read_text() for pid in (process.pid, *children)]
    ticks = [sum(map(int, text.rpartition(")")[2].split()[11:13])) for text in fields]
    return sum(ticks) / os.sysconf("SC_CLK_TCK")


@pytest.mark.slow
@pytest.mark.clock
@pytest.mark.waits
def test_to_wait_for_many_tasks_costs_next_to_nothing(write, journal, start):
    write(ONE.replace("used(made())", "used([made(n) for n in range(20_000)])")
          .replace("def made()", "def made(number)"))  # fmt: skip
    waiter = start("execute", "--name", "used")
    assert re.search(": 20000 of jugfile.made; ", waiter.stderr.readline())
    before = cpu_seconds(waiter)

    time.sleep(10)

    assert cpu_seconds(waiter) - before < 0.4
