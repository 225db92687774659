"""Five tasks of 0.2 s one after another, then twenty at once: ideally 3 s for two workers."""

import time

from jug import TaskGenerator


@TaskGenerator
def step(*before):
    time.sleep(0.2)


last = step()
for _ in range(4):
    last = step(last)
ends = [step(last, number) for number in range(20)]
