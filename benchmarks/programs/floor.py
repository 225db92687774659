"""Print how long the bare system calls take that short tasks cannot do without.

A task is taken by a link, which one worker gets; its result is appended to a
file; the link is removed.  The file is synced once in every second of it.
"""

import os
import sys
import time

count = int(os.environ["BENCHMARK_TASKS"])
folder = sys.argv[1]
os.makedirs(folder)
own = os.path.join(folder, "0123456789abcdef")
names = [os.path.join(folder, f"{number:040x}") for number in range(count)]
frame = bytes(160)  # what a small result takes with its record

os.close(os.open(own, os.O_CREAT | os.O_EXCL))
results = os.open(own + ".seg", os.O_CREAT | os.O_EXCL | os.O_WRONLY)
began, began_cpu = time.perf_counter(), time.process_time()
due = began + 1.0
for name in names:
    os.link(own, name)
    os.write(results, frame)
    os.unlink(name)
    if time.perf_counter() >= due:
        os.fdatasync(results)
        due = time.perf_counter() + 1.0
os.fdatasync(results)
print(time.perf_counter() - began, time.process_time() - began_cpu)
