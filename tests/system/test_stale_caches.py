"""Hosts that see one store through caches of their own, which may be seconds behind.

Each host's view is a FUSE mount that remembers for three seconds what it has seen:
attributes, names, and that a name was not there.  Processes of different boot
ids cannot be judged by each other's process tables.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from tests.system.conftest import on_host

pytestmark = [pytest.mark.slow, pytest.mark.clock]

CACHES = "attr_timeout=3,entry_timeout=3,negative_timeout=3,ac_attr_timeout=3"
LEASE = 1.0

HEAD = """
import os, time
from jug import TaskGenerator
from journal import log, wait_for_file

HOST = os.environ["TEST_HOST"]
"""


@pytest.fixture
def hosts(folder, program, unavailable, wait_for):
    """Return the environment and the jugdir of each of two hosts."""
    if not os.path.exists("/dev/fuse"):
        unavailable("FUSE")
    Path("disk").mkdir()
    mounts = []
    for name in ("a", "b"):
        Path(name).mkdir()
        mounts.append(subprocess.Popen([program("bindfs"), "-f", "-o", CACHES, "disk", name]))
    wait_for(lambda: all(map(os.path.ismount, ("a", "b"))))
    settings = {"JUG_LEASE_SECONDS": str(LEASE)}

    yield [
        on_host(name) | settings | {"JUG_JUGDIR": str(folder / name / "jd")} for name in ("a", "b")
    ]

    for name, mount in zip(("a", "b"), mounts, strict=True):
        subprocess.run([program("fusermount3"), "-u", "-z", name], check=True)
        mount.wait()


def both_have_joined() -> bool:
    """Look, past both caches, whether each has reached for a task by now."""
    return len([name for name in os.listdir("disk/jd/leases") if len(name) == 16]) == 2


MANY = (
    HEAD
    + """
@TaskGenerator
def work(i, needed):
    log("begin", i, HOST)
    time.sleep(0.02)
    log("end", i, HOST)
    return i

tasks = []
for i in range(200):
    tasks.append(work(i, [tasks[j] for j in {i // 2, i - 7} if 0 <= j < i]))
"""
)


def test_nothing_runs_twice(write, journal, start, hosts):
    write(MANY)

    workers = [start("execute", "-j", "2", env=host) for host in hosts]

    assert [(worker.wait(100), worker.stderr.read()) for worker in workers] == [(0, "")] * 2
    begun = [words[1] for words in journal() if words[0] == "begin"]
    assert sorted(map(int, begun)) == list(range(200))
    assert {words[2] for words in journal()} == {"a", "b"}
    assert os.listdir("disk/jd/leases") == []


def test_what_one_finishes_the_other_sees_within_five_seconds(
    write, journal, start, wait_for, hosts
):
    write(
        HEAD
        + """
@TaskGenerator
def slow(name):
    log("begin", name, HOST, time.time())
    wait_for_file(f"go-{name}")
    log("end", name, HOST, time.time())

@TaskGenerator
def follow(needed):
    log("follow", HOST, time.time())
    wait_for_file("go-on")

last = slow("x")
follow(last), follow([last])
"""
    )
    a, b = (start("execute", env=host) for host in hosts)
    wait_for(journal)
    wait_for(both_have_joined)
    Path("go-x").touch()

    follows = wait_for(
        lambda: len(found := [w for w in journal() if w[0] == "follow"]) == 2 and found
    )
    Path("go-on").touch()

    assert (a.wait(20), b.wait(20)) == (0, 0)
    assert {words[1] for words in follows} == {"a", "b"}
    (ended,) = (float(words[-1]) for words in journal() if words[0] == "end")
    assert max(float(words[-1]) for words in follows) - ended < 5


def test_when_one_is_killed_the_other_takes_over_within_three_lease_times(
    write, journal, start, wait_for, hosts
):
    write(
        HEAD
        + """
@TaskGenerator
def take():
    log("begin", HOST, time.time())
    wait_for_file(f"go-{HOST}")
    return HOST

take()
"""
    )
    a = start("execute", env=hosts[0])
    wait_for(journal)
    b = start("execute", env=hosts[1])
    wait_for(both_have_joined)

    killed = time.time()
    os.killpg(a.pid, signal.SIGKILL)

    wait_for(lambda: len(journal()) == 2)
    Path("go-b").touch()
    assert b.wait(20) == 0
    assert journal()[1][1] == "b"
    assert float(journal()[1][2]) - killed < 3 * LEASE
