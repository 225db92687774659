"""Tasks that return their argument, with a barrier after every thousand of them: a jugfile."""

import os

from jug import TaskGenerator, barrier


@TaskGenerator
def same(number):
    return number


for first in range(0, int(os.environ["BENCHMARK_TASKS"]), 1000):
    for number in range(first, first + 1000):
        same(number)
    barrier()
