"""Workers that start, join and leave at any time, on the primes example."""

from __future__ import annotations

import re
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "primes.py"

LOG = '''
def log(*words):
    """Add a line, whole: appends to one file by several processes do not mix."""
    with open("log", "a") as file:
        file.write(" ".join(map(str, words)) + "\\n")

'''


def write_primes(seconds: float) -> None:
    """Write the example with a shorter sleep, and a line in a log for each call."""
    text = EXAMPLE.read_text()
    text, sleeps = re.subn(r"sleep\(1(\.0)?\)", f"sleep({seconds})", text)
    text, calls = re.subn(
        r"^def (\w+)\((\w+).*\).*:\n",
        r"\g<0>    log('\1', \2 if isinstance(\2, int) else len(\2), os.getpid())\n",
        text,
        flags=re.MULTILINE,
    )
    assert (sleeps, calls) == (1, 3)
    head, at, rest = text.partition("@TaskGenerator")
    Path("primes.py").write_text(f"{head}import os\n{LOG}{at}{rest}")


def calls() -> list[list[str]]:
    path = Path("log")
    return [line.split() for line in path.read_text().splitlines()] if path.exists() else []


def wait_for_calls(count: int) -> None:
    end = time.monotonic() + 30
    while len(calls()) < count:
        assert time.monotonic() < end, "the workers do not get on"
        time.sleep(0.005)


def check_each_ran_once() -> None:
    lines = calls()
    assert len(lines) == 101
    assert Counter(name for name, *_ in lines) == {
        "is_prime": 99,
        "count_primes": 1,
        "write_output": 1,
    }
    assert len({tuple(words[:2]) for words in lines}) == 101


@pytest.mark.parametrize(
    "repetitions", [2, pytest.param(20, marks=[pytest.mark.slow, pytest.mark.timeout(600)])]
)
def test_four_workers_at_once_run_each_task_once(folder, start, repetitions):
    write_primes(0.01)

    for repetition in range(repetitions):
        Path("log").write_text("")
        workers = [start("execute", "--jugdir", f"run{repetition}", "primes.py") for _ in range(4)]

        assert [worker.wait(60) for worker in workers] == [0] * 4
        check_each_ran_once()


@pytest.mark.slow
@pytest.mark.clock
def test_a_worker_that_joins_takes_a_share_and_one_may_leave(folder, start):
    write_primes(0.05)
    stays = start("execute", "primes.py")
    leaves = start("execute", "primes.py")
    wait_for_calls(30)
    joins = start("execute", "primes.py")
    wait_for_calls(50)

    leaves.send_signal(signal.SIGTERM)
    statuses = [worker.wait(60) for worker in (stays, leaves, joins)]

    assert statuses == [0, 130, 0]
    shares = Counter(words[-1] for words in calls())
    assert len(shares) == 3
    assert all(share >= 5 for share in shares.values())
    results = {tuple(words[:2]) for words in calls()}
    interrupted = len(calls()) - len(results)
    assert len(results) == 101
    assert interrupted <= 1  # the task that the leaving worker gave back
