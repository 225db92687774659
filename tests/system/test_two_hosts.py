"""Workers that cannot see each other's processes: between them the heartbeat alone decides.

A boot id of their own makes workers believe that they run on other hosts.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from tests.system import conftest

pytestmark = pytest.mark.clock

HEAD = """
import ctypes, os, time
from jug import TaskGenerator
from journal import log, wait_for_file

HOST = os.environ["TEST_HOST"]
"""

LEASE = 1.0


def on_host(name: str, lease: float = LEASE) -> dict[str, str]:
    return conftest.on_host(name) | {"JUG_LEASE_SECONDS": str(lease)}


def child_of(process: subprocess.Popen[str]) -> int:
    """Return the one worker of a command."""
    (child,) = conftest.children_of(process.pid)
    return child


@pytest.fixture
def a_and_b(start, wait_for, journal):
    """Start a worker on host a and, once it has begun a task, one on host b."""

    def start_both(*options_of_a, **keywords):
        a = start("execute", *options_of_a, env=on_host("a"), **keywords)
        wait_for(journal)
        b = start("execute", env=on_host("b"), **keywords)
        return a, b

    return start_both


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("-j", "2")])
def test_a_task_that_keeps_the_interpreters_lock_is_not_taken_over(
    write, journal, a_and_b, options
):
    write(
        HEAD
        + f"""
@TaskGenerator
def hold():
    log("begin", HOST)
    ctypes.PyDLL(None).usleep({int(3.2 * LEASE * 1e6)})
    log("end", HOST)

hold()
"""
    )

    processes = a_and_b(*options)

    assert [process.wait(30) for process in processes] == [0, 0]
    assert journal() == [["begin", "a"], ["end", "a"]]


@pytest.mark.slow
def test_a_plain_script_that_keeps_the_interpreters_lock_is_not_taken_over_either(
    write, journal, launch, start, wait_for
):
    write(
        HEAD
        + f"""
@TaskGenerator
def hold():
    log("begin", HOST)
    ctypes.PyDLL(None).usleep({int(3.2 * LEASE * 1e6)})
    log("end", HOST)

task = hold()
"""
    )
    write(
        """
import jug
_, names = jug.init("jugfile.py")
task = names["task"]
assert task.lock()
task.run()
task.unlock()
""",
        "script.py",
    )
    script = launch("script.py", env=on_host("a"))
    wait_for(journal)

    worker = start("execute", env=on_host("b"))

    assert (worker.wait(30), script.wait(30)) == (0, 0)
    assert journal() == [["begin", "a"], ["end", "a"]]


SHORT = (
    HEAD
    + """
@TaskGenerator
def short(number):
    log(HOST, number)
    time.sleep(0.0006)  # less than a millisecond in all

for number in range(4000):
    short(number)
"""
)


@pytest.mark.slow
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_host_that_comes_amid_short_tasks_runs_none_again(
    write, journal, start, a_and_b, jobs
) -> None:
    write(SHORT)
    a, b = a_and_b("-j", jobs)

    assert (a.wait(60), b.wait(60)) == (0, 0)
    runs = journal()
    assert sorted(int(number) for _, number in runs) == list(range(4000))
    assert {host for host, _ in runs} == {"a", "b"}


@pytest.mark.slow
def test_short_tasks_of_a_host_that_dies_are_run_by_another(write, journal, a_and_b) -> None:
    write(SHORT)
    a, b = a_and_b()
    os.kill(a.pid, signal.SIGKILL)  # its worker dies with it

    assert b.wait(60) == 0
    numbers = [int(number) for _, number in journal()]
    assert set(numbers) == set(range(4000))
    assert len(numbers) - len(set(numbers)) <= 1  # that which ran


TAKEN_OVER = (
    HEAD
    + """
@TaskGenerator
def take():
    log("begin", HOST)
    wait_for_file(f"go-{HOST}")
    log("end", HOST)
    return HOST

@TaskGenerator
def tell(host):
    log("it was", host)

tell(take())
"""
)


@pytest.fixture
def stopped_a_and_b(write, journal, wait_for, a_and_b):
    """Have b take over from a, whose worker is stopped."""
    write(TAKEN_OVER)
    a, b = a_and_b()
    worker = child_of(a)
    os.kill(worker, signal.SIGSTOP)
    wait_for(lambda: ["begin", "b"] in journal())

    yield a, worker, b

    if a.poll() is None:
        os.kill(worker, signal.SIGCONT)


@pytest.mark.slow
def test_what_a_stopped_worker_saves_too_late_does_not_count(stopped_a_and_b, journal, jug):
    a, worker, b = stopped_a_and_b

    Path("go-b").touch()
    assert b.wait(20) == 0
    os.kill(worker, signal.SIGCONT)
    Path("go-a").touch()

    assert a.wait(20) == 0
    assert journal()[-3:] == [["end", "b"], ["it", "was", "b"], ["end", "a"]]
    assert "       0       1  jugfile.take" in a.stdout.read()
    assert os.listdir("jugfile.jugdata/leases") == []


@pytest.mark.slow
def test_a_stopped_worker_that_goes_on_leaves_the_lock_of_its_successor_alone(
    stopped_a_and_b, journal, wait_for, jug
):
    a, worker, b = stopped_a_and_b
    (lock,) = [path for path in Path("jugfile.jugdata/leases").iterdir() if len(path.name) == 40]
    holder = lock.read_text()

    os.kill(worker, signal.SIGCONT)
    Path("go-a").touch()

    wait_for(lambda: ["it", "was", "a"] in journal())
    assert lock.read_text() == holder
    Path("go-b").touch()
    assert (a.wait(20), b.wait(20)) == (0, 0)
    assert journal()[-2:] == [["it", "was", "a"], ["end", "b"]]
    assert os.listdir("jugfile.jugdata/leases") == []


def test_a_stopped_worker_on_the_same_host_keeps_its_task(write, journal, start, wait_for):
    write(TAKEN_OVER)
    env = on_host("a", lease=0.1)
    first = start("execute", env=env)
    wait_for(journal)
    worker = child_of(first)
    os.kill(worker, signal.SIGSTOP)

    second = start("execute", "--wait-cycle-time", "0.3", "--nr-wait-cycles", "1", env=env)

    assert second.wait(20) == 3
    os.kill(worker, signal.SIGCONT)
    Path("go-a").touch()
    assert first.wait(20) == 0
    assert [words for words in journal() if words[0] == "begin"] == [["begin", "a"]]


HELD_BY_TWO = (
    HEAD
    + """
@TaskGenerator
def hold(number):
    log("begin", HOST)
    wait_for_file(f"go-{HOST}")

hold(1), hold(2)
"""
)


@pytest.mark.slow
def test_a_worker_killed_with_its_host_is_silent_and_a_living_one_is_not(
    write, journal, a_and_b, jug, wait_for
):
    write(HELD_BY_TWO)
    a, b = a_and_b()
    wait_for(lambda: len(journal()) == 2)
    elsewhere = on_host("c")

    def lives():
        status, out, _ = jug("workers", "--json", env=elsewhere)
        assert status == 0
        return [worker["life"] for worker in json.loads(out)["workers"]]

    wait_for(lambda: lives() == ["alive", "alive"])
    os.killpg(a.pid, signal.SIGKILL)  # with its worker, as when the host loses its power

    wait_for(lambda: lives() == ["alive", "silent"])
    _, status, _ = jug("status", env=elsewhere)
    assert "1 worker is silent for longer than the lease of 1 s: " in status
    assert "     0        0      1         0        1  jugfile.hold\n" in status
    assert " silent for " in jug("show", "hold[0]", env=elsewhere)[1]
    Path("go-b").touch()
    assert b.wait(30) == 0
    assert journal() == [["begin", "a"], ["begin", "b"], ["begin", "b"]]


WITHOUT_FACTS = """
import sys
from jug.backends import process

process._boot = process._namespace = lambda: ""
process._stat = lambda pid: ("", "")

from jug.cli import main

sys.exit(main())
"""


@pytest.mark.slow
@pytest.mark.parametrize("whom", ["worker", "command"])
def test_where_nothing_is_known_of_processes_the_heartbeat_decides(
    write, journal, launch, wait_for, whom
):
    write(TAKEN_OVER)
    write(WITHOUT_FACTS, "jug_without_facts.py")
    env = [on_host(name) for name in ("a", "b")]
    a = launch("jug_without_facts.py", "execute", env=env[0])
    wait_for(journal)
    worker = child_of(a)

    b = launch("jug_without_facts.py", "execute", env=env[1])
    time.sleep(2 * LEASE)  # long enough to take a live worker for dead by mistake
    assert journal() == [["begin", "a"]]
    if whom == "command":
        os.killpg(a.pid, signal.SIGKILL)
    else:
        os.kill(worker, signal.SIGKILL)
    wait_for(lambda: len(journal()) == 2)
    Path("go-a").touch()
    Path("go-b").touch()

    assert b.wait(20) == 0
    assert a.wait(20) == (-signal.SIGKILL if whom == "command" else 0)
    assert len([words for words in journal() if words[0] == "end"]) == 1
