"""What jug 2.x calls otherwise, and what it has besides."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from importlib import import_module

import pytest

import jug
from jug.backends.base import BaseStore
from jug.backends.dict_store import DictStore
from jug.errors import ImportGone, NameGone, OptionError
from jug.hooks import jug_hook, register_hook, register_hook_once, reset_all_hooks
from jug.task import Task, describe, recursive_dependencies, value

AFTER = "execute.task-executed1"


@pytest.fixture(autouse=True)
def no_hooks() -> Iterator[None]:
    yield
    reset_all_hooks()


def test_a_hook_is_registered_by_position_by_keyword_or_as_a_decorator() -> None:
    seen: list[str] = []
    register_hook(AFTER, seen.append)
    register_hook(AFTER, f=lambda task: seen.append(f"keyword {task}"))

    @register_hook(AFTER)
    def decorated(task: str) -> int:
        seen.append(f"decorated {task}")
        return len(seen)

    assert jug_hook(AFTER, ["t"]) == [None, None, 3]
    assert seen == ["t", "keyword t", "decorated t"]
    assert callable(decorated)


def test_what_has_one_code_is_registered_once() -> None:
    seen: list[str] = []
    for _ in range(2):
        register_hook_once(AFTER, "mine", lambda task: seen.append("mine"))
        register_hook_once(AFTER, code=["unhashable"], f=lambda task: seen.append("other"))
        register_hook_once(AFTER, seen.append)

    jug_hook(AFTER, ["t"])

    assert seen == ["mine", "other", "t"]


def test_a_code_without_a_function_is_an_error() -> None:
    with pytest.raises(OptionError, match="needs a function, not 'mine'"):
        register_hook_once(AFTER, "mine")


def test_keywords_are_those_of_jug_2(store: BaseStore) -> None:
    task = Task(max, Task(min, 2, 3), 1)
    for one in (*recursive_dependencies(t=task), task):
        one.run()

    assert value(elem=task) == value(obj=[task])[0] == jug.bvalue(t=task) == 2
    assert jug.iteratetask(base=task, n=2)[1].hash() == task[1].hash()
    assert describe(t=task)["name"] == "builtins.max"


@pytest.mark.parametrize("arguments", [{}, {"elem": 1, "obj": 2}])
def test_value_takes_one_thing(arguments: dict[str, int]) -> None:
    with pytest.raises(OptionError, match="takes one thing"):
        value(**arguments)


def test_whether_a_task_is_in_another_store_can_be_asked(store: BaseStore) -> None:
    task, other = Task(max, 1, 2), DictStore()
    task.run()

    assert task.can_load() and task.can_load(store) and not task.can_load(other)
    assert not task.can_load(store=other)


def test_the_class_has_the_store_in_use(store: BaseStore) -> None:
    assert Task.store is store


GONE = [
    ("jug.subcommands", "click commands"),
    ("jug.subcommands.status", "click commands"),
    ("jug.backends.select", "open_store"),
    ("jug.hooks.register", "jug.hooks has"),
    ("jug.jug_version", "jug.__version__"),
]


@pytest.mark.parametrize(("module", "advice"), GONE)
def test_a_module_that_is_gone_says_what_to_use(module: str, advice: str) -> None:
    with pytest.raises(ImportError, match=advice) as caught:
        import_module(module)

    assert type(pickle.loads(pickle.dumps(caught.value))) is ImportGone


def test_a_name_that_is_gone_says_what_to_use() -> None:
    with pytest.raises(NameGone, match="Task and Tasklet have"):
        exec("from jug.task import TaskletMixin")
    with pytest.raises(NameGone, match="click commands") as caught:
        exec("from jug import subcommands")
    assert isinstance(caught.value, ImportError)


@pytest.mark.parametrize(
    "name",
    ["jug.backends.select", "jug.options.parse", "jug.subcommands", "jug.task.TaskletMixin"],
)
def test_whether_a_name_is_there_can_be_asked(name: str) -> None:
    pytest.importorskip("jug.options", exc_type=ImportError)
    module, _, attribute = name.rpartition(".")
    there = import_module(module)

    assert not hasattr(there, attribute)
    assert getattr(there, attribute, 3) == 3
    with pytest.raises(NameGone, match="of jug 2.x is gone"):
        getattr(there, attribute)
    with pytest.raises(ImportError, match="of jug 2.x is gone"):
        exec(f"from {module} import {attribute}")


def test_a_name_that_never_was_is_no_attribute() -> None:
    pytest.importorskip("jug.options", exc_type=ImportError)
    with pytest.raises(NameGone, match="jug.task has"):
        exec("from jug.jug import task")
    with pytest.raises(AttributeError, match="module 'jug.task' has no attribute 'nonsense'"):
        _ = jug.task.nonsense  # type: ignore[attr-defined]
