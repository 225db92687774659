"""Print how long it takes to read the values of all tasks of flat.py in a new process.

They are read one by one, or with `together` as one list.
"""

import sys
import time
from pathlib import Path

import jug

store, names = jug.init(Path(__file__).with_name("flat.py"), sys.argv[1])
tasks = [task for task in jug.task.alltasks if task.name.endswith("same")]
store.poll()
hashes = [task.hash() for task in tasks]
began, began_cpu = time.perf_counter(), time.process_time()
values = jug.value(tasks) if sys.argv[2:] == ["together"] else [task.value() for task in tasks]
print(time.perf_counter() - began, time.process_time() - began_cpu)
if values != [*range(len(hashes))]:
    raise SystemExit("values are missing")
