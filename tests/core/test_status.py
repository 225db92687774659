"""How far the work is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from random import Random

import pytest

from jug import Task, set_jugdir
from jug.backends.base import BaseStore, Frame, Kind, Lease
from jug.backends.dict_store import DictStore
from jug.status import GraphSight, Sight, State, StatusKeeper, look, states
from jug.task.graph import Graph
from jug.task.task import alltasks
from jug.testing.hooks import failure, result


@pytest.fixture
def store() -> Iterator[BaseStore]:
    """Return an empty store, which is the one in use."""
    yield set_jugdir("dict_store")
    alltasks.clear()


def counts(store: BaseStore, tasks: list[Task[int]]) -> dict[str, int]:
    """Return how many tasks are in each state that has any."""
    status = look(store, tasks)
    return {state.value: status.total(state) for state in State if status.total(state)}


def test_each_task_is_in_one_state(store: BaseStore) -> None:
    done, failed, running, ready = (Task(abs, n) for n in range(4))
    waiting = Task(max, done, ready)
    done.run()
    store.put(Frame(Kind.FAILURE, failed.digest, b"\0" * 32))
    assert store.acquire([running.digest])
    tasks = [done, failed, running, ready, waiting]

    assert [state.value for state in states(store, tasks)] == [
        "finished", "failed", "running", "ready", "waiting",
    ]  # fmt: skip
    assert set(counts(store, tasks).values()) == {1}


def test_a_failed_task_that_is_tried_again_is_running(store: BaseStore) -> None:
    task = Task(abs, -1)
    store.put(Frame(Kind.FAILURE, task.digest, b"\0" * 32))
    assert store.acquire([task.digest])

    assert counts(store, [task]) == {"running": 1}


def test_equal_tasks_are_counted_once(store: BaseStore) -> None:
    assert counts(store, [Task(abs, -1), Task(abs, -1), Task(abs, -2)]) == {"ready": 2}


def test_names_are_sorted_and_counted_apart(store: BaseStore) -> None:
    status = look(store, [Task(max, 1, 2), Task(abs, -1), Task(abs, -2)])

    assert status.names() == ["builtins.abs", "builtins.max"]
    assert status.counts[State.READY] == {"builtins.abs": 2, "builtins.max": 1}


def test_a_task_of_another_store_is_looked_up_there(store: BaseStore) -> None:
    other = DictStore()
    task = Task(abs, -1)
    task.own_store = other
    task.run()

    assert counts(store, [task, Task(max, task, 2)]) == {"finished": 1, "ready": 1}


def test_no_tasks_at_all_are_complete(store: BaseStore) -> None:
    assert look(store, []).sentence() == "All tasks complete (0 tasks)."


def test_a_million_finished_tasks_would_need_no_graph(store: BaseStore) -> None:
    """Dependencies of a finished task are not looked at."""
    task = Task(max, Task(abs, -1), 2)
    digest = task.digest
    store.put(Frame(Kind.RESULT, digest, b"\0" * 32, [b""]))
    task.args = (object(),)

    assert look(store, [task]).is_complete()


@pytest.mark.parametrize("length", [3000])
def test_a_long_chain_needs_no_recursion(store: BaseStore, length: int) -> None:
    task = Task(abs, -1)
    tasks = [task, *(task := Task(abs, task) for _ in range(length))]

    assert counts(store, tasks) == {"ready": 1, "waiting": length}


def test_what_is_needed_may_be_none_of_the_tasks(store: BaseStore) -> None:
    done, undone = Task(abs, -1), Task(abs, -2)
    done.run()

    assert counts(store, [Task(max, done, done), Task(max, done, undone)]) == {
        "ready": 1,
        "waiting": 1,
    }


def test_a_task_of_another_store_is_done_where_that_says_so(store: BaseStore) -> None:
    mine, other = Task(abs, -1), DictStore()
    mine.own_store = other
    store.put(result(mine.digest))  # an equal task's, which is not meant

    assert counts(store, [mine, Task(sum, [mine])]) == {"ready": 1, "waiting": 1}
    mine.run()
    assert counts(store, [mine, Task(sum, [mine])]) == {"ready": 1, "finished": 1}


@pytest.mark.parametrize("follows", [False, True])
def test_what_was_done_last_is_told_first(store: BaseStore, follows: bool) -> None:
    tasks = [Task(abs, -number) for number in range(5)]
    with store.reader() as reader:
        keeper = StatusKeeper(store, tasks, reader)
        keeper.status()
        for place in (1, 3):
            tasks[place].run()
            keeper.status()
        seen = keeper if follows else Sight(store, tasks)
        seen.status()

        assert [*seen.last_done(1)][:1] == [tasks[3]]
        assert seen.undone == [tasks[0], tasks[2], tasks[4]]


def test_a_graph_is_seen_as_its_tasks_are(store: BaseStore) -> None:
    first = [Task(abs, -number) for number in range(6)]
    tasks = [*first, Task(max, first[0], first[1], first[0]), Task(max, first[2], first[3])]
    for digest in (first[1].digest, first[4].digest):
        store.put(result(digest))
    store.put(failure(first[2].digest))
    tasks[5].own_store = other = DictStore()
    other.put(result(tasks[5].digest))

    plain, seen = Sight(store, tasks), GraphSight(store, Graph(tasks))

    assert seen.status().rows() == plain.status().rows()
    assert seen.undone == plain.undone
    assert [set(seen.missing(task)) for task in tasks] == [
        {first[n].digest for n in numbers} for numbers in ((), (), (), (), (), (), (0,), (2, 3))
    ]
    assert all(set(seen.missing(task)) == set(plain.missing(task)) for task in tasks)
    some = [first[4].digest, first[3].digest, b"another"]
    assert [*seen.among(some).items()] == [*plain.among(some).items()]
    assert [*seen.among(some)] == [first[3].digest, first[4].digest]


def test_what_is_kept_up_to_date_is_not_looked_at_as_a_whole(
    store: BaseStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = [Task(abs, -number) for number in range(1000)]
    with store.reader() as reader:
        keeper = StatusKeeper(store, [*tasks, Task(max, tasks[7], tasks[8])], reader)
        keeper.status()
        looked_at: list[str] = []

        def counting(states: object, task: Task[int]) -> State:
            looked_at.append(task.name)
            return State.READY

        monkeypatch.setattr("jug.status._States.of", counting)
        store.put(result(tasks[7].digest))
        keeper.status()

    assert sorted(looked_at) == ["builtins.abs", "builtins.max"]


def test_what_is_kept_up_to_date_is_what_a_look_at_all_gives(store: BaseStore) -> None:
    random = Random(3)
    first = [Task(abs, -number) for number in range(30)]
    second = [Task(max, *random.sample(first, 3)) for _ in range(30)]
    tasks = [*first, *second, Task(sum, second[:3])]
    held: list[Lease] = []
    with store.reader() as reader, closing(store.another_view()) as other:
        keeper = StatusKeeper(store, tasks, reader)
        for _ in range(300):
            digest = random.choice(tasks).digest
            match random.randrange(5):
                case 0:
                    other.put(result(digest))
                case 1:
                    other.put(failure(digest))
                case 2:
                    other.discard([digest])
                case 3:
                    held += filter(None, [other.acquire([digest])])
                case 4 if held:
                    other.release(held.pop(0))
            if random.random() < 0.3:
                assert keeper.status().rows() == look(store, tasks).rows()
