"""The work of flat.py with joblib.Memory."""

import os
import sys

from joblib import Memory

memory = Memory(sys.argv[1], verbose=0)


@memory.cache
def same(number):
    return number


@memory.cache
def total(numbers):
    return sum(numbers)


total([same(number) for number in range(int(os.environ["BENCHMARK_TASKS"]))])
