"""Tasks that return their argument and have nothing to do with each other: a jugfile."""

import os

from jug import TaskGenerator


@TaskGenerator
def same(number):
    return number


for number in range(int(os.environ["BENCHMARK_TASKS"])):
    same(number)
