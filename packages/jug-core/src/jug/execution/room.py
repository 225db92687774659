"""How much of its machine is free for a worker, and what it takes of that for its task.

Workers of one command share what the command may use (`jug.execution.capacity`).  Each shows
what it has taken where the others see it (`jug.execution.shares`).  It keeps that until it takes
something else or waits, so what is free for it includes what it has.  Another worker that counts
nothing, as it has not read so far in the jugfile, takes one CPU while it runs something.

A task sees what was taken for it in its environment.  A library that was imported before may
have looked there already; and one that has begun to use a GPU keeps it to the end of its
process.  So a worker takes again the GPUs that it had, if they are free.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from jug.execution.capacity import Capacity
from jug.execution.shares import Share
from jug.execution.slots import NO_TASK
from jug.machine.gpus import VARIABLE
from jug.named_tuple import NamedTuple
from jug.needs import NOTHING, Needs

if TYPE_CHECKING:
    from jug.execution.connection import SupervisorConnection

_THREADS: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_ENOUGH: Final = 1 << 62


class Free(NamedTuple):
    """What is free at some moment."""

    cpus: int
    memory: int
    gpus: int
    """How many."""

    def has(self, needs: Needs) -> bool:
        """Return whether a task with these needs may begin."""
        return (
            needs.cpus <= self.cpus
            and (not needs.memory or needs.memory <= self.memory)
            and (not needs.gpus or needs.gpus <= self.gpus)
        )

    def beside(self, needs: Needs) -> Free:
        """Return what is left beside a task with these needs, less than nothing if it waits."""
        return Free(self.cpus - needs.cpus, self.memory - needs.memory, self.gpus - needs.gpus)

    def lets_begin(self, needs: Needs, kept: Needs) -> bool:
        """Return whether a task for which there is room may begin though one before it is not to.

        If that one waits, as much as it needs is left for it.  If there is room for it, too,
        neither may have to wait for the other, unless what the other gives back is enough for it.

        >>> Free(cpus=2, memory=0, gpus=0).lets_begin(Needs(), kept=Needs(cpus=2))
        False
        >>> Free(cpus=1, memory=8, gpus=0).lets_begin(Needs(), kept=Needs(memory=4))
        True
        """
        if not self.has(kept):
            return self.beside(kept).has(needs)
        return not (self._delays(needs, kept) or self._delays(kept, needs))

    def _delays(self, one: Needs, other: Needs) -> bool:
        """Return whether one takes less of something than another wants, and leaves too little."""
        each = zip(_amounts(one), _amounts(other), self.beside(one), strict=True)
        return any(taken < wanted > left for taken, wanted, left in each)


def _amounts(needs: Needs) -> tuple[int, int, int]:
    return needs.cpus, needs.memory, needs.gpus


class Room:
    """What a worker may take of its machine.

    >>> room = Room(Capacity(cpus=4, gpus=("0", "1")))
    >>> room.take(Needs(cpus=2, gpus=1)), room.take(Needs(cpus=5))
    (True, False)
    >>> room.environment()
    {'OMP_NUM_THREADS': '2', 'OPENBLAS_NUM_THREADS': '2', 'MKL_NUM_THREADS': '2', \
'CUDA_VISIBLE_DEVICES': '0'}
    """

    def __init__(
        self, given: Capacity | None = None, connection: SupervisorConnection | None = None
    ) -> None:
        self.capacity = given or Capacity()
        self.is_counted = self.capacity.is_counted
        """Whether anything of it is, so that there may be too little."""
        self._slot = 0 if connection is None else connection.slot
        self._slots = None if connection is None else connection.slots
        self._taken = NOTHING
        self._gpus: list[int] = []
        """The places of those that it has taken."""
        self._used: list[int] = []
        """The places of those that its last task with any had."""

    def count_for(self, needs: Iterable[Needs]) -> None:
        """Count from now on also what tasks with these needs state."""
        self.capacity = self.capacity.for_tasks(needs)
        self.is_counted = self.capacity.is_counted

    # What is free

    def free(self) -> Free:
        """Return what is free for this worker."""
        return self._free(list(self._others()))

    def _others(self) -> Iterator[Share]:
        slots = self._slots
        if slots is None:
            return
        for slot, share in enumerate(slots.shares.all()):
            if slot != self._slot and (share.cpus or slots.running(slot).digest != NO_TASK):
                yield share if share.cpus else Share(cpus=1)

    def _free(self, others: list[Share]) -> Free:
        cpus, memory, gpus = self.capacity.cpus, self.capacity.memory, self.capacity.gpus
        return Free(
            _ENOUGH if cpus is None else cpus - sum(share.cpus for share in others),
            _ENOUGH if memory is None else memory - sum(share.memory for share in others),
            _ENOUGH if gpus is None else len(self._free_gpus(others)),
        )

    def _free_gpus(self, others: list[Share]) -> list[int]:
        """Return the places of those that are free, the best first for this worker."""
        count = len(self.capacity.gpus or ())
        free = [n for n in range(count) if not any(share.gpus >> n & 1 for share in others)]
        return sorted(free, key=lambda n: (n not in self._used, (n - self._slot) % count))

    def running_beside(self) -> set[bytes]:
        """Return the tasks that other workers of the command run."""
        return set() if self._slots is None else self._slots.digests_beside(self._slot)

    # What is taken

    def take(self, needs: Needs) -> bool:
        """Take what a task needs in place of what this worker has, if that is free."""
        if self._slots is None:
            return self._take(needs)
        with self._slots.shares.locked():
            return self._take(needs)

    def _take(self, needs: Needs) -> bool:
        others = list(self._others())
        if not self._free(others).has(needs):
            return False
        self._taken = needs
        if needs.gpus:
            self._gpus = sorted(self._free_gpus(others)[: needs.gpus])
        if self._slots is not None:
            bits = sum(1 << n for n in self._gpus) if needs.gpus else 0
            self._slots.shares.show(self._slot, Share(needs.cpus, needs.memory, bits))
        return True

    def has_taken(self, needs: Needs) -> bool:
        """Return whether what this worker has is enough for a task."""
        return Free(self._taken.cpus, self._taken.memory, self._taken.gpus).has(needs)

    def environment(self) -> dict[str, str]:
        """Return the variables from which a task's libraries learn what it has."""
        threads = () if self.capacity.cpus is None else _THREADS
        variables = dict.fromkeys(threads, str(self._taken.cpus))
        if self._taken.gpus and self.capacity.gpus:
            variables[VARIABLE] = ",".join(self.capacity.gpus[n] for n in self._gpus)
        return variables

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Have these variables in the environment."""
        if self._taken.gpus:
            self._used = self._gpus
        variables = self.environment()
        before = {name: os.environ.get(name) for name in variables}
        os.environ.update(variables)
        try:
            yield
        finally:
            _restore(before)


def _restore(before: Mapping[str, str | None]) -> None:
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
