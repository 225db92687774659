"""What commands tell of a run in which much went wrong, whichever store it was in.

A subclass in a test file gives the fixture `jugdir`.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from itertools import pairwise

import pytest
from click.testing import CliRunner

from jug.cli import main

JUGFILE = """
import os, signal, subprocess, time
from pathlib import Path
from jug import TaskGenerator

def is_first(name):
    try:
        Path(name).touch(exist_ok=False)
        return True
    except FileExistsError:
        return False

@TaskGenerator
def slow(number):
    time.sleep(0.2)
    return [number] * 3

@TaskGenerator
def after(numbers):
    time.sleep(0.2)
    return "text"

@TaskGenerator
def fails(number):
    raise ValueError(f"no luck with {number}")

@TaskGenerator
def deadly(number):
    if is_first("deadly"):
        os.kill(os.getpid(), signal.SIGKILL)
    return number

@TaskGenerator(timeout=0.5)
def late(number):
    time.sleep(60)

@TaskGenerator
def unpicklable(number):
    return (one for one in range(number))

@TaskGenerator
def program(number):
    subprocess.run(["false"], check=True)

@TaskGenerator(retries=2)
def flaky(number):
    if is_first("flaky"):
        raise OSError("not yet")
    return number

@TaskGenerator
def total(numbers):
    return sum(numbers)

after(slow(1))
failing = [fails(number) for number in range(7)]
deadly(2), late(3), unpicklable(4), program(5), flaky(6)
total([*failing, flaky(6)])
"""

STATUS = """\
Failed  Waiting  Ready  Finished  Running  Task name
-----
0  0  0  1  0  jugfile.after
0  0  0  1  0  jugfile.deadly
7  0  0  0  0  jugfile.fails
0  0  0  1  0  jugfile.flaky
1  0  0  0  0  jugfile.late
1  0  0  0  0  jugfile.program
0  0  0  1  0  jugfile.slow
0  1  0  0  0  jugfile.total
1  0  0  0  0  jugfile.unpicklable
.....
10  1  0  4  0  Total
"""

EXECUTED = """\
Executed  Loaded  Task name
-----
1  0  jugfile.after
1  0  jugfile.deadly
1  0  jugfile.flaky
1  0  jugfile.slow
.....
4  0  Total
"""

FAILURES = """\
7 tasks: ValueError at jugfile.py:25, in fails
  jugfile.fails(0)
  jugfile.fails(1)
  jugfile.fails(2)
  jugfile.fails(3)
  jugfile.fails(4)
  and 2 more
  on HOST

    Traceback (most recent call last):
      File "jugfile.py", line 25, in fails
        raise ValueError(f"no luck with {number}")
    ValueError: no luck with 0

1 task: jug.errors.TaskTimeout at jugfile.py:35, in late
  jugfile.late(3)
  on HOST

    Traceback (most recent call last):
      File "jugfile.py", line 35, in late
        time.sleep(60)
    jug.errors.TaskTimeout: ran longer than its time limit of 0.5 s

1 task: jug.errors.EncodeError in jugfile.unpicklable
  jugfile.unpicklable(4)
  on HOST

    jug.errors.EncodeError: the result of task 'jugfile.unpicklable' can't be saved: ...

1 task: subprocess.CalledProcessError at jugfile.py:43, in program
  jugfile.program(5)
  on HOST

    Traceback (most recent call last):
      File "jugfile.py", line 43, in program
        subprocess.run(["false"], check=True)
      File ".../subprocess.py", ...
    subprocess.CalledProcessError: Command '['false']' returned non-zero exit status 1.

10 tasks failed, in 4 ways.
"""

# By call, and those of one call in order.
LOG = """\
TIME  finished  TOOK  HOST:PID  jugfile.after(jugfile.slow())
TIME  died  TOOK  HOST:PID  jugfile.deadly(2): was ended by SIGKILL
TIME  finished  TOOK  HOST:PID  jugfile.deadly(2)
TIME  failed  TOOK  HOST:PID  jugfile.fails(0): ValueError: no luck with 0
TIME  failed  TOOK  HOST:PID  jugfile.fails(1): ValueError: no luck with 1
TIME  failed  TOOK  HOST:PID  jugfile.fails(2): ValueError: no luck with 2
TIME  failed  TOOK  HOST:PID  jugfile.fails(3): ValueError: no luck with 3
TIME  failed  TOOK  HOST:PID  jugfile.fails(4): ValueError: no luck with 4
TIME  failed  TOOK  HOST:PID  jugfile.fails(5): ValueError: no luck with 5
TIME  failed  TOOK  HOST:PID  jugfile.fails(6): ValueError: no luck with 6
TIME  retried  TOOK  HOST:PID  jugfile.flaky(6): OSError: not yet
TIME  finished  TOOK  HOST:PID  jugfile.flaky(6)
TIME  failed  TOOK  HOST:PID  jugfile.late(3): jug.errors.TaskTimeout: ran longer than its time \
limit of 0.5 s
TIME  failed  TOOK  HOST:PID  jugfile.program(5): subprocess.CalledProcessError: Command \
'['false']' returned non-zero exit status 1.
TIME  finished  TOOK  HOST:PID  jugfile.slow(1)
TIME  failed  TOOK  HOST:PID  jugfile.unpicklable(4): jug.errors.EncodeError: the result of task \
'jugfile.unpicklable' can't be saved: ...
"""

SHOW_FLAKY = """\
jugfile.flaky(6)
  hash  HASH
  state  finished: its result is there
  result  int, 33 bytes
6

arguments
  number: 6

is needed by 1 task: 1 waiting
  waiting  jugfile.total([jugfile.fails(), jugfile.fails(), jugfile.fails(), jugfile.fails(), …])

2 runs
Ended  State  Took  Worker  Exception
-----
TIME  retried  TOOK  HOST:PID  OSError: not yet
TIME  finished  TOOK  HOST:PID
"""

SHOW_TOTAL = """\
jugfile.total([jugfile.fails(), jugfile.fails(), jugfile.fails(), jugfile.fails(), …])
  hash  HASH
  state  waiting: 7 tasks that it needs are not done

arguments
  numbers: [jugfile.fails(), jugfile.fails(), jugfile.fails(), jugfile.fails(), …]

needs 8 tasks: 7 failed, 1 finished
  failed  jugfile.fails(0)
  failed  jugfile.fails(1)
  failed  jugfile.fails(2)
  failed  jugfile.fails(3)
  failed  jugfile.fails(4)
  failed  jugfile.fails(5)
  failed  jugfile.fails(6)
  finished  jugfile.flaky(6)
"""

TIMINGS = """\
Count  Total  Mean  Median  95 %  Longest  CPU  Memory  Task name
-----
1  TOOK  TOOK  TOOK  TOOK  TOOK  CPU  MEMORY  jugfile.after
1  TOOK  TOOK  TOOK  TOOK  TOOK  CPU  MEMORY  jugfile.deadly
1  TOOK  TOOK  TOOK  TOOK  TOOK  CPU  MEMORY  jugfile.flaky
1  TOOK  TOOK  TOOK  TOOK  TOOK  CPU  MEMORY  jugfile.slow

Runs  Busy  Idle  Overhead  Began  Worker
-----
WORKERS

Critical path: TOOK in 2 tasks, of TOOK of work in 15 tasks.
TOOK  jugfile.slow(1)
TOOK  jugfile.after(jugfile.slow())
11 tasks of names without any result: not counted.
2 workers at a time need at least TOOK.
More workers could not be faster.
"""

REPLACED = [
    (r"(?<=\S)  +", "  "),
    (r"^ +(?=\d)", ""),
    (r" +$", ""),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "TIME"),
    (r"\b[0-9a-f]{40}\b", "HASH"),
    (r"(?<=  )(?!jugfile)[\w.-]+:\d+(?=  |$)", "HOST:PID"),
    (r"(?<=^  on )[\w.-]+$", "HOST"),
    (r"(?<!limit of )(?<![\d.])\d+(\.\d)? (µs|ms|s|min)\b( \d+ s\b)?", "TOOK"),
    (r"(-|\d+%)  (-|\d+\.\d MB)", "CPU  MEMORY"),
    (r"^(\d+  TOOK  TOOK  TOOK  TIME  HOST:PID\n)+", "WORKERS\n"),
    (r"^[ ~^]+\n", ""),
    (r"^( *)File \"[^\"]*/subprocess.py\".*\n(\1  .*\n)+", r'\1File ".../subprocess.py", ...\n'),
    (r"(?<=can't be saved: ).*", "..."),
    (r"^-+$", "-----"),
    (r"^\.+$", "....."),
]


def steady(text: str) -> str:
    """Return an output without what differs from run to run."""
    for pattern, by in REPLACED:
        text = re.sub(pattern, by, text, flags=re.MULTILINE)
    return text


def by_call(text: str) -> str:
    """Return the lines of a log by their calls; those of one call stay in order."""
    lines = text.splitlines(keepends=True)
    return "".join(sorted(lines, key=lambda line: line.split("  ")[4].split(":")[0]))


class PastRuns:
    """What is told of a run with an exception, a death, a time limit and so on."""

    @pytest.fixture(autouse=True)
    def in_store(self, monkeypatch, jugdir):
        monkeypatch.setenv("JUG_JUGDIR", jugdir)

    @pytest.fixture
    def executed(self, write, jug):
        """Run the jugfile; return what was printed."""
        write(JUGFILE)
        status, out, _ = jug("execute", "-j", "2", "--keep-going")
        assert status == 1
        return out

    @pytest.fixture
    def printed(self, executed):
        """Call with a command: runs it in this process, and returns its output."""

        def tell(*words, status=0):
            result = CliRunner().invoke(main, words, prog_name="jug")
            assert (result.exit_code, result.stderr) == (status, "")
            return result.stdout

        return tell

    @pytest.fixture
    def told(self, printed):
        """Call with a command: returns its output, without what differs from run to run."""
        return lambda *words, status=0: steady(printed(*words, status=status))

    def test_each_command_tells_its_part(self, executed, told):
        assert steady(executed) == EXECUTED  # with what dead workers had done
        assert told("status", status=1) == STATUS
        assert told("failures", status=1) == FAILURES
        assert by_call(told("log", "--short")) == LOG
        assert told("show", "flaky(6)") == SHOW_FLAKY
        assert told("show", "total") == SHOW_TOTAL
        assert told("timings") == TIMINGS

    @pytest.mark.slow
    def test_what_is_chosen_is_told(self, told):
        assert told("log", "--short", "--state", "died") == LOG.splitlines(keepends=True)[1]
        assert told("log", "--short", "--name", "flaky", "--tail", "1") == (
            "TIME  finished  TOOK  HOST:PID  jugfile.flaky(6)\n"
        )
        assert told("log", "--since", "1h", "--short", "--host", "no*") == ""
        assert told("failures", "--name", "program", "--short", status=1) == (
            "1 task: subprocess.CalledProcessError at jugfile.py:43, in program\n1 task failed.\n"
        )
        assert told("timings", "--name", "slow").endswith("TOOK  CPU  MEMORY  jugfile.slow\n")
        assert told("show", "--value", "after") == "text\n"
        assert "no luck with 3" in told("show", "--traceback", "fails[3]")

    @pytest.mark.slow
    def test_a_page_tells_all_of_it(self, printed):
        page = printed("report", "-o", "-")

        text = " ".join(re.sub(r"<[^>]*>", " ", page.partition("<body>")[2]).split())
        assert "4 finished" in text and "10 failed" in text and "1 waiting" in text
        assert "7 tasks : ValueError at jugfile.py:25, in fails" in text
        assert "jug.errors.TaskTimeout at jugfile.py:35, in late" in text
        assert "jugfile.total jugfile.fails 7" in text  # which needs which, and how often
        assert "ended badly" in page  # among the runs of the workers
        assert "0 workers" in text

    @pytest.mark.slow
    def test_programs_are_told_as_well(self, printed):
        failures = json.loads(printed("failures", "--json", status=1))
        assert failures["failed"] == 10
        assert failures["groups"][0]["place"] == {
            "file": "jugfile.py", "number": 25, "function": "fails",
        }  # fmt: skip
        assert len(failures["groups"][0]["tasks"]) == 7

        runs = json.loads(printed("log", "--json"))["runs"]
        assert all(one["end"] <= other["end"] for one, other in pairwise(runs))
        assert Counter(run["state"] for run in runs) == {
            "failed": 10, "finished": 4, "died": 1, "retried": 1,
        }  # fmt: skip
        assert json.loads(printed("show", "--json", "flaky(6)"))["runs"] == [
            run for run in runs if run["name"] == "jugfile.flaky"
        ]
        timings = json.loads(printed("timings", "--json"))
        assert sum(worker["runs"] for worker in timings["workers"]) == len(runs)
        assert len(timings["critical_path"]["tasks"]) == 2

    @pytest.mark.slow
    def test_another_jugfile_in_the_same_store_is_left_out(self, told, write, jug):
        write(JUGFILE.partition("after(slow")[0] + "fails(100), slow(100)\n", "other.py")
        assert jug("execute", "--keep-going", "other.py")[0] == 1

        assert by_call(told("log", "--short")) == LOG
        assert told("failures", status=1) == FAILURES
        assert told("timings") == TIMINGS
        assert told("log", "--short", "other.py") == (
            "TIME  failed  TOOK  HOST:PID  other.fails(100): ValueError: no luck with 100\n"
            "TIME  finished  TOOK  HOST:PID  other.slow(100)\n"
        )
        assert "1 task failed." in told("failures", "--short", "other.py", status=1)

    @pytest.mark.slow
    def test_runs_of_tasks_that_are_made_no_more_are_told(self, told, write):
        write(JUGFILE.partition("after(slow")[0] + "slow(1)\n")

        assert "jugfile.fails(6): ValueError: no luck with 6" in told("log")
        assert "jugfile.flaky(6): OSError: not yet" in told("log")
        assert told("failures") == "No task has failed.\n"
        assert "jugfile.after" not in told("timings")
