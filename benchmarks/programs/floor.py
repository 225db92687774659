"""Print how long the bare system calls take that a short task needs where it is locked alone.

A task is taken by a link, which one worker gets, and what others saved meanwhile
is asked for; its result is appended to a file.  The lock is given back behind its
gate: without one, a worker could remove a lock that another has taken over.  The
file is synced once in every second of it.
"""

import os
import sys
import time

count = int(os.environ["BENCHMARK_TASKS"])
folder = sys.argv[1]
os.makedirs(folder)
own = os.path.join(folder, "0123456789abcdef")
locks = [os.path.join(folder, f"{number:040x}") for number in range(count)]
gates = [f"{lock}~0123456789abcdef" for lock in locks]
frame = bytes(160)  # what a small result takes with its record

own_file = os.open(own, os.O_CREAT | os.O_EXCL)
results = os.open(own + ".seg", os.O_CREAT | os.O_EXCL | os.O_WRONLY)
began, began_cpu = time.perf_counter(), time.process_time()
due = began + 1.0
for lock, gate in zip(locks, gates, strict=True):
    os.link(own, lock)
    os.stat(folder)
    os.write(results, frame)
    os.link(own, gate)
    os.fstat(own_file)
    os.unlink(lock)
    os.unlink(gate)
    if time.perf_counter() >= due:
        os.fdatasync(results)
        due = time.perf_counter() + 1.0
os.fdatasync(results)
print(time.perf_counter() - began, time.process_time() - began_cpu)
