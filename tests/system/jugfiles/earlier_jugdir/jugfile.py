"""A task of each kind whose identity or result names something of jug's own."""

from dataclasses import dataclass
from functools import partial

import numpy as np

import jug
from jug import CachedFunction, CompoundTask, Task, TaskGenerator, Tasklet, bvalue, iteratetask
from jug.errors import TaskError
from jug.io import NoLoad
from jug.mapreduce import currymap, mapreduce, reduce
from jug.records import Record
from jug.task import describe, topological_sort
from jug.unsafe import NoHash
from jug.utils import CustomHash, cached_glob, identity, jug_execute


@dataclass
class Point:
    x: int
    y: float


@TaskGenerator
def double(x):
    return 2 * x


@TaskGenerator
def point(x):
    return Point(x, x / 2)


@TaskGenerator
def arrays(n):
    plain = np.arange(n, dtype="<i4").reshape(2, -1)
    masked = np.ma.masked_array(np.arange(n), mask=np.arange(n) % 2)
    return {"plain": plain, "strided": plain[:, ::2], "masked": masked, "days": plain.astype("M8[D]")}


@TaskGenerator
def large(n):
    return np.zeros(n, dtype="u1")


@TaskGenerator
def generator_of_a_partial():
    return TaskGenerator(partial(max, 2))  # has no name of its own to be pickled by


@TaskGenerator
def own_objects():
    return [jug.value, Record("m.f", start=1.0), TaskError("no", task="t"), describe]


def scaled_by(factor):
    def scaled(x):
        return factor * x

    return scaled


def add(a, b):
    return a + b


def hypotenuse(a, b):
    return Task(pow, Task(sum, [Task(pow, a, 2), Task(pow, b, 2)]), 0.5)


def name_of(task):
    return task.name


doubled = [double(i) for i in range(3)]
total = Task(sum, doubled)
made = point(3)
several = arrays(8)
big = large(140_000)
kept = generator_of_a_partial()
owns = own_objects()
closure = Task(scaled_by(3), 5)
last = Task(abs, Tasklet(doubled, lambda values: values[-1]))
item = Task(abs, doubled[1])
quotient, remainder = iteratetask(Task(divmod, 7, 2), 2)
parts = Task(add, quotient, remainder)
mapped = mapreduce(add, double.f, list(range(10)), map_step=3, reduce_step=2)
curried = currymap(pow, [(2, 3), (3, 2), (2, 2)], map_step=2)
reduced = reduce(max, [3, 1, 4, 1, 5])
compound = CompoundTask(hypotenuse, 3, 4)
same = identity([1, 2, 3])
unhashed = Task(add, 1, NoHash(2))
custom = Task(add, CustomHash(1, lambda one: b"one"), 2)
unloaded = Task(name_of, NoLoad(total))
files = cached_glob("*.nothing")
printed = jug_execute(["true"])
valued = Task(jug.value, [total, 1])
described = Task(describe, [1, 2])
sorted_ = Task(topological_sort, [])
fetched = CachedFunction(add, 20, 22)
after = Task(add, bvalue(total), 1)
