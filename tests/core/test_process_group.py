"""What tasks have started is ended with their worker, or after the task."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jug.execution import process_group
from jug.execution.process_group import Moment, Remains, now, send_signal

LEADER_OF_ANOTHER = """
import signal, subprocess, sys
signal.signal(signal.SIGTERM, {how})
inner = subprocess.Popen([sys.executable, "-c", '''
import signal, time
signal.signal(signal.SIGTERM, {how})
print("ready", flush=True)
time.sleep(60)
'''])
{then}
"""
"""A program that starts another, which has its output and says when it is ready."""

STARTS_AND_ENDS = """
import subprocess, sys
from jug.execution.process_group import end_started_since, now

def started(how):
    code = f"import signal, time; signal.signal(signal.SIGTERM, {how}); print('.', flush=True)"
    process = subprocess.Popen([sys.executable, "-c", code + "; time.sleep(60)"], stdout=-1)
    process.stdout.read(2)
    return process

before = started("signal.SIG_DFL")
moment = now()
since = started(sys.argv[1])
end_started_since(moment)
print(before.poll(), since.wait())
before.kill()
before.wait()
"""

IN_ONE_TICK = """
import os, sys, time
from jug.execution.process_group import end_started_since, now

def started():
    pid = os.fork()
    if pid == 0:
        time.sleep(60)
        os._exit(0)
    return pid

def tick(pid):
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[19]

until = time.monotonic() + 20
while True:
    before, moment, since = started(), now(), started()
    if tick(before) == tick(since):
        break
    for pid in (before, since):
        os.kill(pid, 9)
        os.waitpid(pid, 0)
    assert time.monotonic() < until

end_started_since(moment)
print(os.waitpid(before, os.WNOHANG)[0], os.waitpid(since, 0)[1])
os.kill(before, 9)
os.waitpid(before, 0)
"""

Start = Callable[[str, str], "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Call with how SIGTERM is taken, and what follows: returns the leader of a new group."""
    started: list[subprocess.Popen[str]] = []

    def begin(how: str, then: str) -> subprocess.Popen[str]:
        code = LEADER_OF_ANOTHER.format(how=how, then=then)
        leader = subprocess.Popen(
            [sys.executable, "-c", code], stdout=-1, text=True, start_new_session=True
        )
        started.append(leader)
        assert leader.stdout is not None
        assert leader.stdout.readline() == "ready\n"
        return leader

    yield begin
    for leader in started:
        leader.kill()
        leader.communicate()


def is_over(leader: subprocess.Popen[str]) -> bool:
    """Wait until no process has the leader's output any more."""
    assert leader.stdout is not None
    return leader.stdout.read() == ""


def test_a_signal_reaches_the_children_of_a_leader(start: Start) -> None:
    leader = start("signal.SIG_DFL", "inner.wait()")

    send_signal(leader.pid, signal.SIGTERM)

    assert is_over(leader)
    assert leader.wait() == -signal.SIGTERM


def test_who_leads_no_group_yet_gets_it_alone() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=-1)

    send_signal(child.pid, signal.SIGKILL)

    assert child.wait() == -signal.SIGKILL
    assert child.stdin is not None
    child.stdin.close()


def test_what_a_leader_has_left_is_asked_to_end(start: Start) -> None:
    leader = start("signal.SIG_DFL", "")
    leader.wait()
    remains = Remains()

    remains.end(leader.pid)
    assert remains
    assert is_over(leader)

    until = time.monotonic() + 30
    while remains and time.monotonic() < until:
        remains.attend()
    assert not remains


def test_what_does_not_end_when_asked_is_made_to(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_group, "_GRACE", 0.0)
    leader = start("signal.SIG_IGN", "")
    leader.wait()
    remains = Remains()

    remains.end(leader.pid)
    remains.attend()

    assert not remains
    assert is_over(leader)


def test_what_is_left_can_be_killed_at_once(start: Start) -> None:
    leader = start("signal.SIG_IGN", "")
    leader.wait()
    remains = Remains()

    remains.end(leader.pid)
    remains.kill()

    assert not remains
    assert is_over(leader)


def test_nothing_is_left_of_a_group_without_processes() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""], start_new_session=True)
    child.wait()
    remains = Remains()

    remains.end(child.pid)

    assert not remains


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere they end with the worker")
@pytest.mark.parametrize(
    "how, signum", [("signal.SIG_DFL", signal.SIGTERM), ("signal.SIG_IGN", signal.SIGKILL)]
)
def test_only_what_was_started_since_a_moment_is_ended(how: str, signum: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", STARTS_AND_ENDS, how],
        capture_output=True, text=True, start_new_session=True, check=True,
    )  # fmt: skip

    assert done.stdout == f"None {-signum}\n"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere they end with the worker")
def test_what_was_started_in_the_same_hundredth_of_a_second_is_told_apart() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IN_ONE_TICK],
        capture_output=True, text=True, start_new_session=True, check=True,
    )  # fmt: skip

    assert done.stdout == f"0 {signal.SIGTERM}\n"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere they end with the worker")
@pytest.mark.parametrize(
    "pid, last, is_later",
    [(301, 300, True), (300, 301, False), (300, 300, False), (302, "max - 1", True),
     ("max - 1", 302, False), (7, 0, True), ("max - 1", 0, True)],
)  # fmt: skip
def test_numbers_of_processes_go_round(pid: int | str, last: int | str, is_later: bool) -> None:
    known = {"max": int(Path("/proc/sys/kernel/pid_max").read_text())}
    numbers = [eval(str(number), known) for number in (pid, last)]
    moment = Moment(100.0, numbers[1])
    ticks = 100 * os.sysconf("SC_CLK_TCK")

    assert moment.is_before(numbers[0], ticks) is is_later
    assert moment.is_before(numbers[0], ticks + 1)
    assert not moment.is_before(numbers[0], ticks - 1)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere they end with the worker")
@pytest.mark.parametrize("said", ["", "0.1 0.2", "0.1 0.2 0.3 1/2 300\n"])
def test_of_a_file_that_is_not_the_systems_no_number_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    (tmp_path / "loadavg").write_text(said)
    monkeypatch.setattr(process_group, "_LOADS", str(tmp_path / "loadavg"))

    assert now().last_pid == 0


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere they end with the worker")
def test_who_leads_no_group_ends_nothing() -> None:
    code = STARTS_AND_ENDS.replace("since.wait()", "since.poll(), since.kill(), since.wait()")
    done = subprocess.run(
        [sys.executable, "-c", code, "signal.SIG_DFL"], capture_output=True, text=True, check=True
    )

    assert done.stdout == f"None None None {-signal.SIGKILL}\n"
