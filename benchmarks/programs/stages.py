"""Three stages of four tasks of 1 s, each needing all of the last: ideally 6 s for two workers."""

import time

from jug import TaskGenerator


@TaskGenerator
def part(stage, number, before):
    time.sleep(1)


before = []
for stage in range(3):
    before = [part(stage, number, before) for number in range(4)]
