"""Print how long it takes to read the records of all results in a jugdir at once."""

import sys
import time

from jug.backends.registry import open_store

with open_store(sys.argv[1]) as store:
    store.poll()
    digests = list(store.digests())
    began, began_cpu = time.perf_counter(), time.process_time()
    found = store.records(digests)
    print(time.perf_counter() - began, time.process_time() - began_cpu)
if not all(found):
    raise SystemExit("records are missing")
