"""The hash that jug 2.x gave a task: 40 hex digits, by which its result is found.

jug 2.x fed pairs of a label and an element into a SHA-1: of each pair the pickled label,
and then

    what has __jug_hash__     what that returns
    list, tuple               its type, and a pair of number and item for each item
    set, frozenset            the same, of the sorted hashes of its items
    dict                      a pair of the key's hash and the value, sorted by that hash
    numpy.ndarray             type, shape and memory; of objects, pairs as of a list
    anything else             its pickle

The frames have no ends: `[[1], 2]` and `[[1, 2]]` are not told apart everywhere.  So two
tasks may have had one hash, and one result.

What jug itself puts into arguments is not today what it was then; each of these has its
own former encoding here.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from hashlib import sha1
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from jug.adopt.own_hashes import asked_by
from jug.adopt.pickling import PROTOCOL, part_of_tuple, pickled
from jug.adopt.versions import NEWEST, Dialect, Way
from jug.io import NoLoad
from jug.mapreduce import MAP_STEP, Mapped, _jug_map, _jug_map_curry, _jug_map_reduce
from jug.task import Task, TaskGenerator, Tasklet
from jug.task.arguments import ATOMS, dependencies_first
from jug.task.tasklet import Item, Part
from jug.utils import TimedPath

if TYPE_CHECKING:
    from hashlib import _Hash

Pairs = Iterable[tuple[Any, Any]]


class Hashed(NamedTuple):
    """The hash of a task in one dialect."""

    hash: bytes | None
    """None if jug 2.x could not hash it, and so never had a result of it."""
    met: frozenset[Way]
    """The ways that concern it; all dialects that agree in them give it this hash."""


class _Unknown(Exception):
    """Raised for what jug 2.x could not hash."""


class _Kept(NamedTuple):
    """What is known of a task, which stays alive, so that no other gets its id."""

    task: Task[Any]
    hashed: Hashed


class FormerHashes:
    """The hashes that jug 2.x gave, in one dialect; each task's is computed once."""

    def __init__(self, dialect: Dialect = NEWEST) -> None:
        self.dialect = dialect
        self._known: dict[int, _Kept] = {}
        """By the ids of tasks: some that are one task today were two."""
        self._met: set[Way] = set()
        self._feeders: dict[type, Callable[[_Hash, Any], None]] = {}

    def of_task(self, task: Task[Any]) -> Hashed:
        """Return a task's hash."""
        known = self._known
        if id(task) not in known:
            outer, self._met = self._met, set()
            for one, _ in dependencies_first([task], _needed, id, known):
                known[id(one)] = _Kept(one, self._hashed(one))
            self._met = outer
        return known[id(task)].hashed

    def forget(self) -> None:
        """Forget all tasks: the jugfile is read again, and makes others."""
        self._known.clear()

    def of_value(self, value: Any) -> bytes:
        """Return what `hash_one` of jug 2.x gave.

        >>> FormerHashes().of_value([1])
        b'4e8b1050576a2f47d890edc1ffb61f7caa7e2835'
        """
        return self._digest(sha1(), [("hash1", value)])

    def update(self, state: _Hash, pairs: Pairs) -> None:
        """Feed labels and elements into a SHA-1, as `hash_update` of jug 2.x did."""
        for label, element in pairs:
            state.update(_label(label) if type(label) in _LABELS else _pickled(label))
            self._feed(state, element)

    def _hashed(self, task: Task[Any]) -> Hashed:
        """Compute a task's hash, given those of all that it depends on."""
        self._met = set()
        call = _call(task)
        try:
            hash: bytes | None = self._hash_of(call)
        except _Unknown:
            hash = None
        return Hashed(hash, frozenset(self._met))

    def _hash_of(self, call: Task[Any]) -> bytes:
        if call.f is _jug_map_reduce and call.args[1] is None and len(call.args[2]) > MAP_STEP:
            return self._reduction(call.args[0], call.args[2])
        return self._call_hash(_name(call), self._arguments(call), call.kwargs)

    def _call_hash(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bytes:
        pairs = [("name", name.encode()), ("args", args), ("kwargs", kwargs)]
        return self._digest(sha1(), pairs)

    def _reduction(self, reducer: Any, inputs: Any) -> bytes:
        """Return the hash of a reduction of few inputs, which was of several tasks in jug 2.x."""
        blocks = (inputs[start : start + MAP_STEP] for start in range(0, len(inputs), MAP_STEP))
        parts = [
            _Known(self._call_hash("jug.mapreduce._jug_map_reduce", (reducer, None, block), {}))
            for block in blocks
        ]
        return self._call_hash("jug.mapreduce._jug_reduce", (reducer, parts), {})

    def _arguments(self, call: Task[Any]) -> tuple[Any, ...]:
        """Return the arguments, those of `map` and `currymap` as jug 2.x had them."""
        if call.f is not _jug_map and call.f is not _jug_map_curry:
            return call.args
        mapper, inputs = call.args
        if isinstance(mapper, TaskGenerator):
            mapper = _Known(self.of_value(mapper))
        if call.f is _jug_map_curry:
            self._met.add(Way.CURRIED_LISTS)
            if Way.CURRIED_LISTS in self.dialect:
                inputs = [*map(list, inputs)]
        return mapper, inputs

    def _digest(self, state: _Hash, pairs: Pairs) -> bytes:
        self.update(state, pairs)
        return state.hexdigest().encode()

    # Elements

    def _feed(self, state: _Hash, element: Any) -> None:
        kind = type(element)
        if kind in ATOMS:
            state.update(pickle.dumps(element, PROTOCOL))
            return
        feeder = self._feeders.get(kind)
        if feeder is None:
            feeder = self._feeders[kind] = self._feeder(kind)
        feeder(state, element)

    def _feeder(self, kind: type) -> Callable[[_Hash, Any], None]:
        for base, feeder in self._own().items():
            if issubclass(kind, base):
                return feeder
        if hasattr(kind, "__jug_hash__") and not issubclass(kind, type):
            return self._feed_own_hash
        numpy = sys.modules.get("numpy")
        if numpy is not None and kind is numpy.ndarray:
            return self._feed_array
        return self._plain().get(kind, self._feed_pickle)

    def _own(self) -> dict[type, Callable[[_Hash, Any], None]]:
        """Return what feeds the classes of jug itself."""
        return {
            Task: self._feed_task,
            TaskGenerator: self._feed_pickle,
            Tasklet: lambda state, tasklet: state.update(self._tasklet(tasklet)),
            NoLoad: lambda state, it: state.update(self._part(it.t, "NoLoad")),
            Mapped: lambda state, mapped: state.update(self.of_value(self._mapped(mapped))),
            TimedPath: lambda state, it: state.update(
                self.of_value((it.path, int(it.mtime), it.size))
            ),
        }  # fmt: skip

    def _plain(self) -> dict[type, Callable[[_Hash, Any], None]]:
        return {
            list: self._feed_items,
            tuple: self._feed_items,
            dict: self._feed_dict,
            set: self._feed_set,
            frozenset: self._feed_frozenset,
        }

    def _feed_items(self, state: _Hash, items: Any) -> None:
        state.update(b"<class '%s'>" % type(items).__name__.encode())
        self.update(state, enumerate(items))

    def _feed_dict(self, state: _Hash, mapping: dict[Any, Any]) -> None:
        state.update(b"dict")
        pairs = [(self.of_value(key), item) for key, item in mapping.items()]
        self.update(state, sorted(pairs, key=_first))

    def _feed_set(self, state: _Hash, items: Any) -> None:
        state.update(type(items).__name__.encode())
        self.update(state, enumerate(sorted(map(self.of_value, items))))

    def _feed_frozenset(self, state: _Hash, items: frozenset[Any]) -> None:
        self._met.add(Way.PICKLED_FROZENSETS)
        if Way.PICKLED_FROZENSETS in self.dialect:
            self._feed_pickle(state, items)
        else:
            self._feed_set(state, items)

    def _feed_array(self, state: _Hash, array: Any) -> None:
        state.update(b"np.ndarray")
        state.update(pickle.dumps(array.dtype, PROTOCOL))
        state.update(pickle.dumps(array.shape, PROTOCOL))
        if array.dtype.hasobject:
            self.update(state, enumerate(array.flatten().tolist()))
            return
        try:
            memoryview(array)
        except ValueError:  # dates: numpy shows nobody their memory
            raise _Unknown from None
        state.update(array.flatten())

    def _feed_own_hash(self, state: _Hash, element: Any) -> None:
        with asked_by(self):
            state.update(element.__jug_hash__())

    def _feed_pickle(self, state: _Hash, element: Any) -> None:
        try:
            state.update(pickled(element, self.dialect, self._met))
        except Exception:
            raise _Unknown from None

    # What is jug's own

    def _feed_task(self, state: _Hash, task: Task[Any]) -> None:
        hash, met = self.of_task(task)
        self._met |= met
        if hash is None:
            raise _Unknown
        state.update(hash)

    def _tasklet(self, tasklet: Tasklet) -> bytes:
        """Return a tasklet's hash, without recursion along `task[0][1][2]`."""
        chain: list[Tasklet] = []
        base: Any = tasklet
        while type(base) is Tasklet:
            chain.append(base)
            base = base.base
        for one in reversed(chain):
            base = _Known(self._part(base, self._function(one.f)))
        hash: bytes = base.hash
        return hash

    def _part(self, base: Any, f: Any) -> bytes:
        state = sha1(b"Tasklet")
        return self._digest(state, [("base", base), ("f", f)])

    def _function(self, f: Any) -> Any:
        """Return what stands for the function of a tasklet."""
        if isinstance(f, Part):
            return _Known(part_of_tuple(f.index, f.length or 0))
        if isinstance(f, Item):
            return _Known(self.of_value(("jug.task._getitem", f.index)))
        if isinstance(f, FunctionType) and f.__name__ == "<lambda>":
            return self._lambda(f)
        return f

    def _lambda(self, f: FunctionType) -> tuple[Any, ...]:
        self._met.add(Way.BYTECODE_LAMBDAS)
        if Way.BYTECODE_LAMBDAS in self.dialect:
            return "<lambda>", f.__code__.co_code
        closure = tuple(cell.cell_contents for cell in f.__closure__ or ())
        return "<lambda>", _code(f.__code__), closure, f.__defaults__ or (), f.__kwdefaults__ or {}

    def _mapped(self, mapped: Mapped) -> dict[str, Any]:
        """Return the dict by whose hash the result of `map` was known, or a slice of it."""
        blocks, size = mapped.blocks, mapped.block_size
        length = (len(blocks) - 1) * size + len(blocks[-1].args[1])
        whole = {"type": "map-access", "len": length, "blocks": [*blocks], "block_size": size}
        indices = mapped.indices
        if indices == range(length):
            return whole
        return {
            "type": "map-access-slice",
            "base": _Known(self.of_value(whole)),
            "start": indices.start,
            "stop": indices.stop,
            "stride": indices.step,
        }


class _Known:
    """Stands for an element of which it is known what is fed."""

    __slots__ = ("hash",)

    def __init__(self, hash: bytes) -> None:
        self.hash = hash

    def __jug_hash__(self) -> bytes:
        return self.hash


def _call(task: Task[Any]) -> Task[Any]:
    """Return the call by which a task is known: that of a compound task is another one."""
    call: Task[Any] = getattr(task, "call", task)
    return call


def _needed(task: Task[Any]) -> Iterator[Task[Any]]:
    return _call(task).dependencies()


def _name(task: Task[Any]) -> str:
    """Return the task's name as jug 2.x hashed it: of methods, without their class."""
    if task.given_name:
        return task.given_name
    return f"{task.f.__module__}.{task.f.__name__}"


def _code(code: CodeType) -> tuple[Any, ...]:
    constants = tuple(_code(one) if isinstance(one, CodeType) else one for one in code.co_consts)
    return code.co_code, constants, code.co_names


def _first(pair: tuple[bytes, Any]) -> bytes:
    return pair[0]


def _pickled(label: Any) -> bytes:
    return pickle.dumps(label, PROTOCOL)


_LABELS: Final = frozenset({int, str, bytes})
_label = lru_cache(maxsize=10_000)(_pickled)
"""The same for labels of these types, of which there are many again and again."""
