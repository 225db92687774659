"""A process that ends when its parent dies."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

CHILD = """
import os, sys, time
from jug.execution import parent_death

sys.platform = sys.argv[1]
parent = os.getpid()
ours, theirs = os.pipe()
if os.fork():
    os.close(theirs)
    os.read(ours, 1)
    print("ready", flush=True)
    time.sleep(60)
else:
    {begin}
    parent_death.die_with(parent)
    os.write(theirs, b".")
    {work}
"""

ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="asks the Linux kernel")
PLATFORMS = pytest.mark.parametrize("platform", [pytest.param("linux", marks=ON_LINUX), "darwin"])
LATE = "os.kill(parent, 9)\n    while os.getppid() == parent: pass"


def wait_until_all_ends_are_closed(process: subprocess.Popen[str], seconds: float) -> float:
    """Return how long the process and its child take to end."""
    start = time.monotonic()
    process.communicate(timeout=seconds)
    return time.monotonic() - start


@PLATFORMS
@pytest.mark.parametrize("work", ["time.sleep(60)", "while True: pass"])
def test_it_ends_when_the_parent_is_killed(platform: str, work: str) -> None:
    code = CHILD.format(begin="pass", work=work)
    parent = subprocess.Popen([sys.executable, "-c", code, platform], stdout=-1, text=True)
    assert parent.stdout is not None
    assert parent.stdout.readline() == "ready\n"

    parent.kill()

    assert wait_until_all_ends_are_closed(parent, 20) < 10


@PLATFORMS
def test_it_ends_when_the_parent_was_killed_before(platform: str) -> None:
    code = CHILD.format(begin=LATE, work="time.sleep(60)")
    parent = subprocess.Popen([sys.executable, "-c", code, platform], stdout=-1, text=True)

    assert wait_until_all_ends_are_closed(parent, 20) < 10
    assert parent.returncode == -signal.SIGKILL


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a thread needs the lock")
def test_it_ends_while_it_keeps_the_interpreters_lock() -> None:
    code = CHILD.format(begin="pass", work="sum(range(10**13))")
    parent = subprocess.Popen([sys.executable, "-c", code, "linux"], stdout=-1, text=True)
    assert parent.stdout is not None
    assert parent.stdout.readline() == "ready\n"

    parent.kill()

    assert wait_until_all_ends_are_closed(parent, 20) < 10
    assert not Path(f"/proc/{parent.pid}").exists()


SURVIVOR = """
import os, sys, threading
from jug.execution import parent_death

sys.platform = sys.argv[1]
parents, parent_death._LOOK = iter({parents}), 0.01
os.getppid, os.kill = parents.__next__, lambda *how: print(how == (os.getpid(), 9))
parent_death.die_with(7)
"""
"""A process that lives to tell how it was to end."""


@pytest.mark.parametrize(
    "platform, parents, told",
    [
        pytest.param("linux", [7], "", marks=ON_LINUX),
        pytest.param("linux", [1], "True\n", marks=ON_LINUX),
        ("darwin", [7, 7, 1], "True\n"),
        ("darwin", [1], "True\n"),
    ],
)
def test_the_last_thing_it_does_is_to_kill_itself(
    platform: str, parents: list[int], told: str
) -> None:
    code = SURVIVOR.format(parents=parents)
    code += "for one in threading.enumerate()[1:]:\n    one.join()\n"
    done = subprocess.run([sys.executable, "-c", code, platform], stdout=-1, text=True, check=True)

    assert done.stdout == told
