"""Waiting for others, by a worker that has nothing to run.

It waits for the store to change, as long as others hold tasks that it needs.  A wait that
takes long is told, and one in which nothing changes for long enough comes to its end.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from jug.backends.base import BaseStore, Changes, Holder, Reader
from jug.backends.wait_notice import LONG, WaitNotice
from jug.execution.agenda import Agenda
from jug.execution.connection import SupervisorConnection
from jug.execution.reporting import Reporter
from jug.execution.summary import Ending
from jug.task import Task

__all__ = ["Waiting"]

_LOOK: Final = 1.5  # seconds after which a wait looks at the holders of its own accord
_ROOM: Final = 0.05  # seconds between two looks whether there is room on the machine


class Waiting:
    """The waits of one worker.

    `news` is the worker's reader of the store.  A wait lasts for `patience` seconds without
    any change, and ends where `is_told` says that the worker is to end.
    """

    def __init__(
        self,
        store: BaseStore,
        news: Reader,
        patience: float,
        connection: SupervisorConnection | None,
        reporter: Reporter,
        is_told: Callable[[], object],
    ) -> None:
        self.notice = WaitNotice()
        self._store = store
        self._news = news
        self._patience = patience
        self._connection = connection
        self._reporter = reporter
        self._is_told = is_told

    def wait(self, agenda: Agenda) -> Ending | None:
        """Wait for others; return why to end if there is no reason to wait."""
        self._catch_up(agenda)
        if agenda.candidates() or agenda.is_barrier_open():
            return None
        if not agenda.plan.left:
            return self._end_if_all_is_there(agenda)
        began = quiet_since = time.monotonic()
        while tasks := agenda.waited_for(holders := self._store.holders()):
            if agenda.candidates() or self._is_told():
                return None
            if not agenda.is_worth_waiting(holders):
                break
            self._reporter.look(agenda)
            if self._is_anybody_busy():
                quiet_since = time.monotonic()  # a worker of the same run is nobody else
            if time.monotonic() >= began + LONG:
                self._tell(tasks, holders)
            left = quiet_since + self._patience - time.monotonic()
            if left <= 0:
                return Ending.WAITED
            changes = self._wait_for_changes(agenda, min(left, _LOOK))
            if changes:
                quiet_since = time.monotonic()
                agenda.note(changes)
                if agenda.is_barrier_open() or not agenda.plan.left:
                    return None
        self._catch_up(agenda)  # a holder may be gone because it has just finished
        if agenda.candidates() or agenda.is_barrier_open() or not agenda.plan.left:
            return None
        if agenda.waits_for_room():  # of a worker that has just saved its task
            time.sleep(_ROOM)
            return None
        return agenda.ending()

    def _wait_for_changes(self, agenda: Agenda, seconds: float) -> Changes:
        """Wait until the store has changed or there is room on the machine, at most so long."""
        until = time.monotonic() + seconds
        changes = self._store.wait(self._news, _pause(agenda, until))
        while not changes and time.monotonic() < until and not agenda.candidates():
            changes = self._store.wait(self._news, _pause(agenda, until))
        return changes

    def _catch_up(self, agenda: Agenda) -> None:
        agenda.note(self._store.refresh(self._news))

    def _is_anybody_busy(self) -> bool:
        """Return whether a worker of the same command runs a task."""
        return self._connection is not None and self._connection.slots.is_anybody_busy()

    def _tell(self, tasks: Sequence[Task[Any]], holders: Mapping[bytes, Holder]) -> None:
        """Say for which tasks of other runs this one waits; one worker speaks for all."""
        connection = self._connection
        if connection is not None and connection.slot:
            return
        ours = connection.slots.digests() if connection is not None else set()
        self.notice.see(holders)
        self.notice.tell({t.digest: t.name for t in tasks if t.digest not in ours}, holders)

    def _end_if_all_is_there(self, agenda: Agenda) -> Ending | None:
        """Return why to end, None if something that was done has vanished meanwhile."""
        self._store.flush()
        self._store.look_again()
        self._catch_up(agenda)
        return None if agenda.plan.left else agenda.ending()


def _pause(agenda: Agenda, until: float) -> float:
    """Return how long to wait for the store before a look at the machine."""
    left = max(0.0, until - time.monotonic())
    return min(left, _ROOM) if agenda.waits_for_room() else left
