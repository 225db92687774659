"""The work of flat.py with dask, which keeps nothing, in this very process."""

import os

from dask import delayed


@delayed
def same(number):
    return number


@delayed
def total(numbers):
    return sum(numbers)


numbers = [same(number) for number in range(int(os.environ["BENCHMARK_TASKS"]))]
total(numbers).compute(scheduler="sync")
