"""Random numbers of the jugfile's own, in workers that all have copies of them.

A generator that is made while the jugfile is read is in the same state in each worker,
so that tasks in two workers would draw the same numbers.  Those that are found are
seeded anew in each worker: those that the jugfile and other modules of the user's have
names for, and those in their lists, dicts and objects.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from jug.hash.findable import is_library


def seed_anew() -> None:
    """Seed Python's and numpy's random numbers, and all generators that are found."""
    random.seed()
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.seed()
    for value in _users_values():
        _seed(value, numpy_random)


def _users_values() -> Iterator[Any]:
    for module in [*sys.modules.values()]:
        if isinstance(module, ModuleType) and not is_library(module.__name__):
            for value in [*vars(module).values()]:
                yield value
                yield from _inside(value)


def _inside(value: Any) -> list[Any]:
    if isinstance(value, (list, tuple)):
        return [*value]
    if isinstance(value, dict):
        return [*value.values()]
    if isinstance(value, (type, ModuleType)):
        return []
    return [*getattr(value, "__dict__", {}).values()]


def _seed(value: Any, numpy_random: Any) -> None:
    if isinstance(value, random.Random) and not isinstance(value, random.SystemRandom):
        value.seed()
    elif numpy_random is None:
        return
    elif isinstance(value, numpy_random.RandomState):
        value.seed()
    elif isinstance(value, numpy_random.Generator):
        value.bit_generator.state = type(value.bit_generator)().state
