"""A worker that waits for another command says so; workers of one command do not."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

JUGFILE = """
from jug import TaskGenerator
from journal import log, wait_for_file
import os, time

@TaskGenerator
def slow():
    log("begun", os.getpid())
    wait_for_file("go")

@TaskGenerator
def after(x):
    pass

after(slow())
"""


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_worker_says_which_process_it_waits_for(write, start, journal, wait_for, jobs):
    write(JUGFILE)
    holder = start("execute", "--progress", "none")
    ((_, pid),) = wait_for(journal)

    waiter = start("execute", "-j", jobs, "--progress", "none")
    told = waiter.stderr.readline()
    Path("go").touch()

    host = re.escape(os.uname().nodename)
    assert re.match(rf"jug: waiting for jugfile.slow \(held by {host}:{pid}, since \d{{4}}-", told)
    assert waiter.communicate(timeout=30)[1] == ""
    assert holder.communicate(timeout=30)[1] == ""


def test_workers_of_one_command_say_nothing_of_each_other(write, jug, journal):
    write(JUGFILE.replace('wait_for_file("go")', "time.sleep(6)"))

    status, _, err = jug("execute", "-j", "2")

    assert (status, err) == (0, "")


def test_sleep_until_says_which_process_it_waits_for(write, start, journal, wait_for):
    write(JUGFILE)
    holder = start("execute", "--progress", "none")
    ((_, pid),) = wait_for(journal)

    waiter = start("sleep-until", "--progress", "none")
    told = waiter.stderr.readline()
    Path("go").touch()

    host = re.escape(os.uname().nodename)
    assert re.match(rf"jug: waiting for jugfile.slow \(held by {host}:{pid}, since \d{{4}}-", told)
    assert waiter.communicate(timeout=30)[1] == ""
    assert (waiter.returncode, holder.wait(30)) == (0, 0)


def test_sleep_until_says_once_what_nobody_has_begun(write, start, journal):
    write(JUGFILE)
    waiter = start("sleep-until", "--progress", "none")

    told = waiter.stderr.readline()

    assert told == (
        "jug: waiting for tasks that nobody has begun: 1 of jugfile.slow; `jug execute` runs them\n"
    )
    Path("go").touch()
    worker = start("execute")
    assert "nobody" not in waiter.communicate(timeout=30)[1]
    assert (waiter.returncode, worker.wait(30)) == (0, 0)
