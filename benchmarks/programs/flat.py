"""Tasks that return their argument, and one sum over all of them: a jugfile."""

import os

from jug import TaskGenerator


@TaskGenerator
def same(number):
    return number


@TaskGenerator
def total(numbers):
    return sum(numbers)


total([same(number) for number in range(int(os.environ["BENCHMARK_TASKS"]))])
