"""Random numbers of the jugfile's own, in workers that all have copies of them.

A generator that is made while the jugfile is read is in the same state in each worker,
so that tasks in two workers would draw the same numbers.  So those of `random` and
`numpy.random` are seeded anew in each worker, wherever they are kept.  One that is in the
arguments of a task is left alone: it belongs to what the task is.

The collector knows them, until it is told to look at nothing that is there by now: so they
are noted before that.
"""

from __future__ import annotations

import gc
import random
import sys
from collections.abc import Iterable
from typing import Any, Final

from jug.messages import Log
from jug.task import Task
from jug.task.arguments import ATOMS

log = Log("worker")

_OTHERS: Final = ("torch", "tensorflow", "cupy")
"""Libraries with generators of their own, which a jugfile may seed."""

_DEEP: Final = 10_000  # objects that are looked through for each argument

_noted: dict[int, Any] = {}


def kinds_of_generators() -> tuple[type, ...]:
    """Return the types of generators that can be seeded anew, of what is loaded by now."""
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is None:
        return (random.Random,)
    return (random.Random, numpy_random.RandomState, numpy_random.BitGenerator)


def note_generators(found: Iterable[Any]) -> None:
    """Note these generators, of the kinds that were asked for."""
    _noted.update((id(one), one) for one in found)


def seed_anew(tasks: Iterable[Task[Any]]) -> None:
    """Seed all generators that were noted, but for those in the arguments of these tasks."""
    random.seed()
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.seed()
    left_alone = _in_arguments(tasks) if _noted else set()
    for key, generator in _noted.items():
        if key not in left_alone:
            _seed(generator)


def warn_of_seeds() -> None:
    """Warn of libraries whose generators are not seeded anew."""
    for name in _OTHERS:
        if name in sys.modules:
            log.warning(
                "if the jugfile seeds the random numbers of %s, they are the same in each worker: "
                "seed them in the tasks, by an argument",
                name,
            )


def _seed(generator: Any) -> None:
    if hasattr(generator, "seed"):  # Python's, and numpy's older ones
        generator.seed()
    else:
        generator.state = type(generator)().state


def _in_arguments(tasks: Iterable[Task[Any]]) -> set[int]:
    """Return the ids of the generators that are in arguments of tasks."""
    found, seen = set[int](), set[int]()
    for task in tasks:
        if not task.has_plain_arguments:
            for argument in (*task.args, *task.kwargs.values()):
                found |= _inside(argument, seen)
    return found


def _inside(argument: Any, seen: set[int]) -> set[int]:
    """Return the ids of the generators that an argument leads to."""
    found, stack, left = set[int](), [argument], _DEEP
    while stack and left:
        thing, left = stack.pop(), left - 1
        if type(thing) in ATOMS or issubclass(type(thing), Task | type) or id(thing) in seen:
            continue
        seen.add(id(thing))
        if id(thing) in _noted:
            found.add(id(thing))
        stack += gc.get_referents(thing)
    return found
