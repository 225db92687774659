"""What one command may use of its machine: what it was given, else what is found there.

Only what matters is counted: what the command was given, and what a task states.  Where tasks
state no memory, for instance, and the command was given none, there is no limit to it.  As soon
as CPUs are counted, a task that states none takes one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Self

from jug.errors import OptionError
from jug.machine.cores import usable_cores
from jug.machine.gpus import usable_gpus
from jug.machine.memory import usable_memory
from jug.needs import Needs, count_of, memory_of
from jug.tables import size
from jug.wording import counted

__all__ = ["MOST_GPUS", "Capacity"]

MOST_GPUS: Final = 64


@dataclass(frozen=True, slots=True)
class Capacity:
    """How much of each thing there is; None for what is not counted.

    >>> machine = Capacity(cpus=4, memory=8_000_000_000)
    >>> machine.has(Needs(cpus=4)), machine.has(Needs(memory=9_000_000_000))
    (True, False)
    >>> machine.shortages(Needs(cpus=5))
    [('5 CPUs', '4 CPUs')]
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

    @property
    def is_counted(self) -> bool:
        """Whether anything is."""
        return (self.cpus, self.memory, self.gpus) != (None, None, None)

    def has(self, needs: Needs) -> bool:
        """Return whether a task with these needs may run here, if nothing else does."""
        return (
            (self.cpus is None or needs.cpus <= self.cpus)
            and (self.memory is None or needs.memory <= self.memory)
            and (self.gpus is None or needs.gpus <= len(self.gpus))
        )

    def shortages(self, needs: Needs) -> list[tuple[str, str]]:
        """Return what is needed and how much there is, in words, where that is less."""
        there = self.cpus, self.memory, None if self.gpus is None else len(self.gpus)
        pairs = zip((needs.cpus, needs.memory, needs.gpus), there, _IN_WORDS, strict=True)
        return [
            (in_words(wanted), in_words(count))
            for wanted, count, in_words in pairs
            if count is not None and wanted > count
        ]


def _of_memory(count: int) -> str:
    return f"{size(count)} of memory"


_IN_WORDS: Final[tuple[Callable[[int], str], ...]] = (
    partial(counted, thing="CPU"),
    _of_memory,
    partial(counted, thing="GPU"),
)


def _first_gpus(count: int) -> tuple[str, ...]:
    """Return the first of those that the environment gives, or of all, which may not be seen."""
    seen = usable_gpus() or tuple(map(str, range(MOST_GPUS)))
    if count > len(seen):
        raise ValueError(f"gpus is {count}, but this process may use only {len(seen)}")
    return seen[:count]
