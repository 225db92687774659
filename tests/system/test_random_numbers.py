"""Workers of one run draw numbers of their own."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import random, time
import numpy as np
from jug import TaskGenerator, barrier

class Model:
    def __init__(self):
        self.rng = random.Random(1)

unseeded, seeded, mine = np.random.default_rng(), np.random.default_rng(1), random.Random(1)
state, model, many = np.random.RandomState(1), Model(), [random.Random(1)]

@TaskGenerator
def draw(number):
    time.sleep(0.3)
    return [
        float(unseeded.random()), float(seeded.random()), mine.random(), float(state.rand()),
        model.rng.random(), many[0].random(), random.random(), float(np.random.random()),
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
