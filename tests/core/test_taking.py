"""A worker takes tasks: what it asks a store for, and what it has of the machine by then."""

from __future__ import annotations

from typing import Any

import pytest

from jug.backends.base import Changes, Frame, Kind
from jug.backends.dict_store import DictStore
from jug.backends.wait_notice import WaitNotice
from jug.execution.connection import SupervisorConnection, open_channel
from jug.execution.deaths import DEADLY, Deaths
from jug.execution.settings import Settings
from jug.execution.slots import WorkerSlots
from jug.execution.taking import Taking
from jug.records import Record, pack
from jug.task import Task


class Asked(DictStore):
    """A store that notes what was asked for."""

    def __init__(self, events: list[Any]) -> None:
        super().__init__()
        self.events = events

    def acquire(self, candidates: Any) -> Any:
        self.events.append(("lease", candidates[0]))
        return super().acquire(candidates)


class OneTask:
    """As much of an agenda as taking needs to know, with one task that is ready."""

    def __init__(self, events: list[Any], is_free: bool) -> None:
        self.events = events
        self.is_free = is_free
        self.is_left = True
        self.digest = Task(abs, -1).digest

    def ready_of(self, digests: list[bytes]) -> list[bytes]:
        return list(digests)

    def candidates(self) -> list[bytes]:
        return [self.digest]

    def short_candidates(self, short: object) -> list[bytes]:
        return []

    def take_room(self, digest: bytes) -> bool:
        self.events.append(("room", digest))
        return self.is_free

    def with_room(self, candidates: list[bytes]) -> list[bytes]:
        return candidates if self.is_free else []

    def accept(self, digest: bytes) -> bool:
        return self.is_left

    def note(self, changes: Changes) -> None:
        self.is_left = self.digest not in changes.failed


@pytest.mark.parametrize("is_free", [True, False])
def test_room_is_taken_before_the_lease_which_is_not_tried_without(is_free: bool) -> None:
    events: list[Any] = []
    agenda: Any = OneTask(events, is_free)
    with Asked(events) as store, store.reader() as news:
        taking = Taking(store, news, Settings(), None, WaitNotice())
        taking.note_changes = lambda agenda: None  # type: ignore[method-assign]
        lease = taking.one(agenda)

        assert (lease is not None) == is_free
        assert [what for what, _ in events] == ["room", "lease"][: 1 + is_free]


@pytest.mark.parametrize("is_free", [True, False])
def test_what_needs_more_than_the_task_in_progress_has_is_not_taken_as_that_is_saved(
    is_free: bool,
) -> None:
    agenda: Any = OneTask([], is_free)
    with DictStore() as store, store.reader() as news:
        taking = Taking(store, news, Settings(), None, WaitNotice())

        assert taking.next_candidates(agenda) == [agenda.digest][:is_free]


def test_what_is_recorded_as_failed_after_its_lease_was_taken_is_not_run() -> None:
    """Many workers died of it, and the verdict came since the store was read."""
    agenda: Any = OneTask([], is_free=True)
    slots, (ours, theirs) = WorkerSlots.for_workers(2), open_channel()
    connection = SupervisorConnection(theirs, slots, 0)
    slots.deaths.show(agenda.digest, DEADLY)
    with ours, theirs, DictStore() as store, store.reader() as news:
        taking = Taking(store, news, Settings(), connection, WaitNotice())
        lease = store.acquire([agenda.digest])
        assert lease is not None

        store.put(Frame(Kind.FAILURE, agenda.digest, pack(Record("abs"))))
        slots.deaths.show(agenda.digest, 0)

        assert taking.accepted(agenda, lease) is None
        assert store.holders() == {}
    slots.close()


def test_a_death_that_is_counted_while_a_worker_looks_is_not_overlooked() -> None:
    slots, task = WorkerSlots.for_workers(3), Task(abs, -1)
    slots.deaths.show(task.digest, DEADLY - 2)
    for slot in (1, 2):
        slots.publish(slot, task)

    class Counting(Deaths):
        """Deaths of which one more is counted, and its slot cleared, as soon as they are read."""

        def of(self, digest: bytes) -> int:
            count = super().of(digest)
            if slots.running(1).digest == digest:
                self.show(digest, count + 1)
                slots.clear(1)
            return count

    slots.deaths = Counting(slots.deaths._memory, slots.deaths._start)
    assert slots.is_on_trial(task.digest, 0)
    slots.close()
