"""Workers do not idle while there is something that they could run."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.clock

HEAD = """
import os, time
from jug import TaskGenerator
from journal import log

@TaskGenerator
def work(seconds, name, needed=None):
    log(time.time(), name, os.getpid())
    time.sleep(seconds)
    log(time.time(), name, os.getpid())
    return name
"""

FAN = (
    HEAD
    + """
last = None
for i in range(5):
    last = work(0.2, f"chain{i}", last)
for i in range(20):
    work(0.2, f"fan{i}", last)
"""
)

PIPELINE = (
    HEAD
    + """
stage = None
for number in range(3):
    stage = [work(1.0, f"stage{number}-{i}", stage) for i in range(4)]
"""
)


@pytest.mark.slow
@pytest.mark.parametrize("commands", [[("-j", "2")], [(), ()]], ids=["one command", "two commands"])
@pytest.mark.parametrize(
    ("program", "ideal", "tolerance"),
    [(FAN, 3.0, 1.15), (PIPELINE, 6.0, 1.1)],
    ids=["a chain, then a fan-out", "stages"],
)
def test_two_workers_take_hardly_longer_than_is_possible(
    write, journal, start, program, ideal, tolerance, commands
):
    write(program)

    processes = [start("execute", *options) for options in commands]
    endings = [(process.wait(60), process.stderr.read()) for process in processes]

    assert endings == [(0, "")] * len(commands)
    times = [float(words[0]) for words in journal()]
    assert len({words[2] for words in journal()}) == 2
    assert max(times) - min(times) < tolerance * ideal
