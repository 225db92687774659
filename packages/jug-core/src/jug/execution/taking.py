"""How a worker takes tasks: one with its lease, or several short ones together.

What others do is noted whenever the store was asked, for it has read what they did.  A worker
that was not given what it wanted first asks again which of all workers it is, and so whose
turn each task is.

Of two workers that want a task at the same moment perhaps neither gets it
(`jug.backends.claims`).  So what a worker has claimed and not done it tries again before it
takes anything else by itself: that may take hours, and the task need not be its turn any more.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from jug.backends.base import BaseStore, Lease, Reader
from jug.backends.heartbeat import start_heartbeat
from jug.backends.wait_notice import WaitNotice
from jug.execution.agenda import Agenda
from jug.execution.connection import SupervisorConnection
from jug.execution.settings import Settings
from jug.execution.short_tasks import ShortTasks
from jug.task.running import running

__all__ = ["Taking"]

_VERDICT: Final = 0.01  # seconds between two looks whether a task has failed for good
_TURN: Final = 0.5  # seconds after which a worker asks again whose turn what is


class Taking:
    """The tasks that one worker takes.

    `news` is the worker's reader of the store, and `notice` is told who holds what it wanted.
    """

    def __init__(
        self,
        store: BaseStore,
        news: Reader,
        settings: Settings,
        connection: SupervisorConnection | None,
        notice: WaitNotice,
    ) -> None:
        self.short = ShortTasks()
        self._store = store
        self._news = news
        self._settings = settings
        self._connection = connection
        self._notice = notice
        self._claimed: list[bytes] = []
        """What this worker has tried to take together with others, and has not tried alone."""
        self._has_joined = False
        self._turn_until = 0.0

    def join(self) -> None:
        """See to it that somebody beats for this worker from its first lease on."""
        if self._has_joined:
            return
        self._has_joined = True
        if self._connection is not None:
            self._connection.send_joined(self._store, self._settings)
        else:
            start_heartbeat(self._store)

    def one(self, agenda: Agenda) -> Lease | None:
        """Try to take a task that is ready; return its lease, None if others were quicker."""
        left, self._claimed = agenda.ready_of(self._claimed), []
        candidates = list(dict.fromkeys(left + agenda.candidates()))
        if not candidates or not agenda.take_room(candidates[0]):
            return None
        candidates = agenda.with_room(candidates)
        self._begin()
        lease = self._store.acquire(candidates)
        self.note_changes(agenda)
        if lease is None or lease.digest != candidates[0]:
            self._take_turns(agenda, lease)
        if lease is None:
            holders = self._store.holders()
            self._notice.see(holders)
            agenda.all_taken(candidates, holders)
            return None
        return self.accepted(agenda, lease)

    def several(self, agenda: Agenda, candidates: Sequence[bytes]) -> list[Lease]:
        """Try to take several short tasks; return their leases, none where one is to be taken."""
        self._begin()
        self._claimed = list(dict.fromkeys([*agenda.ready_of(self._claimed), *candidates]))
        leases = self._store.acquire_several(candidates)
        self.note_changes(agenda)
        if len(leases) < len(candidates):
            self._take_turns(agenda)
        return leases

    def _begin(self) -> None:
        """Let others of the command know of the lease that this worker may have from now on."""
        self.join()
        if self._connection is not None:
            self._connection.note_taking()

    def next_candidates(self, agenda: Agenda) -> list[bytes]:
        """Return what to take of as a task is saved: none if several are to be taken then.

        Nor if the first needs more of the machine: what the task had is not free before that.
        """
        return [] if self.short_ones(agenda) else agenda.with_room(agenda.candidates())

    def short_ones(self, agenda: Agenda) -> Sequence[bytes]:
        """Return short tasks to be taken together, none where one is to be taken.

        A task that runs others meanwhile may be one of several itself, which have one lease.
        """
        if not self._store.gives_several or running:
            return ()
        candidates = agenda.short_candidates(self.short)
        connection = self._connection
        is_in_doubt = connection is not None and connection.are_on_trial(candidates)
        return () if is_in_doubt else candidates

    def accepted(self, agenda: Agenda, lease: Lease) -> Lease | None:
        """Return a lease if its task is still to be done, as far as is known by now."""
        if self._is_acquitted(agenda, lease.digest) and agenda.accept(lease.digest):
            return lease
        self._store.release(lease)
        return None

    def _is_acquitted(self, agenda: Agenda, digest: bytes) -> bool:
        """Return whether a task may be run, once that is settled if many workers died of it.

        Where workers have died the verdict may have come since the store was read last.
        """
        connection = self._connection
        if connection is None or not connection.slots.deaths.were_there():
            return True
        while connection.is_on_trial(digest) and not connection.slots.is_stopped():
            time.sleep(_VERDICT)
        if connection.slots.is_stopped():
            return False
        self._store.poll()
        self.note_changes(agenda)
        return True

    def note_changes(self, agenda: Agenda) -> None:
        """Have the agenda note what changed in the store, as far as that was read."""
        if self._news.has_changes():
            agenda.note(self._news.take())

    def take_turns_if_time(self, agenda: Agenda, own: Lease | None) -> None:
        """Ask again whose turn what is, from time to time where others have a say in that.

        `own` is the lease that this worker has already.
        """
        is_of_use = agenda.plan.workers > 1 or agenda.heeds_holders()
        if is_of_use and time.monotonic() > self._turn_until:
            self._take_turns(agenda, own)

    def _take_turns(self, agenda: Agenda, own: Lease | None = None) -> None:
        """Ask the store which of the workers at work this is, and if need be who holds what.

        If there are fewer than before, nobody may hold any more what one of them held.
        """
        self.join()
        plan = agenda.plan
        before = plan.workers
        plan.take_turns(*self._store.turn())
        if plan.workers < before or agenda.heeds_holders():
            others = dict(self._store.holders())
            if own is not None:
                others.pop(own.digest, None)
            self._store.poll()  # what they had and did since is no task that nobody holds
            self.note_changes(agenda)
            agenda.note_holders(others)
        self._turn_until = time.monotonic() + _TURN
