"""A task of every kind whose hash jug 2.x computed in a way of its own, by a name.

`list_former_hashes.py` prints their hashes under jug 2.x, to be kept in `former_hashes.json`.
"""

import collections
import dataclasses
import datetime
import enum
import functools
import os
import pathlib

import jug
import jug.io
import jug.mapreduce
import jug.task
import jug.utils
import numpy as np
from jug import CompoundTask, Task, TaskGenerator, Tasklet, iteratetask
from jug.hash import hash_one, hash_update, new_hash_object
from jug.utils import CustomHash, identity, timed_path

MAKERS = {}


def row(name, make):
    MAKERS[name] = make


@dataclasses.dataclass
class Point:
    x:int
    name:str='x'
class Obj:
    def __init__(s,n): s.n=n
    def meth(s,y): return y
    @classmethod
    def cm(cls,y): return y
    @staticmethod
    def sm(y): return y
    def __call__(s,y): return y
    class Inner:
        def m2(s): pass
class Own:
    def __jug_hash__(s): return b'own'
NT=collections.namedtuple('NT','a b')
class Color(enum.Enum):
    RED=1
@TaskGenerator
def gen(x, *a, **k): return x
def plain(x, *a, **k): return x
@TaskGenerator
def gen2(x): return x
def mk():
    def inner(x): return x
    return inner
def tmp(x): return gen(x)
row('gen', lambda: gen(1))
row('plain', lambda: Task(plain,1))
row('gen kw', lambda: gen(1,2,k=3))
row('builtin', lambda: Task(sum,[1]))
row('method bound', lambda: Task(Obj(1).meth, 2))
row('method bound2', lambda: Task(Obj(2).meth, 2))
row('classmethod', lambda: Task(Obj.cm, 2))
row('staticmethod', lambda: Task(Obj.sm, 2))
row('unbound', lambda: Task(Obj.meth, Obj(1), 2))
row('nested class method', lambda: Task(Obj.Inner().m2))
row('str method', lambda: Task('a'.upper))
row('class', lambda: Task(Point, 1))
row('np.sum', lambda: Task(np.sum, [1]))
row('np.array', lambda: Task(np.array, 1))
row('os.path.join', lambda: Task(os.path.join, 'a','b'))
row('partial', lambda: Task(functools.partial(plain, 1, k=2), 3, j=4))
row('gen of partial', lambda: TaskGenerator(functools.partial(plain,1))(2))
row('gen of builtin', lambda: TaskGenerator(max)(2,3))
row('gen of method', lambda: TaskGenerator(Obj(1).meth)(2))
row('local', lambda: Task(mk(),1))
row('arg gen', lambda: gen(gen2))
row('arg list gen', lambda: gen([gen2, gen2]))
row('arg plain', lambda: gen(plain))
row('arg method', lambda: gen(Obj(1).meth))
row('arg obj', lambda: gen(Obj(1)))
row('arg obj holding gen', lambda: gen(Obj(gen2)))
row('arg dataclass', lambda: gen(Point(1)))
row('arg dataclass2', lambda: gen(Point(1,'Point')))
row('arg nt', lambda: gen(NT(1,2)))
row('arg enum', lambda: gen(Color.RED))
row('arg own', lambda: gen(Own()))
row('arg path', lambda: gen(pathlib.Path('/a/b')))
row('arg partial', lambda: gen(functools.partial(plain, 1)))
row('arg partial gen', lambda: gen(functools.partial(gen2, 1)))
row('arg class', lambda: gen(Point))
row('arg task', lambda: gen(gen2(1)))
row('arg task list', lambda: gen([gen2(1),gen2(2)]))
row('arg task dict', lambda: gen({'a':gen2(1)}))
row('item', lambda: gen(gen2(1)[0]))
row('item slice', lambda: gen(gen2(1)[1:3]))
row('item item', lambda: gen(gen2(1)[0]['k']))
row('item by task', lambda: gen(gen2(1)[gen2(0)]))
row('item np', lambda: gen(gen2(1)[np.int64(1)]))
row('iteratetask', lambda: gen(iteratetask(gen2(1),2)[1]))
row('return_tuple', lambda: gen(jug.task.return_tuple(2)(gen2)(1)[1]))
row('tasklet plain', lambda: gen(Tasklet(gen2(1), plain)))
row('tasklet gen', lambda: gen(Tasklet(gen2(1), gen2)))
row('tasklet partial', lambda: gen(Tasklet(gen2(1), functools.partial(plain,1))))
row('tasklet lambda', lambda: gen(Tasklet(gen2(1), lambda x: x+1)))
def lam2():
    y=5
    return gen(Tasklet(gen2(1), lambda x, z=3,*,w=[1]: x+y+z+(lambda q:q+1)(2)))
row('tasklet lambda closure', lam2)
row('tasklet method', lambda: gen(Tasklet(gen2(1), Obj(1).meth)))
row('tasklet builtin', lambda: gen(Tasklet(gen2(1), len)))
row('tasklet itself', lambda: Tasklet(gen2(1), len))
row('tasklet of list', lambda: gen(Tasklet([gen2(1),gen2(2)], len)))
row('compound', lambda: CompoundTask(tmp, 1))
row('identity', lambda: identity([1,2]))
row('identity used', lambda: gen(identity([1,2])))
row('timed', lambda: gen(timed_path('data.txt')))
row('timed itself', lambda: timed_path('data.txt'))
row('timed pathlib', lambda: gen(timed_path(pathlib.Path('data.txt'))))
row('noload', lambda: gen(jug.io.NoLoad(gen2(1))))
row('noload of tasklet', lambda: gen(jug.io.NoLoad(gen2(1)[0])))
row('nohash', lambda: gen(__import__('jug.unsafe').unsafe.NoHash(5)))
row('customhash', lambda: gen(CustomHash(5, lambda x: b'hello')))
row('jug_execute', lambda: jug.utils.jug_execute(['true'], check_exit=False))
row('jug_execute after', lambda: jug.utils.jug_execute(['true'], run_after=gen2(1), return_value=3))
row('glob', lambda: Task(jug.utils.glob_sort, '*.x'))
row('map access', lambda: gen(jug.mapreduce.map(plain, list(range(10)))))
row('map gen', lambda: gen(jug.mapreduce.map(gen2, list(range(10)))))
row('map slice', lambda: gen(jug.mapreduce.map(gen2, list(range(10)))[2:7]))
row('map slice step', lambda: gen(jug.mapreduce.map(gen2, list(range(10)))[::3]))
row('map slice neg', lambda: gen(jug.mapreduce.map(gen2, list(range(10)))[-3:]))
row('map slice negstep', lambda: gen(jug.mapreduce.map(gen2, list(range(10)))[::-1]))
row('map slice slice', lambda: gen(jug.mapreduce.map(gen2, list(range(10)))[2:8][1:3]))
row('map slice item', lambda: gen(jug.mapreduce.map(gen2, list(range(10)))[2:8][1]))
row('map item', lambda: gen(jug.mapreduce.map(gen2, list(range(10)))[5]))
row('map item neg', lambda: gen(jug.mapreduce.map(gen2, list(range(10)))[-1]))
row('map short', lambda: gen(jug.mapreduce.map(gen2, [1,2])))
row('map range', lambda: gen(jug.mapreduce.map(gen2, range(10))))
row('map tuple', lambda: gen(jug.mapreduce.map(gen2, tuple(range(10)))))
row('map np', lambda: gen(jug.mapreduce.map(gen2, np.arange(10))))
row('map1', lambda: gen(jug.mapreduce.map(gen2, list(range(3)), map_step=1)))
row('map partial', lambda: gen(jug.mapreduce.map(functools.partial(plain,1), list(range(3)))))
row('map tasks', lambda: gen(jug.mapreduce.map(gen2, [gen2(i) for i in range(6)])))
row('map of map', lambda: gen(jug.mapreduce.map(gen2, jug.mapreduce.map(gen2, list(range(10))))))
row('currymap', lambda: gen(jug.mapreduce.currymap(plain, [(i,i) for i in range(6)])))
row('currymap gen', lambda: gen(jug.mapreduce.currymap(gen2, [(i,) for i in range(6)])))
row('currymap1', lambda: gen(jug.mapreduce.currymap(gen2, [(i,) for i in range(6)], map_step=1)))
row('mapreduce', lambda: jug.mapreduce.mapreduce(plain, gen2, list(range(60))))
row('mapreduce np', lambda: jug.mapreduce.mapreduce(plain, gen2, np.arange(60)))
row('mapreduce range', lambda: jug.mapreduce.mapreduce(plain, gen2, range(60)))
row('mapreduce gen', lambda: jug.mapreduce.mapreduce(gen, gen2, list(range(60)), map_step=2, reduce_step=3))
row('mapreduce short', lambda: jug.mapreduce.mapreduce(gen, gen2, list(range(3))))
row('mapreduce empty', lambda: jug.mapreduce.mapreduce(gen, gen2, []))
row('reduce', lambda: jug.mapreduce.reduce(gen, list(range(60))))
row('reduce short', lambda: jug.mapreduce.reduce(gen, list(range(2))))
row('reduce empty', lambda: jug.mapreduce.reduce(gen, []))
row('reduce tasks', lambda: jug.mapreduce.reduce(gen, [gen2(i) for i in range(60)]))
row('reduce map', lambda: jug.mapreduce.reduce(gen, jug.mapreduce.map(gen2, list(range(60)))))
row('write_task_out', lambda: jug.io.write_task_out(gen2(1), 'o'))
row('write_task_out meta', lambda: jug.io.write_task_out(gen2(1), 'o', metadata_fname='m', metadata_format='json'))
row('write_task_out path', lambda: jug.io.write_task_out(gen2(1), pathlib.Path('o')))
row('write_metadata', lambda: jug.io.write_metadata(gen2(1), 'm'))
def named():
    t=gen(1); t.name='special'; return t
row('named', named)
row('arg frozenset', lambda: gen(frozenset([1])))
row('arg float64', lambda: gen(np.float64(1.5)))
row('arg defaultdict', lambda: gen(collections.defaultdict(list,{'a':[1]})))
row('arg str dup', lambda: gen(['ab','ab']))
row('arg ma', lambda: gen(np.ma.array([1,2],mask=[0,1])))
row('arg matrix', lambda: gen(np.asmatrix([[1,2]])))
row('arg rec', lambda: gen(np.rec.array([(1,2.)],dtype=[('a','i4'),('b','f8')])))
row('arg Ellipsis', lambda: gen(...))
class Documented:
    def __jug_hash__(self):
        state = new_hash_object()
        hash_update(state, [("type", "Documented"), ("items", [1, {"a": 2}])])
        return state.hexdigest().encode()
row('arg own by hash_update', lambda: gen(Documented()))
row('arg custom by hash_one', lambda: gen(CustomHash([1, 2], hash_one)))
row('arg date', lambda: gen(datetime.date(2020, 1, 2)))
row('reduce of six', lambda: jug.mapreduce.reduce(gen, list(range(6))))
row('reduce of six tasks', lambda: jug.mapreduce.reduce(gen, [gen2(i) for i in range(6)]))
row('reduce of fourteen by sixteen', lambda: jug.mapreduce.reduce(gen, list(range(14)), reduce_step=16))
row('reduce by three', lambda: jug.mapreduce.reduce(gen, list(range(40)), reduce_step=3))
row('compound generator as mapper', lambda: gen(jug.mapreduce.map(gen, [[1], [2]])))
row('map slice of all', lambda: gen(jug.mapreduce.map(gen2, list(range(10)))[:]))
row('mapreduce of a short map', lambda: jug.mapreduce.mapreduce(gen, gen2, jug.mapreduce.map(gen2, [1, 2])))
row('reduce of a short map', lambda: jug.mapreduce.reduce(gen, jug.mapreduce.map(gen2, list(range(6)))))
