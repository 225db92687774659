"""Waiting for others, by a worker that has nothing to run.

It waits for the store to change, as long as something may still come for it: others hold
tasks that it needs, or are to run some that it was not told to run itself.  A wait that takes
long is told.  One in which nothing changes for long enough comes to its end, unless a worker
of the same command is busy meanwhile, who is nobody else.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Final

from jug.backends.base import BaseStore, Changes, Holder, Reader
from jug.backends.wait_notice import LONG, WaitNotice, told_by_name
from jug.execution.agenda import Agenda
from jug.execution.connection import SupervisorConnection
from jug.execution.reporting import Reporter
from jug.execution.summary import Ending
from jug.messages import Log
from jug.wording import duration

__all__ = ["Waiting"]

log = Log("worker")

_LOOK: Final = 1.5  # seconds after which a wait looks at the holders of its own accord
_ROOM: Final = 0.1  # seconds between two looks whether there is room on the machine
_MOMENT: Final = 1.0  # seconds in which is seen what a worker of the same command has saved


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
        self._is_speaker = connection is None or connection.slot == 0
        self._slots = None if connection is None else connection.slots
        is_alone = self._slots is None or self._slots.count == 1
        self._patience = patience if is_alone else max(patience, _MOMENT)
        self._reporter = reporter
        self._is_told = is_told
        self._told = set[str]()

    def wait(self, agenda: Agenda) -> Ending | None:
        """Wait for others; return why to end if there is no reason to wait."""
        self._catch_up(agenda)
        if agenda.candidates() or agenda.is_barrier_open():
            return None
        if agenda.is_over():
            return self._end_if_all_is_there(agenda)
        began = quiet_since = time.monotonic()
        tell_from = began + LONG
        while self._has_prospects(agenda, holders := self._store.holders()):
            if agenda.candidates() or self._is_told():
                return None
            now = time.monotonic()
            if self._reporter.look(agenda):
                quiet_since = now
                if agenda.is_barrier_open() or agenda.is_over():
                    return None
                continue  # what was waited for may not come any more
            if now >= tell_from:
                self._tell(agenda, holders, is_quiet=now - quiet_since >= LONG)
                tell_from = now + _LOOK
            left = quiet_since + self._patience - now
            if self._slots is not None and self._slots.is_anybody_busy():
                quiet_since, left = now, _LOOK
            if left <= 0:
                return agenda.ending_of_wait(holders)
            if changes := self._wait_for_changes(agenda, min(left, _LOOK)):
                quiet_since = time.monotonic()
                agenda.note(changes)
                if agenda.is_barrier_open() or agenda.is_over():
                    return None
        self._catch_up(agenda)  # a holder may be gone because it has just finished
        if agenda.candidates() or agenda.is_barrier_open() or agenda.is_over():
            return None
        if agenda.waits_for_room():  # of a worker that has just saved its task
            time.sleep(_ROOM)
            return None
        return agenda.ending()

    def _wait_for_changes(self, agenda: Agenda, seconds: float) -> Changes:
        """Wait until the store has changed or there is room on the machine, at most so long.

        The store may wake without any change, as when a lease was released.
        """
        until = time.monotonic() + seconds
        changes = self._store.wait(self._news, _pause(agenda, until))
        while not changes and agenda.waits_for_room() and time.monotonic() < until:
            if agenda.candidates():
                break
            changes = self._store.wait(self._news, _pause(agenda, until))
        return changes

    def _catch_up(self, agenda: Agenda) -> None:
        agenda.note(self._store.refresh(self._news))

    def _has_prospects(self, agenda: Agenda, holders: Mapping[bytes, Holder]) -> bool:
        agenda.see(holders)
        return agenda.prospects.are_there(holders)

    def _end_if_all_is_there(self, agenda: Agenda) -> Ending | None:
        """Return why to end, None if something that was done has vanished meanwhile."""
        self._store.flush()
        self._store.look_again()
        self._catch_up(agenda)
        return None if agenda.plan.left else agenda.ending()

    # Saying so

    def _tell(self, agenda: Agenda, holders: Mapping[bytes, Holder], is_quiet: bool) -> None:
        """Say for what this one waits; one worker of a command speaks for all."""
        if not self._is_speaker:
            return
        ours = set[bytes]() if self._slots is None else self._slots.digests()
        held = {task.digest: task.name for task in agenda.waited_for(holders)}
        self.notice.see(holders)
        self.notice.tell({d: name for d, name in held.items() if d not in ours}, holders)
        if not held and is_quiet:
            self._tell_of_others(agenda)

    def _tell_of_others(self, agenda: Agenda) -> None:
        """Say which tasks are waited for that nobody has begun, once for each name."""
        undone = agenda.prospects.undone_by_others()
        if undone.keys() <= self._told:
            return
        self._told |= undone.keys()
        told = told_by_name(undone)
        if failed := agenda.count_failed_before():
            told.append(f"of which {failed} failed before")
        log.warning(
            "waiting for tasks that are not selected here and that nobody has begun: %s; "
            "this ends after %s without any change, and with --no-wait at once",
            ", ".join(told), duration(self._patience),
        )  # fmt: skip


def _pause(agenda: Agenda, until: float) -> float:
    """Return how long to wait for the store before a look at the machine."""
    left = max(0.0, until - time.monotonic())
    return min(left, _ROOM) if agenda.waits_for_room() else left
