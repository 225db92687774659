"""What a command says while it waits for others for long: who has what, or that nobody has."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from jug.backends.wait_notice import LONG, WaitNotice, told_by_name
from jug.messages import Log

if TYPE_CHECKING:
    from jug.backends.base import BaseStore
    from jug.status import Status
    from jug.task import Task

__all__ = ["LongWait"]

log = Log("worker")

_LOOK: Final = 1.5  # seconds between two looks at who has what
_SHARE: Final = 0.1  # of the time may go into that


class LongWait:
    """The waits of one command, of which each thing is said once."""

    def __init__(self) -> None:
        self._notice = WaitNotice()
        self._has_told = False
        """Whether it has said that nobody works."""
        self._quiet_since = time.monotonic()
        self._next = self._quiet_since + LONG

    def note_change(self) -> None:
        """Note that others have done something."""
        self._quiet_since = time.monotonic()

    def tell_if_time(self, store: BaseStore, tasks: Sequence[Task[Any]], status: Status) -> None:
        """Say for what the wait is, if that is known and it takes long."""
        began = time.monotonic()
        if began < self._next:
            return
        holders = {digest: one for digest, one in store.holders().items() if one.alive}
        names = {task.digest: task.name for task in tasks if task.digest in holders}
        self._notice.see(holders)
        self._notice.tell(names, holders)
        if not names and began - self._quiet_since >= LONG:
            self._tell_that_nobody_works(status)
        now = time.monotonic()
        self._next = now + max(_LOOK, (now - began) / _SHARE)

    def _tell_that_nobody_works(self, status: Status) -> None:
        from jug.status import State

        ready = +status.counts[State.READY]  # without the names of which none is left
        if ready and not self._has_told:
            self._has_told = True
            undone = ", ".join(told_by_name(ready))
            log.warning(
                "waiting for tasks that nobody has begun: %s; `jug execute` runs them", undone
            )
