"""What one command may use of its machine: what it was given, else what is found there.

Only what matters is counted: what the command was given, and what a task states.  Where tasks
state no memory, for instance, and the command was given none, there is no limit to it.  As soon
as CPUs are counted, a task that states none takes one.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, Final, Self

from jug.errors import OptionError
from jug.machine.cores import usable_cores
from jug.machine.gpus import VARIABLE, usable_gpus
from jug.machine.memory import usable_memory
from jug.named_tuple import NamedTuple
from jug.needs import Needs, count_of, memory_of

__all__ = ["MOST_GPUS", "Capacity"]

MOST_GPUS: Final = 64
_ALL: Final = Needs(cpus=2, memory=1, gpus=1)
"""Needs that state everything."""


class Capacity(NamedTuple):
    """How much of each thing there is; None for what is not counted.

    >>> machine = Capacity(cpus=4, memory=8_000_000_000)
    >>> machine.has(Needs(cpus=4)), machine.has(Needs(memory=9_000_000_000))
    (True, False)
    >>> machine.offers
    {'cpus': 4, 'memory': 8000000000}
    """

    cpus: int | None = None
    memory: int | None = None
    gpus: tuple[str, ...] | None = None
    """Their names, as ``CUDA_VISIBLE_DEVICES`` has them."""

    @classmethod
    def given(cls, cpus: Any = None, memory: Any = None, gpus: Any = None) -> Self:
        """Return what a command was given; raise OptionError for what can't be meant."""
        try:
            return cls(
                None if cpus is None else count_of("cpus", cpus),
                None if memory is None else memory_of(memory),
                None if gpus is None else _first_gpus(count_of("gpus", gpus)),
            )
        except ValueError as error:
            raise OptionError(str(error)) from None

    def for_tasks(self, needs: Iterable[Needs]) -> Capacity:
        """Return the same with what is found on this machine of what these tasks state."""
        cpus, memory, gpus = self.cpus, self.memory, self.gpus
        for one in needs:
            if one.cpus > 1 and cpus is None:
                cpus = usable_cores()
            if one.memory and memory is None:
                memory = usable_memory()
            if one.gpus and gpus is None:
                gpus = usable_gpus()[:MOST_GPUS]
        return Capacity(cpus, memory, gpus)

    def in_full(self) -> Capacity:
        """Return the same with all that is found on this machine, as tasks may come to state it."""
        return self.for_tasks([_ALL])

    @property
    def offers(self) -> dict[str, int]:
        """How much there is of what is counted, by name."""
        gpus = None if self.gpus is None else len(self.gpus)
        there = {"cpus": self.cpus, "memory": self.memory, "gpus": gpus}
        return {name: count for name, count in there.items() if count is not None}

    @property
    def is_counted(self) -> bool:
        """Whether anything is."""
        return (self.cpus, self.memory, self.gpus) != (None, None, None)

    def has(self, needs: Needs) -> bool:
        """Return whether a task with these needs may run here, if nothing else does."""
        return not needs.shortages(self.offers)


def _first_gpus(count: int) -> tuple[str, ...]:
    """Return the first of those that the environment gives, or else of all, seen or not."""
    every = usable_gpus() if VARIABLE in os.environ else tuple(map(str, range(MOST_GPUS)))
    seen = every[:MOST_GPUS]
    if count > len(seen):
        raise ValueError(f"gpus is {count}, but this process may use only {len(seen)}")
    return seen[:count]
