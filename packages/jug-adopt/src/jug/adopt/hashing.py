"""The hash that jug 2.x gave a task: 40 hex digits, by which its result is found.

It is that of its name and its arguments.  What jug itself puts into arguments is not today
what it was then, and some helpers made other tasks; each of these has its own former
encoding here.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha1
from types import CellType, CodeType, FunctionType
from typing import TYPE_CHECKING, Any, NamedTuple

from jug.adopt.elements import ElementHashes, Unknown
from jug.adopt.pickling import part_of_tuple
from jug.adopt.versions import NEWEST, Dialect, Way
from jug.io import NoLoad
from jug.mapreduce import MAP_STEP, Mapped, _jug_map, _jug_map_curry, _jug_map_reduce
from jug.task import Task, TaskGenerator, Tasklet
from jug.task.arguments import dependencies_first
from jug.task.generator import version_of
from jug.task.tasklet import Item, Part
from jug.utils import TimedPath

if TYPE_CHECKING:
    from hashlib import _Hash

    from jug.adopt.elements import Feeder


class Hashed(NamedTuple):
    """The hash of a task in one dialect."""

    hash: bytes | None
    """None if jug 2.x could not hash it, and so never had a result of it."""
    met: frozenset[Way]
    """The ways that concern it; all dialects that agree in them give it this hash."""


class _Kept(NamedTuple):
    """What is known of a task, which stays alive, so that no other gets its id."""

    task: Task[Any]
    hashed: Hashed


class FormerHashes(ElementHashes):
    """The hashes that jug 2.x gave, in one dialect; each task's is computed once."""

    def __init__(self, dialect: Dialect = NEWEST) -> None:
        super().__init__(dialect)
        self._known: dict[int, _Kept] = {}
        """By the ids of tasks: some that are one task today were two."""

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

    def _hashed(self, task: Task[Any]) -> Hashed:
        """Compute a task's hash, given those of all that it depends on."""
        self._met = set()
        call = _call(task)
        try:
            hash: bytes | None = self._hash_of(call)
        except (Unknown, RecursionError):
            hash = None
        return Hashed(hash, frozenset(self._met))

    def _hash_of(self, call: Task[Any]) -> bytes:
        if call.options.version:
            raise Unknown  # jug 2.x ran other code under this name
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
        if version_of(mapper):
            raise Unknown
        if isinstance(mapper, TaskGenerator):
            mapper = _Known(self.of_value(mapper))
        if call.f is _jug_map_curry:
            self._met.add(Way.CURRIED_LISTS)
            if Way.CURRIED_LISTS in self.dialect:
                inputs = [*map(list, inputs)]
        return mapper, inputs

    def _own(self) -> dict[type, Feeder]:
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

    # What is jug's own

    def _feed_task(self, state: _Hash, task: Task[Any]) -> None:
        hash, met = self.of_task(task)
        self._met |= met
        if hash is None:
            raise Unknown
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
        closure = tuple(map(_content, f.__closure__ or ()))
        return "<lambda>", _code(f.__code__), closure, f.__defaults__ or (), f.__kwdefaults__ or {}

    def _mapped(self, mapped: Mapped) -> dict[str, Any]:
        """Return the dict by whose hash the result of `map` was known, or a slice of it."""
        blocks, size = mapped.blocks, mapped.block_size
        length = (len(blocks) - 1) * size + len(blocks[-1].args[1])
        whole = {"type": "map-access", "len": length, "blocks": [*blocks], "block_size": size}
        if not mapped.is_slice:
            return whole
        indices = mapped.indices
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
    try:
        return f"{task.f.__module__}.{task.f.__name__}"
    except AttributeError:  # a callable object, which jug 2.x refused
        raise Unknown from None


def _content(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # it is empty
        raise Unknown from None


def _code(code: CodeType) -> tuple[Any, ...]:
    constants = tuple(_code(one) if isinstance(one, CodeType) else one for one in code.co_consts)
    return code.co_code, constants, code.co_names
