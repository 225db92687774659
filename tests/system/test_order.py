"""Tasks begin in the order in which the jugfile makes them, near enough to lean on."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.clock

PROGRAM = """
import os, time
from jug import TaskGenerator

@TaskGenerator
def work(number):
    with open("journal", "a") as journal:
        journal.write(f"begin {number}\\n")
    time.sleep(0.002 * (number % 7))
    with open(f"part{number}", "w") as part:
        part.write(str(number))

@TaskGenerator
def merge(numbers):
    return sum(os.path.exists(f"part{number}") for number in numbers)

for number in range(300):
    work(number)
merge(list(range(200)))
"""


def begun() -> list[int]:
    lines = Path("journal").read_text().splitlines()
    return [int(line.split()[1]) for line in lines]


def most_passed_over(order: list[int]) -> int:
    """Return how many tasks before one were not begun when it began, at the most."""
    there = set[int]()
    most = 0
    for number in order:
        most = max(most, sum(before not in there for before in range(number)))
        there.add(number)
    return most


def execute(*options: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "jug", "execute", *options])


def test_one_worker_begins_tasks_in_the_order_of_the_jugfile(write) -> None:
    write(PROGRAM.replace("0.002", "0"))

    assert execute().wait(60) == 0
    assert begun() == list(range(300))


@pytest.mark.slow
@pytest.mark.parametrize("commands", [1, 4])
def test_no_task_begins_while_more_than_twice_the_workers_before_it_are_free(
    write, commands: int
) -> None:
    write(PROGRAM)

    running = [execute("-j", str(4 // commands)) for _ in range(commands)]

    assert [command.wait(100) for command in running] == [0] * commands
    order = begun()
    assert sorted(order) == list(range(300))
    assert most_passed_over(order) <= 2 * 4 + 4  # free ones, and those that others just took


@pytest.mark.slow
@pytest.mark.parametrize("jobs", ["1", "4"])
def test_what_merges_files_of_earlier_tasks_finds_them(write, jobs: str) -> None:
    write(PROGRAM)

    assert execute("-j", jobs).wait(100) == 0

    assert b"merge" in subprocess.check_output([sys.executable, "-m", "jug", "status"])
    said = subprocess.check_output(
        [sys.executable, "-c", "import jug\n_, names = jug.init('jugfile.py')\n"
         "from jug.task import alltasks\nprint(jug.value(alltasks[-1]))"]
    )  # fmt: skip
    assert said == b"200\n"


@pytest.mark.slow
def test_workers_that_stay_when_others_leave_go_on_in_order(write, journal, launch, wait_for):
    write(
        "import time\nfrom jug import TaskGenerator\nfrom journal import log\n"
        "@TaskGenerator\ndef work(i):\n    log(i)\n    time.sleep(0.02)\n    return i\n"
        "[work(i) for i in range(1200)]\n"
    )
    commands = [launch("-m", "jug", "execute") for _ in range(6)]
    wait_for(lambda: len(journal()) >= 60)
    for command in commands[2:]:
        command.terminate()
    for command in commands[2:]:
        command.wait(20)
    time.sleep(1)  # twice as long as it may take that they are noticed
    gone = len(journal())
    for command in commands[:2]:
        assert command.wait(60) == 0

    begun = [int(number) for (number,) in journal()]
    assert gone < 1000
    before = set(begun[:gone])
    for number in begun[gone:]:
        assert len(set(range(number)) - before) <= 4
        before.add(number)


def test_dependencies_that_were_added_after_their_dependant_begin_in_their_order(
    write, journal, jug
):
    write(
        "from jug import TaskGenerator\nfrom journal import log\n"
        "@TaskGenerator\ndef part(i):\n    log(i)\n    return i\n"
        "@TaskGenerator\ndef use(parts):\n    return len(parts)\n"
        "parts = []\nuse(parts)\nparts += [part(i) for i in range(5)]\n"
    )

    assert jug("execute")[0] == 0

    assert [int(number) for (number,) in journal()] == [0, 1, 2, 3, 4]
