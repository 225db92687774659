"""Print how long it takes to store an array inside a dict, and to load it again."""

import os
import sys
import time

import numpy

from jug import Task, set_jugdir

megabytes = int(os.environ["BENCHMARK_MEGABYTES"])


def make(size):
    return {"name": "noise", "array": ARRAY}


ARRAY = numpy.random.default_rng(0).random(megabytes * 1_000_000 // 8)
set_jugdir(sys.argv[1])
task = Task(make, megabytes)
began, began_cpu = time.perf_counter(), time.process_time()
task.run()
task.unload()
loaded = task.value()
print(time.perf_counter() - began, time.process_time() - began_cpu)
if not numpy.array_equal(loaded["array"], ARRAY):
    raise SystemExit("what was loaded is not what was stored")
