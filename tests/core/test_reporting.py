"""What a worker says of its work to its supervisor."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest

from jug import Task
from jug.backends.base import BaseStore
from jug.execution.agenda import Agenda
from jug.execution.connection import SupervisorConnection, take_messages
from jug.execution.reporting import ToDisplay, ToSupervisor
from jug.execution.settings import Settings
from jug.execution.slots import WorkerSlots
from jug.jugfile import Jugspace
from jug.progress import Snapshot, Standing


@pytest.fixture
def connection() -> Iterator[SupervisorConnection]:
    ours, theirs = socket.socketpair()
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
    reporter = ToSupervisor(connection, store)
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


def standings(theirs: socket.socket) -> list[Standing]:
    """Return what was said of the tasks so far."""
    theirs.setblocking(False)
    received = bytearray()
    with suppress(BlockingIOError):
        while data := theirs.recv(1 << 16):
            received += data
    return [said for kind, said in take_messages(received) if kind == "standing"]


def test_what_is_said_before_the_first_task_makes_no_worker_of_who_says_it(tmp_path: Path) -> None:
    file_store = pytest.importorskip("jug.backends.file_store", exc_type=ImportError)
    ours, theirs = socket.socketpair()
    slots = WorkerSlots.for_workers(1)
    slots.watch()
    with file_store.FileStore(tmp_path / "jugdir") as store:
        jugspace = Jugspace(store, [Task(abs, -1)])
        reporter = ToSupervisor(SupervisorConnection(ours, slots, 0), store)
        reporter.begin(Agenda(jugspace, Settings(), set()))

        (said,) = standings(theirs)
        assert (said.total, said.workers) == ({"builtins.abs": 1}, 1)
        assert not list((tmp_path / "jugdir").rglob("*"))
    ours.close()
    theirs.close()
    slots.close()


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
