"""Workers of one run draw numbers of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import random, time
import numpy as np
from jug import TaskGenerator, barrier

class Model:
    def __init__(self):
        self.rng = random.Random(1)

class Strict(random.Random):
    def seed(self, seed):  # which it must be given
        super().seed(seed)

strict = Strict(1)
unseeded, seeded, mine = np.random.default_rng(), np.random.default_rng(1), random.Random(1)
state, model, many = np.random.RandomState(1), Model(), [random.Random(1)]

@TaskGenerator
def draw(number):
    time.sleep(0.3)
    return [
        float(unseeded.random()), float(seeded.random()), mine.random(), float(state.rand()),
        model.rng.random(), many[0].random(), random.random(), float(np.random.random()),
        strict.random(),
    ]

first = [draw(number) for number in range(4)]
barrier()
drawn = first + [draw(number) for number in range(4, 8)]
"""


@pytest.mark.slow
def test_generators_of_the_jugfile_give_each_worker_other_numbers(write) -> None:
    write(PROGRAM)

    subprocess.run([sys.executable, "-m", "jug", "execute", "-j", "2"], check=True, timeout=60)

    drawn = subprocess.check_output(
        [sys.executable, "-c",
         "import jug\n_, names = jug.init('jugfile.py')\nprint(jug.value(names['drawn']))"],
    )  # fmt: skip
    for numbers in zip(*eval(drawn), strict=True):
        assert len(set(numbers)) == 8


BY_TWO = """
import random
from pathlib import Path
from jug import TaskGenerator, run
from journal import wait_for_file

many = [random.Random(1)]

@TaskGenerator
def draw(mine, others):
    Path(mine).touch()
    wait_for_file(others)
    return many[0].random()

def draw_both():
    drawn = run([draw("a", "b"), draw("b", "a")], workers=2)
    Path("drawn").write_text(repr(drawn))

TaskGenerator(draw_both)()
"""

IN_THE_SHELL = """
from jug.cli import main, shell

shell.interact = lambda names, greeting: names["draw_both"]()
main(["shell", "jugfile.py"])
"""


@pytest.mark.slow
@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "words", [("-c", IN_THE_SHELL), ("-m", "jug", "rerun", "draw_both", "jugfile.py")]
)
def test_so_do_workers_of_a_run_by_who_has_read_the_jugfile_to_look(
    write, journal, launch, words
) -> None:
    write(BY_TWO)

    process = launch(*words)

    told = process.communicate(timeout=50)
    assert process.returncode == 0, told
    first, second = eval(Path("drawn").read_text())
    assert first != second
