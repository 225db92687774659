"""What the views gather from a store, beside what commands print of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from jug import Task, set_jugdir
from jug.backends.base import BaseStore, Frame, Holder, Kind
from jug.backends.worker_record import WorkerRecord
from jug.jugfile import Jugspace
from jug.records import Record, pack
from jug.session import use_store
from jug.status import State
from jug.task.task import alltasks
from jug.views.history import History, following
from jug.views.neighbours import neighbours
from jug.views.places import Places
from jug.views.results import summary_of
from jug.views.why import outlook


@pytest.fixture
def store() -> Iterator[BaseStore]:
    """Return an empty store, which is the one in use."""
    with closing(set_jugdir("dict_store")) as store:
        yield store
        use_store(None)
        alltasks.clear()


@pytest.mark.parametrize("alive", [True, False])
def test_what_a_dead_worker_holds_is_not_being_run(
    store: BaseStore, monkeypatch: pytest.MonkeyPatch, alive: bool
) -> None:
    task = Task(abs, -1)
    holder = Holder("0123456789abcdef", None, alive=alive)
    monkeypatch.setattr(store, "holders", lambda: {task.digest: holder})

    seen = outlook(Jugspace(store, [task]))

    assert list(seen.reasons.values()) == ["is being run" if alive else "never run"]
    assert list(seen.forecast(1).unknown.values()) == ([] if alive else [1])


def test_runs_of_hosts_whose_clocks_are_behind_are_followed_too(store: BaseStore) -> None:
    task = Task(abs, -1)
    batches = following(History(Jugspace(store, [task])), since=time.time())
    assert next(batches) == []

    store.put(Frame(Kind.RESULT, task.digest, pack(Record("builtins.abs", time.time() - 1800))))

    assert [run.digest for run in next(batches)] == [task.digest]


def test_neighbours_that_are_not_done_come_first(store: BaseStore) -> None:
    done, waits, last = Task(abs, -1), Task(abs, -2), Task(abs, -3)
    for task in (done, last):
        task.run()

    found = neighbours(store, [done, waits, last])

    assert [one.task for one in found.first] == [waits, done, last]
    assert found.counts == {State.READY: 1, State.FINISHED: 2}


def test_a_worker_is_known_by_its_id_and_by_its_host_and_process() -> None:
    worker = WorkerRecord.here("0123456789abcdef")
    places = Places({worker.id: worker})

    assert places.of(worker.place) == places.of(worker.id)
    assert places.of(worker.place).worker == worker.id
    assert places.of("node7:12").as_dict() == {"worker": None, "host": "node7", "pid": 12}


def test_a_result_that_takes_more_memory_than_there_is_is_told_as_such(
    store: BaseStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = Task(abs, -1)
    task.run()

    def refuse(encoded: object) -> None:
        raise MemoryError("no room for it")

    monkeypatch.setattr("jug.codec.decode", refuse)
    found = summary_of(task)

    assert (found.type, found.length) == ("", None)
    assert found.text == "MemoryError: no room for it"
