"""A worker's end of the connection to its supervisor."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator

import pytest

from jug.execution.connection import SupervisorConnection
from jug.execution.slots import WorkerSlots


class Ends:
    """Both ends of a connection, and how often the worker noticed that it was cut."""

    def __init__(self) -> None:
        self.supervisor, self.worker = socket.socketpair()
        self.deaths = 0

    def note_death(self) -> None:
        self.deaths += 1


@pytest.fixture
def ends() -> Iterator[Ends]:
    ends = Ends()
    slots = WorkerSlots.for_workers(1)
    before = signal.getsignal(signal.SIGIO)
    with ends.supervisor, ends.worker:
        SupervisorConnection(ends.worker, slots, 0).on_death(ends.note_death)
        yield ends
    signal.signal(signal.SIGIO, before)
    slots.close()


def test_a_signal_from_a_living_supervisor_is_no_death(ends: Ends) -> None:
    signal.raise_signal(signal.SIGIO)

    assert not ends.deaths


def test_the_death_of_the_supervisor_is_noticed(ends: Ends) -> None:
    ends.supervisor.close()
    signal.raise_signal(signal.SIGIO)

    assert ends.deaths


def test_the_death_of_a_supervisor_that_had_not_read_everything_is_noticed(ends: Ends) -> None:
    ends.worker.sendall(b"unread")
    ends.supervisor.close()
    signal.raise_signal(signal.SIGIO)

    assert ends.deaths
