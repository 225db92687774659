"""What is past its time limit is ended from outside, and nothing else."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from math import inf
from types import SimpleNamespace
from typing import Any

import pytest

from jug.execution.overdue import Overdue
from jug.execution.slots import Running, WorkerSlots
from jug.task import Task


class SlowStore:
    """Records a failure when it is told to, and has then done what follows."""

    def __init__(self) -> None:
        self.then: list[Callable[[], None]] = []

    def fail(self, worker: Any, running: Running, why: str, then: Callable[[], None]) -> None:
        self.then.append(then)


@pytest.fixture
def slots() -> Iterator[WorkerSlots]:
    slots = WorkerSlots.for_workers(1)
    slots.publish(0, Task(abs, -1))
    slots.set_deadline(0, -60.0)
    yield slots
    slots.close()


@pytest.mark.parametrize(
    "has_gone_on, signals", [(False, [signal.SIGKILL]), (True, [])], ids=["stays", "has gone on"]
)
def test_a_worker_is_ended_that_still_runs_it_when_the_failure_is_recorded(
    slots: WorkerSlots, has_gone_on: bool, signals: list[int]
) -> None:
    sent: list[int] = []
    worker: Any = SimpleNamespace(
        slot=0, has_ended=False, ends_by=inf, overdue=None, send_signal=sent.append
    )
    store: Any = SlowStore()
    overdue = Overdue(store, slots)

    for _ in range(3):
        overdue.check(worker, slots.running(0), time.monotonic())
    if has_gone_on:
        slots.set_deadline(0, None)
        slots.publish(0, Task(abs, -2))
    for then in store.then:
        then()

    assert len(store.then) == 1
    assert sent == signals
