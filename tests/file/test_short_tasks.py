"""A worker that takes several short tasks at a time from a directory."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jug import Task, TaskGenerator
from jug.backends import file_store
from jug.backends._file.worker_file import CLAIM_AT
from jug.backends.file_store import FileStore
from jug.execution import worker as worker_module
from jug.execution.short_tasks import ShortTasks
from jug.execution.summary import Ending
from jug.execution.worker import Worker
from jug.jugfile import Jugspace
from jug.testing.hooks import result, taken

ran: list[int] = []
at: dict[int, Callable[[], object]] = {}
"""What happens while a task runs."""


@TaskGenerator
def short(number: int) -> int:
    ran.append(number)
    at.get(number, int)()
    return number


@TaskGenerator
def long(number: int) -> int:
    ran.append(number)
    return number


@pytest.fixture(autouse=True)
def nothing_ran() -> None:
    ran.clear()
    at.clear()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[FileStore]:
    if sys.platform != "linux":
        pytest.skip("elsewhere a worker takes tasks one by one, as no disk is known to be local")
    with FileStore(tmp_path) as opened:
        yield opened


@pytest.fixture
def other(tmp_path: Path) -> Iterator[FileStore]:
    with FileStore(tmp_path) as opened:
        yield opened


@pytest.fixture
def tasks() -> list[Task[int]]:
    return [short(number) for number in range(30)]


@pytest.fixture
def worker(store: FileStore, tasks: list[Task[int]], monkeypatch: pytest.MonkeyPatch) -> Worker:
    """Return a worker that takes nearly all at a time, however slow this machine is just now."""
    monkeypatch.setattr(worker_module, "LONGEST", 3600.0)
    monkeypatch.setattr(ShortTasks, "has", lambda *_: bool(ran))
    monkeypatch.setattr(ShortTasks, "first_of", lambda _, few: [task.digest for task in few])
    jugspace = Jugspace(store, tasks)
    return Worker(jugspace, lambda _: jugspace)


def test_all_run_once_and_nothing_is_held_at_the_end(
    worker: Worker, other: FileStore, tasks: list[Task[int]]
) -> None:
    seen: list[int] = []
    at[5] = lambda: seen.append(len(other.holders()))

    assert worker.run().ending is Ending.DONE

    assert ran == [*range(30)] and seen == [25]
    assert other.exists_after_poll([task.digest for task in tasks]) == [True] * 30
    assert other.holders() == {}


def test_what_it_claimed_and_did_not_get_comes_before_what_may_take_long(
    store: FileStore, other: FileStore, tasks: list[Task[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "LONGEST", 3600.0)
    monkeypatch.setattr(ShortTasks, "has", lambda _, name: bool(ran) and name == tasks[0].name)
    monkeypatch.setattr(
        ShortTasks,
        "first_of",
        lambda _, few: [task.digest for task in few if task.name == tasks[0].name],
    )
    monkeypatch.setattr(store, "turn", lambda: (1, 2))  # so 10 is the other's from now on
    jugspace = Jugspace(store, [*tasks, *map(long, range(30, 34))])
    lease = taken(other, tasks[10].digest)
    at[5] = lambda: other.release(lease)  # it has seen the claim, and goes elsewhere

    assert Worker(jugspace, lambda _: jugspace).run().ending is Ending.DONE
    assert ran[:31] == [*range(10), *range(11, 30), 10, 31]


def test_who_is_told_to_stop_begins_no_more_of_what_it_has_claimed(
    worker: Worker, other: FileStore
) -> None:
    at[5] = lambda: setattr(worker, "stop", Ending.DRAINED)

    assert worker.run().ending is Ending.DRAINED

    assert ran == [0, 1, 2, 3, 4, 5]
    assert other.holders() == {}


def test_what_another_has_taken_from_a_revoked_claim_is_not_begun(
    worker: Worker,
    store: FileStore,
    other: FileStore,
    tasks: list[Task[int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(file_store, "_FRESH", 3600.0)  # nothing else tells it of that

    def another_takes_the_next() -> None:
        own = os.open(Path(store.jugdir, "leases", store.worker_id), os.O_WRONLY)
        os.pwrite(own, b"\1", CLAIM_AT + 4)
        os.close(own)
        while (lease := other.acquire([tasks[6].digest])) is None:
            time.sleep(0.001)  # the mark has not settled
        other.commit(lease, result(tasks[6].digest))

    at[5] = another_takes_the_next

    assert worker.run().ending is Ending.DONE

    assert ran == [number for number in range(30) if number != 6]


def test_what_is_done_meanwhile_is_not_begun(
    worker: Worker, other: FileStore, tasks: list[Task[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_store, "_FRESH", 0.0)
    at[5] = lambda: other.put(result(tasks[6].digest))

    assert worker.run().ending is Ending.DONE

    assert ran == [number for number in range(30) if number != 6]


def test_what_takes_too_long_together_is_given_back(
    worker: Worker, other: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    def becomes_slow() -> None:
        monkeypatch.setattr(ShortTasks, "has", lambda *_: False)
        time.sleep(0.02)

    monkeypatch.setattr(worker_module, "LONGEST", 0.02)
    monkeypatch.setattr(ShortTasks, "first_of", lambda _, few: [task.digest for task in few][:9])
    at[1] = becomes_slow
    at[2] = lambda: seen.append(len(other.holders()))

    assert worker.run().ending is Ending.DONE

    assert seen == [1]


def test_a_name_of_which_one_took_long_is_not_short_for_some_time() -> None:
    known = ShortTasks()
    known.note("name", 0.01)
    known.note("name", 0.0001)
    assert not known.has("name")

    known.note("name", 0.0001)
    assert known.has("name")


def test_no_more_are_taken_than_a_moment_is_enough_for(tasks: list[Task[int]]) -> None:
    known = ShortTasks()
    known.note(tasks[0].name, 0.0009)

    assert known.first_of(tasks) == [task.digest for task in tasks[:3]]
