"""Random numbers of the jugfile's own, in workers that all have copies of them.

A generator that is made while the jugfile is read is in the same state in each worker,
so that tasks in two workers would draw the same numbers.  So those of `random` and
`numpy.random` are seeded anew for the tasks of each worker, wherever they are kept.  One that
is in the arguments of a task is left alone: it belongs to what the task is.

The collector knows them, until it is told to look at nothing that is there by now: so they
are noted before that.

Where tasks run in the midst of a reading, at a barrier, they draw from a stream of their own:
the jugfile goes on as if none had drawn, and they go on where they were at the barrier before.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from jug.execution.live_objects import objects_of
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
    random, numpy_random = sys.modules.get("random"), sys.modules.get("numpy.random")
    kinds = () if random is None else (random.Random,)
    if numpy_random is None:
        return kinds
    return (*kinds, numpy_random.RandomState, numpy_random.BitGenerator)


def note_generators(found: Iterable[Any]) -> None:
    """Note these generators, of the kinds that were asked for."""
    _noted.update((id(one), one) for one in found)


def note_generators_there() -> None:
    """Note those that there are by now."""
    note_generators(objects_of(*kinds_of_generators()))


class Streams:
    """The random numbers of the jugfile, and those of the tasks that one worker runs.

    `is_apart` says that other workers have copies of the same generators.
    """

    def __init__(self, is_apart: bool = False) -> None:
        self._is_apart = is_apart
        self._of_tasks: dict[int, tuple[Any, Any]] = {}
        """The generators by their ids, each with the state in which tasks left it."""
        self._left_alone = set[int]()
        self._known = 0
        """How many tasks of this reading were looked at."""

    @contextmanager
    def of_tasks(
        self, names: dict[str, Any], tasks: Sequence[Task[Any]], is_more: bool = False
    ) -> Iterator[None]:
        """Let tasks draw meanwhile, and the jugfile afterwards as if none had drawn.

        `names` are those of the jugfile, some of which may be generators; `is_more` says that
        the tasks are those of before, and more.
        """
        generators = _known_generators(names)
        of_reading = [(generator, _state_of(generator)) for generator in generators]
        if not is_more:
            self._left_alone, self._known = set[int](), 0
        if len(generators) > len(_shared()):
            self._left_alone |= _in_arguments(tasks[self._known :], set(map(id, generators)))
            self._known = len(tasks)
        for generator in generators:
            self._begin(generator)
        try:
            yield
        finally:
            self._of_tasks = {id(one): (one, _state_of(one)) for one in generators}
            for generator, state in of_reading:
                _set_state(generator, state)

    def _begin(self, generator: Any) -> None:
        if id(generator) in self._left_alone:
            return
        if id(generator) in self._of_tasks:
            _set_state(*self._of_tasks[id(generator)])
        elif self._is_apart:
            _seed(generator)


def _shared() -> list[Any]:
    """Return the modules with generators that everybody uses."""
    return [*filter(None, map(sys.modules.get, ("random", "numpy.random")))]


def _known_generators(names: dict[str, Any]) -> list[Any]:
    """Return those that everybody uses, that were noted, or that have names in the jugfile."""
    kinds = kinds_of_generators()
    numpy_random = sys.modules.get("numpy.random")
    found = {}
    for value in (*_noted.values(), *names.values()):
        if numpy_random is not None and type(value) is numpy_random.Generator:
            value = value.bit_generator
        if issubclass(type(value), kinds) and not _is_systems(value):
            found[id(value)] = value
    return [*_shared(), *found.values()]


def _is_systems(generator: Any) -> bool:
    """Return whether the operating system makes the numbers, which nobody can seed."""
    random = sys.modules.get("random")
    return random is not None and issubclass(type(generator), random.SystemRandom)


def _state_of(generator: Any) -> Any:
    """Return the state of a generator, or of the one that a module has."""
    if hasattr(generator, "getstate"):  # Python's
        return generator.getstate()
    return generator.get_state() if hasattr(generator, "get_state") else generator.state


def _set_state(generator: Any, state: Any) -> None:
    if hasattr(generator, "setstate"):
        generator.setstate(state)
    elif hasattr(generator, "set_state"):
        generator.set_state(state)
    else:
        generator.state = state


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
    if hasattr(generator, "getstate"):  # Python's, of which a class of its own may want a seed
        generator.seed(int.from_bytes(os.urandom(32)))
    elif hasattr(generator, "seed"):  # numpy's older ones
        generator.seed()
    else:
        generator.state = type(generator)().state


def _in_arguments(tasks: Iterable[Task[Any]], wanted: set[int]) -> set[int]:
    """Return the ids of those generators that are in arguments of tasks."""
    found, seen = set[int](), set[int]()
    for task in tasks:
        if not task.has_plain_arguments:
            for argument in (*task.args, *task.kwargs.values()):
                found |= _inside(argument, seen) & wanted
    return found


def _inside(argument: Any, seen: set[int]) -> set[int]:
    """Return the ids of what an argument leads to."""
    found, stack, left = set[int](), [argument], _DEEP
    while stack and left:
        thing, left = stack.pop(), left - 1
        if type(thing) in ATOMS or issubclass(type(thing), Task | type) or id(thing) in seen:
            continue
        seen.add(id(thing))
        found.add(id(thing))
        stack += gc.get_referents(thing)
    return found
