"""Arguments and tasks of the kinds that a project of some years has; each name ends in a value.

It is run by jug 2.x and then read by this jug, so it is written for both.
"""

import dataclasses
import os
import pathlib

import numpy as np
import pandas as pd

from jug import CachedFunction, CompoundTask, Task, TaskGenerator, barrier, bvalue, value
from jug.mapreduce import currymap, map as jug_map, mapreduce, reduce
from jug.utils import cached_glob, identity, jug_execute, timed_path


@dataclasses.dataclass
class Setting:
    rate: float
    label: str


class Model:
    def __init__(self, scale):
        self.scale = scale

    def predict(self, x):
        return self.scale * x


@TaskGenerator
def rate_of(setting):
    return setting.rate * 2


@TaskGenerator
def made(rate):
    return Setting(rate, "made")


@TaskGenerator
def name_of(path):
    return pathlib.Path(path).name


@TaskGenerator
def frame_sum(frame):
    return float(frame["b"].sum())


@TaskGenerator
def frame_of(n):
    return pd.DataFrame({"a": np.arange(n), "b": np.arange(n) / 2})


@TaskGenerator
def size_of(path):
    return os.stat(path).st_size


@TaskGenerator
def scaled(xs, by=1):
    return xs * by


@TaskGenerator
def add(a, b):
    return a + b


@TaskGenerator
def double(x):
    return 2 * x


def count_to(n):
    return list(range(n))


def outer(n):
    return add(double(n), double(n + 1))


rated = rate_of(Setting(0.5, "first"))
setting = made(rated)
named = name_of(pathlib.Path("data") / "first.txt")
summed = frame_sum(pd.DataFrame({"a": [1, 2], "b": [1.5, 2.5]}))
frame = frame_of(2000)
frame_total = frame_sum(frame)
predicted = Task(Model(3).predict, 4)
sized = size_of(timed_path("data.txt"))
compound = CompoundTask(outer, 5)
numbers = CachedFunction(count_to, 6)
doubled = [double(n) for n in numbers]
files = cached_glob("data*")
arrays = scaled(np.arange(2000.0), by=np.float64(2.5))
mapped = jug_map(double, list(range(10)), map_step=3)
mapped_total = Task(sum, mapped)
curried = currymap(pow, [(n, 2) for n in range(5)])
reduced = reduce(add, list(range(30)))
both = mapreduce(add, double, list(range(50)))
same = add(identity([1, 2, 3]), [4])
executed = jug_execute(["true"], return_value="done")
barrier()
few = [double(x) for x in value(doubled)[:3]]
more = double(bvalue(both))
