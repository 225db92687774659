"""Tasks of 10 ms that sleep: a jugfile."""

import os
import time

from jug import TaskGenerator


@TaskGenerator
def sleep(number):
    time.sleep(0.01)


for number in range(int(os.environ["BENCHMARK_TASKS"])):
    sleep(number)
