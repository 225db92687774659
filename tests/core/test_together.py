"""Values of many tasks are read at once, and are what each would be read for itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from jug import Task, codec, value
from jug.backends import promises
from jug.backends.dict_store import DictStore
from jug.errors import DamagedResult, DecodeError, ResultNotFound
from jug.session import using_here
from jug.task.attempt import load_arguments


class Asked(DictStore):
    """A store that notes how many results it is asked for at once."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[int] = []

    def load_many(self, digests: Sequence[bytes]) -> Iterator[tuple[bytes, Any]]:
        self.asked.append(len(digests))
        return super().load_many(digests)


@pytest.fixture
def store() -> Iterator[Asked]:
    with Asked() as store, using_here(store):
        yield store


def ran(count: int) -> list[Task[Any]]:
    tasks = [Task(abs, number) for number in range(count)]
    for task in tasks:
        task.run()
        task.unload()
    return tasks


def test_all_that_is_in_one_structure_is_asked_for_at_once(store: Asked) -> None:
    tasks = ran(7)

    assert value([tasks[:2], {"a": tasks[2:4], "b": (tasks[4], 9)}, tasks[0]]) == [
        [0, 1],
        {"a": [2, 3], "b": (4, 9)},
        0,
    ]
    assert store.asked == [5]


def test_lists_in_arguments_are_asked_for_at_once(store: Asked) -> None:
    tasks = ran(7)

    arguments = load_arguments(Task(max, tasks[:3], tasks[3], key=tasks[4:]))

    assert arguments == (([0, 1, 2], 3), {"key": [4, 5, 6]})
    assert store.asked == [7]


def test_what_is_loaded_is_not_asked_for(store: Asked) -> None:
    tasks = ran(4)
    value(tasks[:3])

    assert value(tasks) == [0, 1, 2, 3]
    assert store.asked == [3]


def test_thousands_are_asked_for_in_parts(store: Asked) -> None:
    assert value(ran(2100)) == list(range(2100))
    assert store.asked == [1000, 1000, 100]


def test_two_tasks_of_one_call_have_values_of_their_own(store: Asked) -> None:
    tasks = [Task(_listed, 3), Task(_listed, 3)]
    tasks[0].run()
    tasks[0].unload()

    first, second = value(tasks)

    assert first == second == [0, 1, 2]
    assert first is not second


def _listed(count: int) -> list[int]:
    return list(range(count))


def test_each_task_is_looked_for_in_its_own_store(store: Asked) -> None:
    here = ran(2)
    with Asked() as other:
        with using_here(other):
            there = [Task(_listed, number) for number in range(2)]
            for task in there:
                task.run()
                task.unload()
                task.own_store = other

        assert value([*here, *there]) == [0, 1, [], [0]]
        assert (store.asked, other.asked) == ([2], [2])


def test_a_list_in_itself_is_no_trouble(store: Asked) -> None:
    tasks: list[Any] = ran(2)
    plain: list[Any] = [1]
    plain.append(plain)

    assert value(tasks) == [0, 1]
    assert value(plain) is plain


def test_what_has_not_run_is_told_as_for_a_single_task(store: Asked) -> None:
    tasks = [*ran(2), Task(abs, -5)]

    with pytest.raises(ResultNotFound, match="abs"):
        value(tasks)


def test_what_is_damaged_is_told_as_for_a_single_task(
    store: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = ran(3)
    read = store.read

    def damaged(digest: bytes) -> Any:
        return read(digest)[:-1] if digest == tasks[1].digest else read(digest)

    monkeypatch.setattr(store, "read", damaged)
    with pytest.raises(DamagedResult):
        value(tasks)

    assert not store.has(tasks[1].digest)
    assert value([tasks[0], tasks[2]]) == [0, 2]


def test_what_can_not_be_made_into_a_value_is_left_out_of_many(
    store: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = ran(3)

    def decode(encoded: bytes) -> Any:
        found = codec.decode(encoded)
        if found == 1:
            raise DecodeError("its class is gone")
        return found

    monkeypatch.setattr(promises, "_decode", lambda: decode)

    assert sorted(found for _, found in store.load_many([one.digest for one in tasks])) == [0, 2]
    with pytest.raises(DecodeError, match="its class is gone"):
        value(tasks)
