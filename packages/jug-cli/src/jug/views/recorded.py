"""What a store says of tasks whose jugfile can't be read.

Each task that left a result or a failure is stood in for by one of the same hash and name;
its arguments are not known, nor what it needs, and nobody can run it.
"""

from __future__ import annotations

from typing import Any

from jug.backends.base import BaseStore
from jug.errors import TaskError
from jug.jugfile import Jugspace
from jug.records import RunState
from jug.task import Task

__all__ = ["recorded"]

_THERE = (RunState.FINISHED, RunState.ADOPTED, RunState.FAILED)


def recorded(store: BaseStore) -> Jugspace:
    """Return a store with a stand-in for each task of which it has a result or a failure.

    >>> from jug import set_jugdir
    >>> store = set_jugdir("dict_store")
    >>> task = Task(abs, -1); _ = task.run()
    >>> [one.name for one in recorded(store).tasks if one.digest == task.digest]
    ['builtins.abs']
    """
    store.poll()
    names = {
        digest: batch.name
        for batch in store.each_time()
        if batch.state in _THERE
        for digest in batch.digests
    }
    return Jugspace(store, [_stand_in(digest, name) for digest, name in names.items()])


def _stand_in(digest: bytes, name: str) -> Task[Any]:
    task = Task(_unknown)
    task.name = name or _unknown.__qualname__
    task.known_digest = digest
    return task


def _unknown() -> None:
    raise TaskError("the jugfile of this task could not be read, so it can't be run")
