"""Workers that are killed all the time, and the work gets done, each task once, by itself."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

PROGRAM = """
import os, random, sys, time
from jug import TaskGenerator
from journal import log

COUNT, SECONDS = int(sys.argv[1]), float(sys.argv[2])

@TaskGenerator
def work(i, needed):
    parent = os.getppid()
    log("begin", i, os.getpid())
    time.sleep(SECONDS * random.uniform(0.5, 1.5))
    value = i + sum(number for number, _ in needed)
    padding = b"x" * (300_000 if i % 100 == 7 else i % 50)
    log("end", i, os.getpid(), parent)
    return value % 1_000_003, padding

tasks = []
for i in range(COUNT):
    tasks.append(work(i, [tasks[j] for j in {i // 2, i * 2 // 3, i - 20} if 0 <= j < i]))
"""

CHECK = """
import os, sys
from jug import set_jugdir, value
from jug.jugfile import Jugfile

count = int(sys.argv[1])
set_jugdir(os.environ.get("JUG_JUGDIR", "jugfile.jugdata"))
tasks = Jugfile("jugfile.py", sys.argv[1:]).read().names["tasks"]
expected = []
for i in range(count):
    needed = [expected[j] for j in {i // 2, i * 2 // 3, i - 20} if 0 <= j < i]
    expected.append((i + sum(needed)) % 1_000_003)
for i, (number, padding) in enumerate(value(tasks)):
    assert number == expected[i]
    assert len(padding) == (300_000 if i % 100 == 7 else i % 50)
"""


def children(pid: int) -> list[int]:
    """Return the children of a process that may end meanwhile."""
    try:
        return [
            int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        ]
    except OSError:
        return []


def has_begun(pid: int) -> bool:
    """Return whether a worker has begun a task."""
    return any(line.split()[2:] == [str(pid)] for line in Path("log").read_text().splitlines())


class Storm:
    """Some `jug execute` commands, of which one after the other loses a process."""

    def __init__(self, commands: int, jobs: int, count: int, seconds: float) -> None:
        self.arguments = ["-j", str(jobs), "jugfile.py", str(count), str(seconds)]
        self.killed: set[int] = set()
        """Workers, and commands with which their workers died."""
        self.young: Counter[int] = Counter()
        self.commands = [self.start() for _ in range(commands)]

    def start(self) -> subprocess.Popen[bytes]:
        with open("errors", "ab") as errors:
            return subprocess.Popen(
                [sys.executable, "-m", "jug", "execute", *self.arguments],
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
            )

    def kill_both(self) -> None:
        """Kill a command with its workers, and start another."""
        at = random.randrange(len(self.commands))
        command = self.commands[at]
        self.killed.add(command.pid)
        os.killpg(command.pid, signal.SIGKILL)
        command.wait()
        self.commands[at] = self.start()

    def kill_worker(self) -> None:
        """Kill a worker; its supervisor replaces it, unless five die before their first task."""
        command = random.choice(self.commands).pid
        workers = children(command)
        if workers:
            pid = random.choice(workers)
            self.young[command] = 0 if has_begun(pid) else self.young[command] + 1
            if self.young[command] < 5:
                with suppress(ProcessLookupError):  # it has just come to its end
                    os.kill(pid, signal.SIGKILL)
                    self.killed.add(pid)

    def kill_supervisor(self) -> None:
        """Kill a command, with which its workers die, and start another."""
        at = random.randrange(len(self.commands))
        self.killed.add(self.commands[at].pid)
        self.commands[at].kill()
        self.commands[at].wait()
        self.commands[at] = self.start()

    def rage(self, kill, kills: int) -> None:
        for _ in range(kills):
            time.sleep(0.1)
            kill(self)

    def pass_over(self) -> None:
        """Wait until all is done, by those who are left."""
        try:
            endings = [command.wait(100) for command in self.commands]
        finally:
            for command in self.commands:
                if command.poll() is None:
                    os.killpg(command.pid, signal.SIGKILL)
        assert endings == [0] * len(endings), Path("errors").read_text()


def assert_each_ran_once(journal, killed, count):
    """Each completed, and again only where the one before was killed before it could save."""
    ended = {}
    for word, number, *pids in journal:
        if word == "end":
            ended.setdefault(int(number), []).append(tuple(map(int, pids)))
    assert sorted(ended) == list(range(count))
    for number, ends in ended.items():
        saved = [pids for pids in ends if killed.isdisjoint(pids)]
        assert len(saved) <= 1, f"task {number} was completed by {ends}"
        assert max(Counter(ends).values()) == 1


def leftovers(jugdir="jugfile.jugdata"):
    return os.listdir(Path(jugdir, "leases")) + [*Path(jugdir).rglob("*.tmp*")]


KILLS = [
    pytest.param(Storm.kill_both, marks=pytest.mark.slow),
    Storm.kill_worker,
    pytest.param(Storm.kill_supervisor, marks=pytest.mark.slow),
]


@pytest.mark.parametrize("kill", KILLS, ids=lambda kill: kill.__name__)
@pytest.mark.parametrize(
    ("commands", "jobs", "count", "seconds", "kills"),
    [
        pytest.param(4, 1, 120, 0.03, 8, id="small"),
        pytest.param(4, 1, 5000, 0.0, 8, id="short"),
        pytest.param(
            2, 4, 40_000, 0.0, 60, id="many short",
            marks=[pytest.mark.slow, pytest.mark.timeout(300)],
        ),
        pytest.param(
            8, 1, 2000, 0.05, 100, id="large", marks=[pytest.mark.slow, pytest.mark.timeout(300)]
        ),
        pytest.param(
            2, 4, 2000, 0.05, 100, id="many jobs",
            marks=[pytest.mark.slow, pytest.mark.timeout(300)],
        ),
    ],
)  # fmt: skip
def test_workers_may_be_killed_at_any_time(
    write, journal, jug, wait_for, commands, jobs, count, seconds, kills, kill
):
    write(PROGRAM)
    write(CHECK, "check.py")
    storm = Storm(commands, jobs, count, seconds)
    wait_for(journal)

    storm.rage(kill, kills)
    storm.pass_over()

    assert_each_ran_once(journal(), storm.killed, count)
    assert leftovers() == []
    arguments = [str(count), str(seconds)]
    subprocess.run([sys.executable, "check.py", *arguments], check=True)
    assert jug("check", "jugfile.py", *arguments)[0] == 0
