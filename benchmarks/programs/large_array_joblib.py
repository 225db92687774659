"""The work of large_array.py with joblib.Memory."""

import os
import sys
import time

import numpy
from joblib import Memory

megabytes = int(os.environ["BENCHMARK_MEGABYTES"])
memory = Memory(sys.argv[1], verbose=0)


@memory.cache
def make(size):
    return {"name": "noise", "array": ARRAY}


ARRAY = numpy.random.default_rng(0).random(megabytes * 1_000_000 // 8)
began, began_cpu = time.perf_counter(), time.process_time()
make(megabytes)
loaded = make(megabytes)
print(time.perf_counter() - began, time.process_time() - began_cpu)
if not numpy.array_equal(loaded["array"], ARRAY):
    raise SystemExit("what was loaded is not what was stored")
