"""What the store alone says of work that others do, in stores of every kind."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from jug import Task, TaskGenerator, records
from jug.backends.base import BaseStore, Frame, Kind
from jug.backends.registry import open_store
from jug.codec import encode
from jug.progress.outside import Onlooker
from jug.progress.wording import at_work
from jug.records import Record
from jug.session import use_store
from jug.status import State

SECONDS = 2.0  # that each task took


@TaskGenerator
def measure(n):
    return n


@TaskGenerator
def fit(x):
    return x


@pytest.fixture(params=["dict", "file"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "file":
        pytest.importorskip("jug.backends.file_store", exc_type=ImportError)
    return {"dict": f"dict_store:{tmp_path}/memory", "file": str(tmp_path / "jugdir")}[
        request.param
    ]


class OnlookerTests:
    """What holds for every store; a class below it, or in another folder, gives the URL."""

    @pytest.fixture
    def store(self, url: str) -> Any:
        with closing(open_store(url)) as store:
            before = use_store(store)
            yield store
            use_store(before)

    def test_two_workers_share_what_is_left(
        self, store: BaseStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tasks, now = [measure(n) for n in range(10)], time.time()
        monkeypatch.setattr(time, "time", lambda: now)  # what is begun is as old as it was
        with closing(store.another_view()) as one, closing(store.another_view()) as other:
            for number, task in enumerate(tasks[:4]):
                save(one, task, start=1000.0 + number)
            leases = [one.acquire([tasks[4].digest]), other.acquire([tasks[5].digest])]

            status, snapshot = Onlooker(store, tasks).look()

            assert all(leases)
            assert status.total(State.RUNNING) == snapshot.running == snapshot.workers == 2
            assert (snapshot.done, snapshot.total, snapshot.rate) == (4, 10, 1.0)
            assert snapshot.time_left == pytest.approx(SECONDS * 6 / 2)
            assert at_work(snapshot) == "2 workers, 1.0 tasks/s, 6 s left"
            assert [act.arguments for act in snapshot.activities] == ["4", "5"]
            for view, lease in ((one, leases[0]), (other, leases[1])):
                assert lease is not None
                view.release(lease)

    def test_a_task_that_began_while_it_was_looked_has_an_age(self, store: BaseStore) -> None:
        task = measure(1)
        clock = iter([0.0, 0.0, 1.0, 3.0])
        onlooker = Onlooker(store, [task], clock.__next__)
        onlooker.look()
        with closing(store.another_view()) as worker:
            lease = worker.acquire([task.digest])
            assert lease is not None
            ages = [onlooker.look()[1].activities[0].seconds for _ in range(2)]
            worker.release(lease)

        assert ages == [0.0, 2.0]

    def test_of_a_task_that_began_before_its_worker_says_since_when(self, store: BaseStore) -> None:
        task = measure(1)
        with closing(store.another_view()) as worker:
            heartbeat = worker.heartbeat()
            if heartbeat is None:
                pytest.skip("a store within one process knows no such thing")
            lease = worker.acquire([task.digest])
            assert lease is not None
            onlooker = Onlooker(store, [task], reader=store.reader())
            unknown = onlooker.look()[1].activities
            heartbeat.show(task.digest, time.time() - 100)
            (activity,) = onlooker.look()[1].activities
            worker.release(lease)

        assert [one.seconds for one in unknown] == [None]
        assert activity.seconds == pytest.approx(100, abs=5)
        assert activity.arguments == "1"

    def test_where_nobody_works_it_is_said_how_long_one_would(self, store: BaseStore) -> None:
        tasks = [measure(n) for n in range(5)]
        save(store, tasks[0])

        _, snapshot = Onlooker(store, tasks).look()

        assert at_work(snapshot) == "no worker is at work, one would take 8 s"
        assert snapshot.rate is None

    def test_what_was_removed_still_says_what_a_task_takes(self, store: BaseStore) -> None:
        task = measure(1)
        save(store, task)
        store.discard([task.digest])

        _, snapshot = Onlooker(store, [task]).look()

        assert snapshot.time_left == pytest.approx(SECONDS)

    def test_tasks_of_another_jugfile_do_not_count(self, store: BaseStore) -> None:
        mine, others = measure(1), fit(2)
        save(store, others)
        with closing(store.another_view()) as worker:
            lease = worker.acquire([fit(3).digest])
            assert lease is not None
            _, snapshot = Onlooker(store, [mine]).look()
            worker.release(lease)

        assert (snapshot.total, snapshot.workers, snapshot.time_left) == (1, 0, None)

    def test_what_waits_for_a_failure_takes_no_time(self, store: BaseStore) -> None:
        bad, good = measure(1), measure(2)
        waits = [fit(bad)]
        waits.append(fit(waits[0]))
        save(store, good)
        store.put(Frame(Kind.FAILURE, bad.digest, records.pack(Record(bad.name))))

        _, snapshot = Onlooker(store, [bad, good, *waits]).look()

        assert (snapshot.failed, snapshot.left, snapshot.time_left) == (1, 0, 0.0)
        assert [one.blocked for one in snapshot.names] == [0, 2]

    def test_what_failed_itself_is_not_said_to_wait_for_another_failure(
        self, store: BaseStore
    ) -> None:
        bad = measure(1)
        tasks = [bad, fit(bad), fit([bad])]
        for task in tasks[:2]:
            store.put(Frame(Kind.FAILURE, task.digest, records.pack(Record(task.name))))

        _, snapshot = Onlooker(store, tasks).look()

        assert {one.name.rpartition(".")[2]: one.blocked for one in snapshot.names} == {
            "measure": 0,
            "fit": 1,
        }


class TestOnlooker(OnlookerTests):
    """The stores that need no server."""


def save(store: BaseStore, task: Task[Any], start: float | None = None) -> None:
    """Save a result of a task that took two seconds."""
    begin = time.time() - SECONDS if start is None else start
    record = records.pack(Record(task.name, begin, SECONDS))
    assert store.put(Frame(Kind.RESULT, task.digest, record, encode(1)))
