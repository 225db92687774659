"""Arguments and results arrive as they were given."""

from __future__ import annotations

import collections
import copy
import dataclasses
import os
import pickle
import time
from collections import Counter
from typing import Any, NamedTuple

import numpy
import pytest

from jug import Task, TaskGenerator, value
from jug.backends.base import Frame, Kind
from jug.codec import encode
from jug.errors import EncodeError, HashError, TaskError
from jug.records import Record, pack
from jug.task.arguments import value_of
from jug.task.attempt import load_arguments

pytestmark = pytest.mark.usefixtures("store")


def same(x: Any) -> Any:
    return x


class Point(NamedTuple):
    x: Any
    y: Any = 0


class Noted(collections.namedtuple("Pair", "a b")):  # noqa: PYI024, SLOT002
    note = ""


class Frozen(dict[str, Any]):
    def __setitem__(self, key: Any, item: Any) -> None:
        raise TypeError("it is frozen")


def noted(a: Any, note: str) -> Noted:
    made = Noted(a, 2)
    made.note = note
    return made


WHOLE = [
    time.gmtime(0),
    os.stat("/"),
    Frozen(a=1),
    noted(1, "n"),
    collections.Counter("abca"),
    collections.defaultdict(list, a=[1]),
]


@pytest.mark.parametrize("argument", WHOLE, ids=lambda argument: type(argument).__name__)
def test_an_argument_of_a_class_of_its_own_without_a_task_is_passed_on_as_it_is(
    argument: Any,
) -> None:
    (arrived,), _ = load_arguments(Task(same, argument))
    ((inner,),), _ = load_arguments(Task(same, [argument]))

    assert arrived is argument and inner is argument


def test_a_subclass_with_a_task_in_it_keeps_its_type_and_attributes() -> None:
    one = Task(same, 1)
    one.run()

    (made,), _ = load_arguments(Task(same, noted(one, "n")))
    (frozen,), _ = load_arguments(Task(same, Frozen(a=one)))
    (point,), _ = load_arguments(Task(same, Point(one)))
    (moment,), _ = load_arguments(Task(same, time.struct_time([one, *range(8)])))

    assert (type(made), made, made.note) == (Noted, (1, 2), "n")
    assert (type(frozen), frozen) == (Frozen, {"a": 1})
    assert point == Point(1) and moment.tm_year == 1


def deep(inner: Any, levels: int = 5000) -> list[Any]:
    for _ in range(levels):
        inner = [inner]
    return inner


def test_what_is_nested_deep_or_in_itself_is_carried_if_no_task_is_in_it() -> None:
    loop: list[Any] = [1]
    loop.append(loop)
    for argument in (deep(1), loop):
        task = Task(len, argument)
        assert task.hash()
        assert task.run() == len(argument)
    task = Task(same, 1)
    task.run()
    loop.append(task)
    for argument in (deep(task), loop):
        with pytest.raises(TaskError, match="pass them in a list of their own"):
            load_arguments(Task(len, argument))


def test_a_list_that_a_function_changes_is_not_the_jugfiles() -> None:
    argument = [3, 1, [2]]
    (arrived,), _ = load_arguments(Task(same, argument))
    arrived[2].append(4)

    assert argument == [3, 1, [2]]


# Copies of tasks


@dataclasses.dataclass
class Config:
    x: Any


@pytest.mark.parametrize(
    "copied",
    [copy.copy, copy.deepcopy, lambda task: pickle.loads(pickle.dumps(task))],
    ids=["copy", "deepcopy", "pickle"],
)
def test_a_copy_of_a_task_has_no_value_of_its_own(copied: Any) -> None:
    task = Task(same, 7)

    before = copied(task)
    task.run()
    after = copied(task)

    assert not before.is_loaded() and not after.is_loaded()
    assert (before.hash(), before.value(), after.value()) == (task.hash(), 7, 7)


def test_a_task_that_asdict_has_copied_is_replaced_by_its_value() -> None:
    task = Task(same, 7)
    user = Task(same, dataclasses.asdict(Config(task)))
    task.run()

    assert user.run() == {"x": 7}


# Texts of tasks


def test_texts_of_two_tasks_differ_and_printing_is_fine() -> None:
    one, other = Task(same, 1), Task(same, 2)

    assert str(one) != str(other)
    assert repr(Task(same, one)) != repr(Task(same, other))
    assert str(one).startswith("Task: tests.core.test_arguments.same() #")
    assert str(Task(same, open)) and "{" not in f"{Task(same, threading_lock())}"


def threading_lock() -> Any:
    import threading

    return threading.Lock()


@pytest.mark.parametrize(
    "argument",
    [
        lambda task: f"out_{task}.txt",
        lambda task: [1, f"{[task]}"],
        lambda task: {"a": str(task)},
        lambda task: {str(task): 1},
        lambda task: (format(task),),
        lambda task: f"{task}".encode(),
        lambda task: str(task).upper(),
        lambda task: numpy.str_(f"out_{task}"),
        lambda task: numpy.array([["", f"{task}.txt"]]),
        lambda task: numpy.array([f"{task}".encode()]),
    ],
    ids=["f-string", "list", "dict", "key", "format", "bytes", "upper", "scalar", "array", "raw"],
)
def test_the_text_of_a_task_in_an_argument_is_refused_and_both_are_named(argument: Any) -> None:
    user = Task(same, argument(Task(abs, -1)))

    with pytest.raises(HashError, match="argument 1 of task '.*same': .* task 'builtins.abs'"):
        user.hash()
    assert Task(same, "a # mark of another kind #5ad5ad5ad5ad5ad5").hash()


# Tasks made in tasks


@TaskGenerator
def inner(x: int) -> int:
    return x


@TaskGenerator
def outer(x: int) -> int:
    inner(x)
    return x


@TaskGenerator
def careful(x: int) -> Any:
    return inner(x).run()


def test_a_task_made_while_another_runs_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    for number in range(3):
        outer(number).run()
        careful(number).run()

    (record,) = caplog.records
    assert "outer made task" in record.message and "inner.f(...)" in record.message


# Results


def test_who_runs_a_task_by_hand_goes_on_with_the_result_that_is_stored() -> None:
    task = Task(same, 1)
    load, task.store.poll = task.can_load, lambda: None  # type: ignore[method-assign]
    other = Frame(Kind.RESULT, task.digest, pack(Record("other")), encode("stored"))

    class Meanwhile:
        def __call__(self, x: int) -> int:
            task.store.put(other)
            return x

    task.f = Meanwhile()  # type: ignore[assignment]

    assert not load()
    assert task.run() == "stored" == value(task)


class NeedsTwo(Exception):
    def __init__(self, what: str, why: str) -> None:
        super().__init__(f"{what}: {why}")


class Unreadable:
    def __reduce__(self) -> Any:
        return int, ("not a number",)


@pytest.mark.parametrize("result", [NeedsTwo("a", "b"), [1, {"a": Unreadable()}]])
def test_a_result_that_could_not_be_read_back_is_refused_before_it_is_saved(result: Any) -> None:
    with pytest.raises(EncodeError, match="can be pickled and not unpickled"):
        encode(result)
    with pytest.raises(EncodeError):
        encode(result)


def test_an_exception_that_can_be_read_back_is_a_result() -> None:
    assert encode(ValueError("a", 1)) and encode([KeyError("x")])


class Multi(dict[Any, Any]):
    """Collects what is put under one key."""

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key, (*self.get(key, ()), value))

    def update(self, other: Any) -> None:  # type: ignore[override]
        for key in other:
            self[key] = other[key]


class ReadOnly(dict[Any, Any]):
    """Refuses changes, with an attribute of its own, and is its own copy."""

    def __init__(self, *args: Any, note: str = "") -> None:
        super().__init__(*args)
        self.note = note

    def _refuse(self, *args: Any) -> None:
        raise AttributeError("read-only")

    __setitem__ = update = _refuse

    def __copy__(self) -> Any:
        return self


class ReadOnlyWithoutCopy(ReadOnly):
    def __copy__(self) -> Any:
        raise TypeError("no copies")


class Bag(list[Any]):
    """Counts what is put in."""

    added = 0

    def __setitem__(self, at: Any, value: Any) -> None:
        self.added += 1
        super().__setitem__(at, value)


@pytest.fixture
def three(store: Any) -> Task[Any]:
    task = Task(round, 3.1)
    task.run()
    return task


def test_what_a_class_does_with_what_is_put_in_changes_no_argument(
    three: Task[Any],
) -> None:
    multi = Multi()
    multi["a"] = three

    assert value_of(Counter({"a": three, "b": 2})) == Counter({"a": 3, "b": 2})
    assert value_of(multi) == {"a": (3,)}
    bag = value_of(Bag([three, 1]))
    assert (list(bag), bag.added, type(bag)) == ([3, 1], 0, Bag)


@pytest.mark.parametrize("kind", [ReadOnly, ReadOnlyWithoutCopy])
def test_what_is_frozen_is_made_anew_with_its_attributes(three: Task[Any], kind: type) -> None:
    argument = kind({"a": three}, note="kept")

    value = value_of(argument)

    assert (value, value.note, type(value)) == ({"a": 3}, "kept", kind)
    assert argument == {"a": three}


def test_what_occurs_several_times_is_one_object_again(three: Task[Any]) -> None:
    part = [three]

    first, second = value_of((part, part))

    assert first is second
    nested: list[Any] = []
    for _ in range(60):
        nested = [nested, nested]
    assert value_of([nested, three])[1] == 3
