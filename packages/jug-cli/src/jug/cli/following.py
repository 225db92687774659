"""Following the work of others, and showing how far it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from itertools import count
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from jug.cli.long_wait import LongWait
from jug.cli.reading import reading
from jug.options import Options

if TYPE_CHECKING:
    from jug.backends.news import Reader
    from jug.jugfile import Jugspace
    from jug.progress import Display
    from jug.status import Status
    from jug.task import Task

__all__ = ["follow"]

_QUIET: Final = 2.0  # seconds after which a wait without news ends
_SHOWN: Final = 1.0  # the same, where somebody looks at how long a task runs
_SHARE: Final = 0.1  # of the time may go into looking


def follow(
    options: Options,
    display: Display | None,
    chosen: Callable[[Jugspace], Sequence[Task[Any]]] = attrgetter("tasks"),
    long_wait: LongWait | None = None,
) -> bool:
    """Follow the tasks until all are done, those beyond barriers too, or nothing more can finish.

    Of each reading of the jugfile the tasks are those that `chosen` gives.  `long_wait` says
    for what it waits.  Returns whether all are done.
    """
    while True:
        with reading(options, is_patient=True) as jugspace:
            complete = _follow(jugspace, chosen(jugspace), display, long_wait)
        if not complete or not jugspace.barrier_tasks:
            return complete


def _follow(
    jugspace: Jugspace,
    tasks: Sequence[Task[Any]],
    display: Display | None,
    long_wait: LongWait | None,
) -> bool:
    """Return whether the tasks known so far, or those of its barrier, came to be done."""
    store, awaited = jugspace.store, jugspace.barrier_tasks
    interval = 0.0 if display is None else display.interval
    with store.reader() as changes, store.reader() as reader:
        look = _look_of(jugspace, tasks, display, reader)
        for looked in count():
            began = time.monotonic()
            status = look()
            if status.is_complete() or (awaited and all(one.is_done(store) for one in awaited)):
                return True
            if _is_stuck(status):
                return False
            if long_wait is not None:
                long_wait.tell_if_time(store, tasks, status)
            # A look takes long where many tasks finish; the first is at all of them.
            took = time.monotonic() - began if looked else 0.0
            time.sleep(max(interval, took / _SHARE) - took)
            seen = changes.take()
            seen = store.wait(changes, _QUIET if display is None else _SHOWN) or seen
            if seen and long_wait is not None:
                long_wait.note_change()
    raise AssertionError("it looks for as long as it takes")


def _look_of(
    jugspace: Jugspace, tasks: Sequence[Task[Any]], display: Display | None, reader: Reader
) -> Callable[[], Status]:
    """Return what looks at the tasks, and shows it."""
    from jug.progress.outside import Onlooker
    from jug.status import StatusKeeper

    if display is None:
        return StatusKeeper(jugspace.store, tasks, reader).status
    onlooker = Onlooker(jugspace.store, tasks, reader=reader)

    def look_and_show() -> Status:
        status, snapshot = onlooker.look()
        display.show(snapshot._replace(at_barrier=bool(jugspace.barrier_tasks)))
        return status

    return look_and_show


def _is_stuck(status: Status) -> bool:
    from jug.status import State

    return not status.total(State.READY) and not status.total(State.RUNNING)
