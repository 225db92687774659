"""Print how long joblib takes to hash as many calls as making.py makes."""

import os
import time

from joblib import hash

count = int(os.environ["BENCHMARK_TASKS"])
began, began_cpu = time.perf_counter(), time.process_time()
hashes = {hash({"number": number}) for number in range(count)}
print(time.perf_counter() - began, time.process_time() - began_cpu)
if len(hashes) != count:
    raise SystemExit(f"{count} calls have {len(hashes)} hashes")
