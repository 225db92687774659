"""What is offered to one worker where what each task needs of the machine is counted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from jug import TaskGenerator
from jug.backends.base import Holder
from jug.backends.dict_store import DictStore
from jug.backends.wait_notice import WaitNotice
from jug.execution.agenda import Agenda
from jug.execution.budget import Budget
from jug.execution.capacity import Capacity
from jug.execution.connection import SupervisorConnection, open_channel
from jug.execution.end_time import EndTime
from jug.execution.room import Room
from jug.execution.settings import Settings
from jug.execution.slots import WorkerSlots
from jug.execution.taking import Taking
from jug.jugfile import Jugspace
from jug.needs import Needs
from jug.task import Task
from jug.testing.hooks import result, taken

BEGAN = 1_000.0
CAPACITY = Capacity(cpus=4)


@TaskGenerator
def work(number: int) -> int:
    return number


def with_cpus(*several: int, **options: Any) -> list[Task[int]]:
    return [work.options(cpus=cpus, **options)(at) for at, cpus in enumerate(several)]


def agenda_of(store: DictStore, tasks: list[Task[int]], **given: Any) -> Agenda:
    given.setdefault("room", Room(CAPACITY))
    return Agenda(Jugspace(store, tasks), Settings(), set(), **given)


@pytest.fixture
def other(store: DictStore) -> Iterator[DictStore]:
    """The store as another worker sees it."""
    with store.another_view() as view:
        yield view


@pytest.fixture
def taking(store: DictStore) -> Iterator[Taking]:
    with store.reader() as news:
        yield Taking(store, news, Settings(), None, WaitNotice())


def test_a_worker_has_room_for_what_needs_no_more_than_it_has_taken(store: DictStore) -> None:
    tasks = with_cpus(2, 4, 1)
    two, four, one = (task.digest for task in tasks)
    agenda = agenda_of(store, tasks)

    assert agenda.take_room(two)

    assert agenda.with_room([two, four, one]) == [two, one]
    assert agenda.with_room([four, one]) == agenda.with_room([]) == []


def test_no_lease_is_tried_of_a_task_for_which_there_is_no_room(
    store: DictStore, other: DictStore, taking: Taking
) -> None:
    small, large = with_cpus(1, 4)
    agenda = agenda_of(store, [small, large])
    agenda.candidates = lambda: [small.digest, large.digest]  # type: ignore[method-assign]
    taken(other, small.digest)

    assert taking.one(agenda) is None

    assert store.holders().keys() == {small.digest}


def test_what_there_is_no_time_for_keeps_no_turn(store: DictStore) -> None:
    slots, (theirs, ours) = WorkerSlots.for_workers(2), open_channel()
    room, beside = (Room(CAPACITY, SupervisorConnection(ours, slots, slot)) for slot in range(2))
    tasks = [*with_cpus(4, runtime=50), *with_cpus(1, 1, runtime=1)[1:]]
    assert beside.take(Needs(cpus=1))

    assert agenda_of(store, tasks, room=room).candidates() == [], "the large one is waited for"
    budget = Budget(EndTime(BEGAN, BEGAN + 40, 0), store, clock=lambda: BEGAN)
    agenda = agenda_of(store, tasks, budget=budget, room=room)

    assert agenda.candidates() == [tasks[1].digest]
    assert agenda.plan.has_put_off()
    for one in (theirs, ours, slots):
        one.close()


def test_what_is_too_late_gives_way_to_what_is_not_though_another_is_kept_back(
    store: DictStore,
) -> None:
    tasks = [*with_cpus(1, runtime=50), *with_cpus(1, 1, 4, runtime=1)[1:]]
    budget = Budget(EndTime(BEGAN, BEGAN + 40, 0), store, clock=lambda: BEGAN)

    agenda = agenda_of(store, tasks, budget=budget)

    assert agenda.candidates() == [tasks[1].digest]


def test_what_was_leased_just_now_is_not_put_aside_as_what_others_hold(
    store: DictStore, other: DictStore, taking: Taking, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = with_cpus(1, 1, 4, 1)
    agenda = agenda_of(store, tasks)
    taken(other, tasks[0].digest)
    monkeypatch.setattr(store, "turn", lambda: (0, 2))
    agenda.plan.take_turns(*store.turn())

    lease = taking.one(agenda)

    assert lease is not None and lease.digest == tasks[1].digest
    assert agenda.plan.ready.kept_back and agenda.plan.held == {0}
    monkeypatch.setattr(taking, "_turn_until", 0.0)
    taking.take_turns_if_time(agenda, lease)
    assert agenda.plan.held == {0}


def test_what_another_has_begun_keeps_no_turn(
    store: DictStore, other: DictStore, taking: Taking, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = with_cpus(1, 4, 1)
    agenda = agenda_of(store, tasks)
    joined: list[bool] = []
    monkeypatch.setattr(taking, "join", lambda: joined.append(True))
    assert agenda.candidates() == [tasks[0].digest] and agenda.plan.ready.kept_back == [1]
    taken(other, tasks[1].digest)

    taking.take_turns_if_time(agenda, None)

    assert agenda.plan.held == {1}
    assert joined, "who asks for a turn has somebody who beats for it"


def test_what_a_dead_worker_holds_keeps_its_turn(store: DictStore, other: DictStore) -> None:
    tasks = with_cpus(1, 4)
    agenda = agenda_of(store, tasks)
    taken(other, tasks[1].digest)
    assert agenda.candidates() == [tasks[0].digest]
    holders = store.holders()
    agenda.note_holders(holders)
    assert agenda.plan.held == {1}

    agenda.note_holders({digest: one._replace(alive=False) for digest, one in holders.items()})

    assert not agenda.plan.held


def test_what_a_worker_held_that_is_gone_has_its_turn_again(
    store: DictStore, other: DictStore, taking: Taking, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = with_cpus(1, 1, 1)
    agenda = agenda_of(store, tasks, room=None)
    lease = taken(other, tasks[0].digest)
    monkeypatch.setattr(store, "turn", lambda: (0, 2))
    assert taking.one(agenda) is None and agenda.candidates()[0] != tasks[0].digest
    other.release(lease)
    assert agenda.candidates()[0] != tasks[0].digest

    monkeypatch.setattr(store, "turn", lambda: (0, 1))
    monkeypatch.setattr(taking, "_turn_until", 0.0)
    taking.take_turns_if_time(agenda, None)

    assert agenda.candidates() == [tasks[0].digest]


def test_who_knows_of_nobody_looks_whether_what_is_held_has_come_free(
    store: DictStore, other: DictStore, taking: Taking, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = with_cpus(4, 1)
    agenda = agenda_of(store, tasks)
    lease = taken(other, tasks[0].digest)
    agenda.plan.put_aside(store.holders())
    taking.take_turns_if_time(agenda, None)
    assert agenda.candidates() == [tasks[1].digest]

    other.release(lease)
    monkeypatch.setattr(taking, "_turn_until", 0.0)
    taking.take_turns_if_time(agenda, None)

    assert agenda.plan.workers == 1
    assert agenda.candidates() == [tasks[0].digest]


def test_what_others_have_done_meanwhile_is_not_offered_as_what_nobody_holds(
    store: DictStore, other: DictStore, taking: Taking, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = with_cpus(1, 1, 1)
    agenda = agenda_of(store, tasks)
    lease = taken(other, tasks[0].digest)
    monkeypatch.setattr(store, "turn", lambda: (0, 2))
    assert taking.one(agenda) is None

    look = store.holders

    def look_after_it_is_done() -> dict[bytes, Holder]:
        other.commit(lease, result(tasks[0].digest))
        return look()

    monkeypatch.setattr(store, "holders", look_after_it_is_done)
    monkeypatch.setattr(taking, "_turn_until", 0.0)
    taking.take_turns_if_time(agenda, None)

    assert tasks[0].digest not in agenda.candidates()
    assert agenda.plan.left == 2
