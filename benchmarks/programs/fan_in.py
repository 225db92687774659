"""Tasks that are given 1,000 others each, of which there are no more: a jugfile."""

import os

from jug import TaskGenerator


@TaskGenerator
def same(number):
    return number


@TaskGenerator
def count(numbers, salt):
    return len(numbers)


numbers = [same(number) for number in range(1000)]
for salt in range(int(os.environ["BENCHMARK_TASKS"])):
    count(numbers, salt)
