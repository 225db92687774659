"""Print how long it takes to make and hash tasks with one int argument."""

import os
import time

from jug import Task


def same(number):
    return number


count = int(os.environ["BENCHMARK_TASKS"])
began, began_cpu = time.perf_counter(), time.process_time()
tasks = [Task(same, number) for number in range(count)]
hashes = {task.hash() for task in tasks}
print(time.perf_counter() - began, time.process_time() - began_cpu)
if len(hashes) != count:
    raise SystemExit(f"{count} tasks have {len(hashes)} hashes")
