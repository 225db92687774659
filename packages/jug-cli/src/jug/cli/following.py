"""Following the work of others, and showing how far it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from jug.cli.reading import reading
from jug.options import Options

if TYPE_CHECKING:
    from jug.jugfile import Jugspace
    from jug.progress import Display
    from jug.status import Status
    from jug.task import Task

__all__ = ["follow"]

_QUIET: Final = 2.0  # seconds after which a wait without news ends
_SHOWN: Final = 1.0  # the same, where somebody looks at how long a task runs
_SHARE: Final = 0.05  # of the time may go into looking


def follow(
    options: Options,
    display: Display | None,
    chosen: Callable[[Jugspace], Sequence[Task[Any]]] = attrgetter("tasks"),
) -> bool:
    """Follow the tasks until all are done, those beyond barriers too, or nothing more can finish.

    Of each reading of the jugfile the tasks are those that `chosen` gives.  Returns whether
    all are done.
    """
    while True:
        with reading(options) as jugspace:
            complete = _follow(jugspace, chosen(jugspace), display)
        if not complete or not jugspace.barrier_tasks:
            return complete


def _follow(jugspace: Jugspace, tasks: Sequence[Task[Any]], display: Display | None) -> bool:
    """Return whether the tasks known so far, or those of its barrier, came to be done."""
    from jug.status import look as look_at

    store, wanted = jugspace.store, jugspace.barrier_tasks or tasks
    look = _look_of(jugspace, tasks, display)
    interval = 0.0 if display is None else display.interval
    with store.reader() as changes:
        while True:
            began = time.monotonic()
            status = look()
            if status.is_complete() or look_at(store, wanted).is_complete():
                return True
            if _is_stuck(status):
                return False
            # A look takes long where there are many tasks, which finish all the time.
            took = time.monotonic() - began
            time.sleep(max(interval, took / _SHARE) - took)
            changes.take()
            store.wait(changes, _QUIET if display is None else _SHOWN)


def _look_of(
    jugspace: Jugspace, tasks: Sequence[Task[Any]], display: Display | None
) -> Callable[[], Status]:
    """Return what looks at the tasks, and shows it."""
    from jug.progress.outside import Onlooker
    from jug.status import look

    if display is None:
        return lambda: look(jugspace.store, tasks)
    onlooker = Onlooker(jugspace.store, tasks)

    def look_and_show() -> Status:
        status, snapshot = onlooker.look()
        display.show(snapshot._replace(at_barrier=bool(jugspace.barrier_tasks)))
        return status

    return look_and_show


def _is_stuck(status: Status) -> bool:
    from jug.status import State

    return not status.total(State.READY) and not status.total(State.RUNNING)
