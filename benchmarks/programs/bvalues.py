"""A loop of tasks, each made with the value of the one before: a jugfile."""

import os

from jug import TaskGenerator, bvalue


@TaskGenerator
def next_of(number):
    return number + 1


number = 0
for _ in range(int(os.environ["BENCHMARK_TASKS"])):
    number = bvalue(next_of(number))
