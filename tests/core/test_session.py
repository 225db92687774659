"""The store in use, in each thread."""

import gc
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

import jug
from jug import TaskGenerator
from jug.backends.registry import open_store
from jug.session import current_store, is_store_chosen, use_store, using_here

pytest.importorskip("jug.backends.file_store", exc_type=ImportError)  # threads share a folder


@TaskGenerator
def named(folder, number):
    return folder, number


@pytest.fixture
def store(tmp_path):
    with open_store(tmp_path / "jugdata") as store:
        before = use_store(store)
        yield store
        use_store(before)


def in_threads(count, call):
    """Return what calls in threads at the same time return."""
    together = Barrier(count)

    def begin(number):
        together.wait(10)
        return call(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(begin, range(count)))


def test_each_thread_has_a_view_of_its_own_of_the_same_store(store):
    views = in_threads(3, lambda number: (current_store(), current_store()))

    assert all(first is second for first, second in views)
    assert len({id(view) for view, _ in views} | {id(store)}) == 4
    assert {view.url for view, _ in views} == {store.url}
    assert current_store() is store


def test_a_view_is_closed_when_its_thread_ends(store, monkeypatch):
    closed = []
    monkeypatch.setattr(type(store), "close", lambda view: closed.append(view))

    with ThreadPoolExecutor(1) as pool:
        pool.submit(current_store).result()
    gc.collect()

    assert len(closed) == 1
    assert closed[0] is not store


def test_a_store_that_is_in_use_in_one_thread_is_not_in_the_others(store, tmp_path):
    with open_store(tmp_path / "other") as other, using_here(other):
        assert current_store() is other
        assert [view.url for view in in_threads(1, lambda number: current_store())] == [store.url]
    assert current_store() is store
    use_store(None)
    assert not is_store_chosen()


@pytest.mark.parametrize("workers", [1, 2])
def test_runs_in_threads_each_with_a_jugdir_of_its_own(store, tmp_path, workers, monkeypatch):
    monkeypatch.setattr("jug.execution.processes.UNSAFE_TO_FORK", ())  # other tests load some

    def run(number):
        tasks = [named(number, i) for i in range(5)]
        return jug.run(tasks, workers=workers, jugdir=tmp_path / str(number))

    found = in_threads(3, run)

    assert found == [[(number, i) for i in range(5)] for number in range(3)]
    for number in range(3):
        with open_store(tmp_path / str(number)) as there:
            assert (
                there.exists_after_poll([named(number, i).digest for i in range(5)]) == [True] * 5
            )
    assert current_store() is store
    assert list(store.list()) == []


def test_runs_in_threads_that_share_a_jugdir(store):
    def run(number):
        return [jug.run([named(n % 2, i) for i in range(20)]) for n in range(number, number + 3)]

    found = in_threads(4, run)

    for number, values in enumerate(found):
        wanted = [[(n % 2, i) for i in range(20)] for n in range(number, number + 3)]
        assert values == wanted
    assert len(list(store.list())) == 40


def test_values_are_read_by_threads(store):
    tasks = [named("x" * (number % 7 * 100), number) for number in range(100)]
    jug.run(tasks)
    for task in tasks:
        task.unload()

    found = in_threads(4, lambda number: [task.value()[1] for task in tasks[number::4]])

    assert found == [list(range(number, 100, 4)) for number in range(4)]
