"""One task of every kind, as people wrote them for jug 2.7.0.

What that release computed is beside this file: the value of each name in
`expected-values.pickle`, name and digest (in its scheme) of each task in `expected-tasks.json`.
"""
import numpy as np
from jug import (CompoundTaskGenerator, Task, TaskGenerator, Tasklet, barrier, bvalue,
                 iteratetask, value)
from jug.io import NoLoad
from jug.mapreduce import map as jug_map, mapreduce, reduce as jug_reduce
from jug.task import return_tuple
from jug.unsafe import NoHash
from jug.utils import CustomHash, identity


@TaskGenerator
def nothing(i):
    return None


@TaskGenerator
def text(i):
    return 'jug ' * i


@TaskGenerator
def vector(n, dtype='f8'):
    return np.arange(n).astype(dtype)


@TaskGenerator
def fortran(n):
    return np.asfortranarray(np.arange(n * n).reshape(n, n))


@TaskGenerator
def objects():
    return np.array([1, 'a', None, [2]], dtype=object)


@TaskGenerator
def structured():
    return np.array([(1, 2.5, b'x')], dtype=[('i', 'i4'), ('f', 'f8'), ('s', 'S3')])


@TaskGenerator
def bundle(x, *, key='k'):
    return {key: x, 'shape': np.shape(x), 'deep': [({'a': (1, None)},)]}


@TaskGenerator
def pair(x):
    return x, x + 1


@return_tuple(2)
@TaskGenerator
def split(x):
    return x // 2, x % 2


@TaskGenerator
def total(*xs, scale=1):
    return sum(np.sum(x) for x in xs) * scale


def double(x):
    return 2 * x


def add(a, b):
    return a + b


@TaskGenerator
def seen(x):
    return type(x).__name__


@TaskGenerator
def half(x):
    return x / 2


@CompoundTaskGenerator
def quarter(x):
    return half(half(x))


def constant_hash(obj):
    return b'constant'


n = nothing(0)
ts = [text(i) for i in range(0, 2000, 400)]
v = vector(1000)
small = vector(5, dtype='i2')
f = fortran(40)
o = objects()
s = structured()
b = bundle(v, key='vector')
p = pair(10)
p0, p1 = iteratetask(p, 2)
q, r = split(7)
everything = total(v, small, f, scale=2)
item = total(b['vector'], p0, p1, q, r)
lam = total(Tasklet(v, double))
mapped = jug_map(double, list(range(20)), map_step=3)
reduced = jug_reduce(add, list(range(20)), reduce_step=4)
mr = mapreduce(add, double, list(range(50)), map_step=5, reduce_step=3)
total_mapped = Task(sum, mapped)
kept = seen(NoLoad(text(3)))
unhashed = total(NoHash(4))
custom = seen(CustomHash([1, 2], constant_hash))
big = identity(list(range(1000)))
big_total = total(big)
fourth = quarter(100)
barrier()
after = total(*[x for x in range(int(value(p0)))])
more = bvalue(after)
last = total(more, 1)
