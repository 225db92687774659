"""Print how long it takes to hash one large value, which the argument names."""

import sys
import time

import numpy as np

from jug.hash import hash_one, task_digest

MILLION = 10**6


def frame():
    import pandas as pd

    numbers = np.arange(MILLION)
    return pd.DataFrame({"f": numbers / 7, "i": numbers, "s": [f"name {i}" for i in numbers]})


def same(*arguments):
    return arguments


def once(value):
    return lambda: hash_one(value)


def shared(value):
    return lambda: [task_digest("", same, (value, i), {}) for i in range(100)]


WORK = {
    "frame": lambda: once(frame()),
    "lists": lambda: once([[i, i + 1] for i in range(100_000)]),
    "gigabyte": lambda: once(np.arange(125 * MILLION, dtype="f8")),
    "shared": lambda: shared("x" * 8 * MILLION),
}

work = WORK[sys.argv[1]]()
work()  # libraries that are loaded only now
if sys.argv[1] == "shared":
    work = WORK["shared"]()  # another string
began, began_cpu = time.perf_counter(), time.process_time()
work()
print(time.perf_counter() - began, time.process_time() - began_cpu)
