"""The work of flat.py with executorlib, which keeps results in a folder: one worker."""

import os
import sys

from executorlib import SingleNodeExecutor


def same(number):
    return number


def total(numbers):
    return sum(numbers)


if __name__ == "__main__":
    with SingleNodeExecutor(
        max_workers=1, cache_directory=sys.argv[1], block_allocation=True
    ) as executor:
        made = [executor.submit(same, n) for n in range(int(os.environ["BENCHMARK_TASKS"]))]
        executor.submit(total, made).result()
