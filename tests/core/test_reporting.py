"""What a worker says of its work to its supervisor."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from jug import Task
from jug.backends.base import BaseStore
from jug.execution.connection import SupervisorConnection
from jug.execution.reporting import ToSupervisor
from jug.execution.slots import WorkerSlots


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
