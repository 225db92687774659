"""What a worker says of its work to its supervisor."""

from __future__ import annotations

import os
from collections.abc import Iterator
from io import FileIO
from itertools import islice
from pathlib import Path
from types import SimpleNamespace

import pytest

from jug import Task
from jug.backends.base import BaseStore, Changes, Reader
from jug.execution.agenda import Agenda
from jug.execution.connection import SupervisorConnection, open_channel, take_messages
from jug.execution.reporting import ToDisplay, ToSupervisor
from jug.execution.settings import Settings
from jug.execution.slots import WorkerSlots
from jug.jugfile import Jugspace
from jug.progress import Snapshot, Standing


@pytest.fixture
def connection() -> Iterator[SupervisorConnection]:
    theirs, ours = open_channel()
    slots = WorkerSlots.for_workers(1)
    slots.watch()
    yield SupervisorConnection(ours, slots, 0)
    ours.close()
    theirs.close()
    slots.close()


def test_of_very_short_tasks_in_a_row_few_show_their_arguments_and_of_longer_ones_all(
    connection: SupervisorConnection, store: BaseStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    clock = SimpleNamespace(monotonic=lambda: now, time=lambda: now)
    monkeypatch.setattr("jug.execution.reporting.time", clock)
    reporter = ToSupervisor(connection, store, store.reader())
    tasks = [Task(abs, number) for number in range(3000)]

    def shown(apart: float) -> list[bool]:
        nonlocal now
        found = []
        for task in tasks:
            reporter.publish(task)
            found.append(connection.slots.arguments(0, task.digest) is not None)
            now += apart
        return found

    first = shown(apart=0.000_1)
    assert all(first[:1000])
    assert sum(first) < 1400
    assert sum(shown(apart=0.000_1)) == pytest.approx(300, abs=5)
    assert all(shown(apart=0.001_1)[1:])


def standings(theirs: FileIO) -> list[Standing]:
    """Return what was said of the tasks so far."""
    os.set_blocking(theirs.fileno(), False)
    received = bytearray(theirs.read(1 << 16) or b"")
    return [said for kind, said in take_messages(received) if kind == "standing"]


def test_what_is_said_before_the_first_task_makes_no_worker_of_who_says_it(tmp_path: Path) -> None:
    file_store = pytest.importorskip("jug.backends.file_store", exc_type=ImportError)
    theirs, ours = open_channel()
    slots = WorkerSlots.for_workers(1)
    slots.watch()
    with file_store.FileStore(tmp_path / "jugdir") as store:
        jugspace = Jugspace(store, [Task(abs, -1)])
        reporter = ToSupervisor(SupervisorConnection(ours, slots, 0), store, store.reader())
        reporter.begin(Agenda(jugspace, Settings(), set()))

        (said,) = standings(theirs)
        assert (said.total, said.workers) == ({"builtins.abs": 1}, 1)
        assert not list((tmp_path / "jugdir").rglob("*"))
    ours.close()
    theirs.close()
    slots.close()


class TwoWorkers:
    """Two workers of one run: the first speaks for both, the second is played by the test."""

    def __init__(self, store: BaseStore) -> None:
        self.theirs, self.ours = open_channel()
        self.slots = WorkerSlots.for_workers(2)
        self.slots.watch()
        self.other = SupervisorConnection(self.ours, self.slots, 1)
        self.tasks = [Task(abs, -number) for number in range(1, 4)]
        self.agenda = Agenda(Jugspace(store, self.tasks), Settings(), set())
        connection = SupervisorConnection(self.ours, self.slots, 0)
        self.reporter = ToSupervisor(connection, store, store.reader())

    def run_by_other(self, task: Task[int]) -> None:
        task.run()
        self.other.publish(task)
        self.other.count_executed(task.name)


@pytest.fixture
def two_workers(store: BaseStore) -> Iterator[TwoWorkers]:
    two = TwoWorkers(store)
    yield two
    two.ours.close()
    two.theirs.close()
    two.slots.close()


def test_what_another_worker_has_counted_is_found_in_the_store(two_workers: TwoWorkers) -> None:
    two_workers.run_by_other(two_workers.tasks[0])
    two_workers.reporter.begin(two_workers.agenda)

    (said,) = standings(two_workers.theirs)
    assert (said.total, said.elsewhere) == ({"builtins.abs": 3}, {"builtins.abs": 0})


def test_what_another_worker_counts_while_the_store_is_read_is_not_counted_twice(
    two_workers: TwoWorkers, store: BaseStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    refresh, tasks = store.refresh, iter(two_workers.tasks)

    def refresh_while_the_other_works(reader: Reader) -> Changes:
        for task in islice(tasks, 1):
            two_workers.run_by_other(task)
        return refresh(reader)

    monkeypatch.setattr(store, "refresh", refresh_while_the_other_works)
    two_workers.reporter.begin(two_workers.agenda)

    (said,) = standings(two_workers.theirs)
    assert said.elsewhere == {"builtins.abs": 0}
    assert two_workers.slots.executed()["builtins.abs"].runs == 3


def test_what_another_worker_has_saved_and_is_about_to_count_is_its_own(
    two_workers: TwoWorkers,
) -> None:
    saved, running, _ = two_workers.tasks
    two_workers.other.publish(saved)
    saved.run()
    two_workers.reporter.begin(two_workers.agenda)
    two_workers.other.count_executed(saved.name)
    two_workers.reporter.end(two_workers.agenda)
    two_workers.other.publish(running)
    two_workers.reporter.end(two_workers.agenda)

    assert [said.elsewhere["builtins.abs"] for said in standings(two_workers.theirs)] == [0, 0, 0]
    assert two_workers.slots.executed()["builtins.abs"].runs == 1


def test_what_another_worker_has_run_in_vain_was_done_by_others(two_workers: TwoWorkers) -> None:
    done = two_workers.tasks[0]
    two_workers.other.publish(done)
    done.run()  # as by a worker of another run
    two_workers.other.count_none()
    two_workers.reporter.begin(two_workers.agenda)

    (said,) = standings(two_workers.theirs)
    assert said.elsewhere == {"builtins.abs": 1}


def test_a_display_is_drawn_often_and_the_store_looked_at_once_in_a_second(
    store: BaseStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    clock = SimpleNamespace(monotonic=lambda: now, time=lambda: now)
    monkeypatch.setattr("jug.execution.reporting.time", clock)
    shown: list[Snapshot] = []
    counted: list[float] = []
    agenda = Agenda(Jugspace(store, [Task(abs, -1)]), Settings(), set())
    monkeypatch.setattr(agenda.census, "update", lambda: counted.append(now))
    display = SimpleNamespace(interval=0.25, show=shown.append)
    reporter = ToDisplay(display, store)  # type: ignore[arg-type]
    reporter.begin(agenda)
    counted.clear()

    while now < 1004.0:
        reporter.look(agenda)
        now += 0.125

    assert len(shown) == 16
    assert counted == [1000.0, 1001.0, 1002.0, 1003.0]
