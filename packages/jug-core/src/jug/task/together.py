"""Loading the values of many tasks at once, before they are asked for one by one.

A store reads many results in less time than the same ones singly: from a directory those
that lie beside each other, from a server a thousand in one answer.  What can't be had in
this way is left as it is: who asks for its value is told why.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Final, Protocol

from jug.backends.base import BaseStore
from jug.task.arguments import ATOMS

__all__ = ["load_together"]

_BATCH: Final = 1000
_CONTAINERS: Final = frozenset({list, tuple, dict})


class Loadable(Protocol):
    """As much of a task as is needed here; `known_digest` is what only tasks have."""

    known_digest: bytes | None
    own_store: BaseStore | None

    @property
    def store(self) -> BaseStore: ...
    @property
    def digest(self) -> bytes: ...
    def is_loaded(self) -> bool: ...
    def keep(self, value: Any) -> None: ...


def load_together(*things: Any) -> None:
    """Load the tasks in lists, tuples and dicts, however nested, that have no value yet.

    Where there is none of these nothing is done, as tasks that stand alone are few.

    >>> from jug import Task, set_jugdir
    >>> store, tasks = set_jugdir("dict_store"), [Task(abs, -1), Task(abs, -2)]
    >>> [task.run() for task in tasks], [task.unload() for task in tasks]
    ([1, 2], [None, None])
    >>> load_together(1, {"both": tasks})
    >>> [task.loaded_value for task in tasks]
    [1, 2]
    """
    if _CONTAINERS.isdisjoint(map(type, things)):
        return
    waiting = _without_value(things)
    while batch := list(islice(waiting, _BATCH)):
        if len(batch) > 1:
            _load(batch)


def _load(tasks: list[Loadable]) -> None:
    of_stores: dict[BaseStore | None, dict[bytes, Loadable]] = {}
    for task in tasks:
        of_stores.setdefault(task.own_store, {})[task.digest] = task
    for wanted in of_stores.values():
        store = next(iter(wanted.values())).store
        for digest, value in store.load_many([*wanted]):
            wanted[digest].keep(value)


def _without_value(things: Iterable[Any]) -> Iterator[Loadable]:
    """Yield the tasks that have none, as often as they occur."""
    stack, seen = [things], set[int]()
    while stack:
        for thing in stack.pop():
            kind = type(thing)
            if kind in ATOMS:
                continue
            if hasattr(kind, "known_digest"):
                if not thing.is_loaded():
                    yield thing
            elif kind in _CONTAINERS and id(thing) not in seen:
                seen.add(id(thing))
                stack.append(thing.values() if kind is dict else thing)
