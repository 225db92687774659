"""Reading a jugfile whose results are brought over, until nothing more is found.

The jugfile asks for results as it is read, and gets them from the old store at that moment
(`jug.task.elsewhere`), so barriers open as they did for jug 2.x.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from jug.adopt.adopting import Adoption, Choices, Seen, State
from jug.adopt.own_hashes import answering_for_both
from jug.adopt.stores import FormerStore
from jug.errors import JugfileError
from jug.execution.job import Job, explained
from jug.jugfile import Jugfile, Jugspace
from jug.messages import Log
from jug.progress import Display
from jug.session import current_store, set_running
from jug.task import Task, alltasks
from jug.task.elsewhere import brought_by
from jug.wording import counted

log = Log("adopt")

_APART: Final = 10.0  # seconds between two lines


@dataclass
class Outcome:
    """What became of a jugfile's tasks."""

    old: str
    """The old store, without secrets."""
    held: int
    """How many results it holds."""
    unclaimed: int
    """How many of these are no task's."""
    damage: str
    """What is wrong with it as a whole, if anything."""
    seen: dict[bytes, Seen] = field(default_factory=dict)
    """What became of each task, by its digest."""
    at_barrier: bool = False
    """Whether the jugfile stopped at a barrier."""
    failure: JugfileError | None = None
    """What the jugfile raised."""

    @property
    def has_nothing(self) -> bool:
        """Whether no result in the old store is of a task."""
        return self.unclaimed == self.held

    @property
    def is_good(self) -> bool:
        """Whether all that the old store has of the tasks is in the new one."""
        refused = any(seen.state is State.REFUSED for seen in self.seen.values())
        return not (refused or self.damage or self.failure or self.has_nothing)


def adopt(job: Job, former: FormerStore, choices: Choices, display: Display | None) -> Outcome:
    """Bring the results of a jugfile's tasks into the store in use, and show how far it is."""
    set_running()
    jugfile = Jugfile(job.jugfile, job.arguments)
    adoption = Adoption(former, choices)
    with answering_for_both():
        reading = _read(jugfile, jugfile.read, adoption, display)
        while adoption.take_back(current_store(), reading.tasks):
            adoption.read_again()
            reading = _read(jugfile, jugfile.read_again, adoption, display)
    current_store().flush()
    return Outcome(
        former.url,
        len(former.hashes),
        adoption.unclaimed,
        former.damage,
        adoption.seen,
        reading.at_barrier,
        reading.failure,
    )


@dataclass
class _Reading:
    tasks: list[Task[Any]]
    at_barrier: bool = False
    failure: JugfileError | None = None


def _read(
    jugfile: Jugfile, read: Callable[[], Jugspace], adoption: Adoption, display: Display | None
) -> _Reading:
    if display is not None:
        display.pause()  # the jugfile may print
    with brought_by(_Bringing(adoption).bring):
        reading = _as_far_as_it_goes(jugfile, read)
    current_store().poll()
    adoption.bring_all(reading.tasks, display)
    return reading


class _Bringing:
    """Brings what a jugfile asks for, and says in lines how far that is: it may print itself."""

    def __init__(self, adoption: Adoption) -> None:
        self._adoption = adoption
        self._brought = 0
        self._told = time.monotonic()

    def bring(self, task: Task[Any]) -> None:
        self._adoption.bring(task)
        self._brought += 1
        if time.monotonic() > self._told + _APART:
            self._told = time.monotonic()
            asked = counted(self._brought, "result")
            log.warning("the jugfile is being read, and has asked for %s", asked)


def _as_far_as_it_goes(jugfile: Jugfile, read: Callable[[], Jugspace]) -> _Reading:
    """Read the jugfile; of one that fails, return the tasks that it made before."""
    try:
        jugspace = explained(jugfile, read)
    except JugfileError as error:
        return _Reading([*alltasks], failure=error)
    return _Reading(jugspace.tasks, bool(jugspace.barrier_tasks))
