"""The work of flat.py with the pool of the standard library, which keeps nothing: one worker."""

import os
from concurrent.futures import ProcessPoolExecutor


def same(number):
    return number


def total(numbers):
    return sum(numbers)


if __name__ == "__main__":
    with ProcessPoolExecutor(1) as pool:
        made = [pool.submit(same, n) for n in range(int(os.environ["BENCHMARK_TASKS"]))]
        pool.submit(total, [one.result() for one in made]).result()
