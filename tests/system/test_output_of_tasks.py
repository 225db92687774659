"""What tasks print is shown at once and kept in their records, whoever prints it and where to."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import time
from contextlib import suppress
from pathlib import Path

import pytest

from jug.backends.registry import open_store
from jug.records import RunState

JUGFILE = """
import ctypes, os, signal, subprocess, sys, time
from pathlib import Path
from jug import TaskGenerator
from journal import log, wait_for_file

def print_in_all_ways(number):
    print("printed", number)
    print("error", number, file=sys.stderr)
    os.write(1, b"raw \\xff\\n")
    subprocess.run(["echo", "by a program"])
    ctypes.CDLL(None).printf(b"in C %d\\n", number)

@TaskGenerator
def says(number):
    print("says", number)
    return number

@TaskGenerator
def fails(number):
    print_in_all_ways(number)
    raise ValueError(number)

@TaskGenerator
def succeeds(number):
    print_in_all_ways(number)

@TaskGenerator
def silent(number):
    return number
"""


@pytest.fixture
def outputs():
    """Call with the name of a task: returns the state and the output of its runs."""

    def read(name):
        with open_store("jugfile.jugdata") as store:
            runs = [run for run in store.runs() if run.record.name == f"jugfile.{name}"]
        return [(run.state, run.record.output) for run in runs]

    return read


ALL_WAYS = ["by a program", "error 7", "in C 7", "printed 7", "raw \\xff"]


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_the_record_of_a_failure_has_its_output_alone(write, journal, jug, outputs, jobs):
    write(JUGFILE + "[says(i) for i in range(20)]\nfails(7)\n[says(i) for i in range(20, 40)]\n")

    status, out, err = jug("execute", "--keep-going", "-j", jobs)

    assert status == 1
    ((state, output),) = outputs("fails")
    assert state is RunState.FAILED
    assert sorted(output.splitlines()) == ALL_WAYS
    assert {output for _, output in outputs("says")} == {""}
    printed = [line for line in out.splitlines() if line.startswith("says")]
    assert sorted(printed) == sorted(f"says {i}" for i in range(40))
    assert "raw \udcff\n" in out
    assert "error 7\njug: jugfile.fails(7) failed:\n" in err


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("spawned", ["", "import threading; threading.Thread(target=input)\n"])
def test_with_capture_each_record_has_its_own_output(write, journal, jug, outputs, jobs, spawned):
    if spawned:
        spawned = "import sys, types; sys.modules['grpc'] = types.ModuleType('grpc')\n"
    write(spawned + JUGFILE + "[says(i) for i in range(40)]\nsucceeds(7), silent(1)\n")

    status, out, err = jug("execute", "--capture", "-j", jobs)

    assert (status, err.replace("error 7\n", "")[: 5 if spawned else None]) in [
        (0, ""),
        (0, "jug: "),
    ]
    assert sorted(output for _, output in outputs("says")) == sorted(
        f"says {i}\n" for i in range(40)
    )
    ((_, output),) = outputs("succeeds")
    assert sorted(output.splitlines()) == ALL_WAYS
    assert outputs("silent") == [(RunState.FINISHED, "")]


def test_capture_is_configured(write, journal, jug, outputs, monkeypatch):
    write(JUGFILE + "says(1)\n")
    monkeypatch.setenv("JUG_CAPTURE", "yes")
    assert jug("execute", "--no-capture")[0] == 0
    assert outputs("says") == [(RunState.FINISHED, "")]
    jug("invalidate", "--name", "says")
    assert jug("execute")[0] == 0
    assert outputs("says")[1] == (RunState.FINISHED, "says 1\n")


def test_output_and_error_that_are_one_file_keep_their_order(write, journal, launch, outputs):
    write(
        JUGFILE
        + """
@TaskGenerator
def turns(number):
    for i in range(100):
        os.write(1, b"out %d\\n" % i)
        os.write(2, b"err %d\\n" % i)

turns(1)
"""
    )
    with open("both", "wb") as both:
        command = [sys.executable, "-m", "jug", "execute", "--capture"]
        subprocess.run(command, stdout=both, stderr=subprocess.STDOUT, check=True)

    expected = "".join(f"out {i}\nerr {i}\n" for i in range(100))
    assert Path("both").read_text().startswith(expected)
    assert outputs("turns") == [(RunState.FINISHED, expected)]


F_SETPIPE_SZ = 1031  # which the module fcntl names on Linux alone

TALKING = (
    JUGFILE
    + """
@TaskGenerator
def talks(count):
    log("begun")
    for i in range(count):
        print(f"{i:099}")

"""
)


@pytest.mark.slow
def test_of_very_much_output_all_is_shown_and_the_last_is_kept(write, journal, jug, outputs):
    write(TALKING + "talks(200_000)\n")

    status, out, err = jug("execute", "--capture")

    assert (status, err) == (0, "")
    assert out.count("\n") >= 200_000
    ((_, output),) = outputs("talks")
    assert len(output) == 1 << 16
    assert output.endswith(f"{199_998:099}\n{199_999:099}\n")


@pytest.mark.slow
def test_a_worker_that_is_killed_leaves_its_output(write, journal, jug, outputs):
    write(
        JUGFILE
        + """
@TaskGenerator
def deadly(number):
    if not Path("dead").exists():
        Path("dead").touch()
        print("last words", flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])  # `late` is deaf from its beginning

@TaskGenerator(retries=1, timeout=0.3)
def late(number):
    print("attempt", flush=True)
    time.sleep(60)

[says(i) for i in range(3)]
deadly(1), late(1)
"""
    )

    jug("execute", "--keep-going")

    assert outputs("deadly") == [(RunState.DIED, "last words\n"), (RunState.FINISHED, "")]
    assert outputs("late") == [(RunState.RETRIED, "attempt\n"), (RunState.FAILED, "attempt\n")]


def test_each_attempt_has_its_own_output(write, journal, jug, outputs):
    write(
        JUGFILE
        + """
@TaskGenerator(retries=2)
def flaky(number):
    log("tried")
    print("attempt", Path("log").read_text().count("tried"))
    raise ValueError

flaky(1)
"""
    )

    jug("execute")

    expected = [RunState.RETRIED, RunState.RETRIED, RunState.FAILED]
    assert outputs("flaky") == [
        (state, f"attempt {number}\n") for number, state in enumerate(expected, 1)
    ]


# Terminals

ON_TERMINAL = """
@TaskGenerator
def terminal(name):
    log(name, *(os.isatty(d) for d in (0, 1, 2)), *os.get_terminal_size(1))
    while os.get_terminal_size(1) != (99, 30):
        time.sleep(0.002)
    log("resized")
    print("\\rdone", end="\\n")
    wait_for_file(name)
"""


@pytest.fixture
def in_terminal(folder):
    """Call with a command: starts it in a terminal of its own; returns its pid and the terminal."""
    started = []

    def start(*command):
        pid, terminal = pty.fork()
        if pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 77, 0, 0))
            os.execv(sys.executable, [sys.executable, "-m", "jug", *command])
        started.append((pid, terminal))
        return pid, terminal

    yield start
    for pid, terminal in started:
        with_suppressed(os.kill, pid, signal.SIGKILL)
        os.close(terminal)  # else some systems wait for who reads it
        with_suppressed(os.waitpid, pid, 0)


def with_suppressed(act, *arguments):
    try:
        act(*arguments)
    except OSError:
        pass


def read_all(terminal):
    shown = b""
    with suppress(OSError):  # what Linux says at the end
        while more := os.read(terminal, 1 << 16):
            shown += more
    return shown.decode(errors="surrogateescape")


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_terminal_is_one_for_tasks_too(write, journal, in_terminal, wait_for, outputs, jobs):
    write(JUGFILE + ON_TERMINAL + "terminal('go')\nfails(7)\n")

    pid, terminal = in_terminal("execute", "--keep-going", "-j", jobs)
    ((_, *facts),) = wait_for(journal)
    assert facts == ["True", "True", "True", "77", "24"]
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 99, 0, 0))
    wait_for(lambda: len(journal()) == 2)
    Path("go").touch()
    shown = read_all(terminal)
    _, status = os.waitpid(pid, 0)

    assert os.waitstatus_to_exitcode(status) == 1
    assert "\rdone\r\n" in shown
    assert "raw \udcff\r\n" in shown
    kept = jobs == "2"
    assert outputs("terminal") == [(RunState.FINISHED, "\rdone\n" if kept else "")]
    ((_, output),) = outputs("fails")
    assert sorted(output.splitlines()) == ALL_WAYS


# Those who read, or don't


@pytest.mark.slow
def test_a_reader_that_stands_still_stops_no_heartbeat(write, journal, launch, wait_for):
    write(TALKING + "talks(20_000)\n")
    environ = os.environ | {"JUG_LEASE_SECONDS": "1"}
    command = launch("-m", "jug", "execute", "--progress=none", env=environ)
    wait_for(journal)
    _wait_until_full(command.stdout.fileno(), wait_for)

    _wait_for_lease_times(wait_for)
    with open_store("jugfile.jugdata", lease_seconds=1) as store:
        (holder,) = store.holders().values()
        assert holder.alive
    out, err = command.communicate(timeout=60)
    assert (command.returncode, err) == (0, "")
    assert out.count("\n") >= 20_000


@pytest.mark.slow
@pytest.mark.parametrize("signals", [1, 2])
def test_a_run_stops_though_nobody_reads_its_output(write, journal, start, wait_for, signals):
    """Also what it prints at its end: not a byte has room in a pipe of one full page."""
    write(
        "from journal import wait_for_file\nwait_for_file('narrow')\n"
        + TALKING
        + "talks(1_000_000)\n"
    )
    command = start("execute")
    fcntl.fcntl(command.stdout, F_SETPIPE_SZ, 1)
    Path("narrow").touch()
    wait_for(journal)
    _wait_until_full(command.stdout.fileno(), wait_for)

    for _ in range(signals):
        command.terminate()
        time.sleep(0.2)  # else both may be one

    assert command.wait(20) == 130


@pytest.mark.slow
def test_messages_of_its_own_that_nobody_reads_stop_no_heartbeat(write, journal, launch, wait_for):
    write(
        JUGFILE
        + """
@TaskGenerator
def waits():
    wait_for_file("go")

@TaskGenerator
def complains(n):
    raise ValueError("x" * 3000)

waits()
[complains(n) for n in range(200)]
"""
    )
    environ = os.environ | {"JUG_LEASE_SECONDS": "1"}
    words = ("execute", "-j", "2", "--keep-going", "--progress=none")
    command = launch("-m", "jug", *words, env=environ)
    _wait_until_full(command.stderr.fileno(), wait_for)

    _wait_for_lease_times(wait_for)
    Path("go").touch()
    err = command.communicate(timeout=60)[1]
    assert command.returncode == 1
    assert len(re.findall(r"^jug: jugfile\.complains\(\d+\) failed:$", err, re.MULTILINE)) == 200
    assert "jug: 200 tasks failed" in err


def _wait_until_full(pipe: int, wait_for) -> None:
    """Wait until no more comes into a pipe that nobody reads."""
    seen = [-1, 0]

    def is_full() -> bool:
        time.sleep(0.1)
        left = struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))[0]
        seen.append(left)
        return left > 0 and len(set(seen[-5:])) == 1

    wait_for(is_full)


def _wait_for_lease_times(wait_for) -> None:
    """Wait until a worker still beats when two lease times of a second have gone by."""
    since = time.time()

    def beats() -> bool:
        with suppress(FileNotFoundError):  # a lease that ends just now
            mtimes = [file.stat().st_mtime for file in Path("jugfile.jugdata/leases").iterdir()]
            return max(mtimes) > since + 2
        return False

    wait_for(beats)


@pytest.mark.slow
def test_a_reader_that_is_gone_ends_no_task(write, journal, start, outputs):
    write(JUGFILE + "[says(i) for i in range(2000)]\n")
    command = start("execute", "--capture", "-j", "2")
    command.stdout.close()

    assert command.stderr.read().count("what tasks print can't be shown any more: Broken pipe") == 1
    command.wait()
    assert len(outputs("says")) == 2000


def test_the_null_device_takes_output_that_is_kept(write, journal, launch, outputs):
    write(JUGFILE + "fails(7)\n")
    command = [sys.executable, "-m", "jug", "execute"]
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)

    ((_, output),) = outputs("fails")
    assert sorted(output.splitlines()) == ALL_WAYS


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_without_an_output_tasks_run_as_ever(write, journal, folder, outputs, closed):
    write(JUGFILE + "[silent(i) for i in range(9)]\n")
    command = f"exec {sys.executable} -m jug execute -j 2 {closed}"

    ended = subprocess.run(["sh", "-c", command], check=False, capture_output=True, text=True)

    assert len(outputs("silent")) == 9
    assert "can't be shown" not in ended.stderr


# Processes that live on

DAEMON = """
@TaskGenerator
def leaves_behind():
    subprocess.Popen(
        [sys.executable, "-c", '''if True:
            import time
            from pathlib import Path
            while not Path("go").exists():
                time.sleep(0.01)
            print("from behind", flush=True)
            Path("printed").touch()
        '''], start_new_session=True, stderr=subprocess.DEVNULL,
    )
    print("left")

leaves_behind()
"""


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_what_lives_on_after_the_command_can_go_on_printing(
    write, journal, start, wait_for, outputs, jobs
):
    write(JUGFILE + DAEMON)
    command = start("execute", "--capture", "-j", jobs)
    assert command.wait(20) == 0

    Path("go").touch()
    out, err = command.communicate(timeout=20)

    assert Path("printed").exists()
    assert re.match(r"left\n[^$]*\nfrom behind\n$", out), out
    assert err == ""
    assert outputs("leaves_behind") == [(RunState.FINISHED, "left\n")]


def test_a_daemon_that_prints_nothing_keeps_nobody_who_reads(write, journal, jug, wait_for):
    write(
        JUGFILE
        + """
@TaskGenerator
def leaves_a_daemon():
    if os.fork() == 0:
        os.setsid()
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in 0, 1, 2:
            os.dup2(null, descriptor)
        log(os.getpid())
        time.sleep(600)
        os._exit(0)
    wait_for_file("log")  # before that it is no daemon, and ends with its worker

leaves_a_daemon()
"""
    )
    status, _, err = jug("execute")
    ((pid,),) = wait_for(journal)

    os.kill(int(pid), signal.SIGKILL)  # raises if it is gone
    assert (status, err) == (0, "")
