"""Layers of a hundred tasks, each of which needs two of the layer before: a jugfile."""

import os

from jug import TaskGenerator

WIDTH = 100


@TaskGenerator
def add(left, right):
    return (left + right) % 1_000_003


layer = list(range(WIDTH))
for _ in range(int(os.environ["BENCHMARK_TASKS"]) // WIDTH):
    layer = [add(layer[i], layer[(i + 1) % WIDTH]) for i in range(WIDTH)]
