"""The hashes of jug 2.x, as its versions themselves computed them."""

from __future__ import annotations

import collections
import datetime
import decimal
import fractions
import json
import os
import pathlib
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import jug
from jug.adopt.hashing import FormerHashes
from jug.adopt.own_hashes import answering_for_both
from jug.adopt.versions import NEWEST, Dialect, Way, dialects
from jug.errors import OptionError
from jug.jugfile import Jugfile
from jug.task import Task, Tasklet, find_dependencies

HERE = Path(__file__).parent
VECTORS = json.loads((HERE / "jug27_hashes.json").read_text())
FORMER = json.loads((HERE / "former_hashes.json").read_text())
NAMES = {
    "collections": collections,
    "datetime": datetime,
    "decimal": decimal,
    "fractions": fractions,
    "np": np,
    "pathlib": pathlib,
    "uuid": uuid,
}

OF_ONE_PYTHON = {"arg enum", "tasklet lambda", "tasklet lambda closure"}
OF_ONE_PYTHON |= {"arg path", "timed pathlib", "write_task_out path"}
"""Whose pickles or bytecode are those of Python 3.11: from 3.12 on a path is pickled otherwise."""

OF_ONE_NUMPY = {"arg ma", "arg matrix", "arg rec"}
"""Whose classes or states numpy has changed: found only with the numpy that they were made by."""


@pytest.mark.parametrize(
    ("text", "expected"),
    [vector for vector in VECTORS["hash_one"] if "Path(" not in vector[0]],
    ids=range(len(VECTORS["hash_one"]) - 1),
)
def test_values_have_the_hashes_that_jug_270_gave_them(text: str, expected: str) -> None:
    assert FormerHashes().of_value(eval(text, NAMES)).decode() == expected


@pytest.fixture
def m() -> ModuleType:
    """Return the module of which the functions in the vectors are."""
    module = ModuleType("m")
    exec("def f(*args, **kwargs): ...\ndef g(x): ...", module.__dict__)
    return module


def test_tasks_have_the_hashes_that_jug_270_gave_them(m: ModuleType) -> None:
    hashes = FormerHashes()
    for args, kwargs, expected in VECTORS["task_f_in_module_m"]:
        task: Task[Any] = Task(m.f, *eval(args, NAMES), **eval(kwargs, NAMES))
        assert hashes.of_task(task).hash == expected.encode(), (args, kwargs)


def test_nested_tasks_have_the_hashes_that_jug_270_gave_them(m: ModuleType) -> None:
    hashes, names = FormerHashes(), {"Task": Task, "g": m.g}
    for line, expected in VECTORS["nested_tasks_g_in_module_m"]:
        exec(line, names)
        task: Any = names[line.split()[0]]
        assert hashes.of_task(task).hash == expected.encode(), line


@pytest.fixture
def makers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Callable[[], Any]]:
    """Return what makes the tasks in `every_kind.py`, read as `jug adopt` reads a jugfile."""
    monkeypatch.chdir(tmp_path)
    Path("every_kind.py").write_bytes((HERE / "jugfiles" / "every_kind.py").read_bytes())
    Path("data.txt").write_text("hello")
    os.utime("data.txt", (1_000_000_000.75, 1_000_000_000.75))
    jug.set_jugdir("dict_store")
    monkeypatch.setattr(sys, "path", sys.path[:])
    with answering_for_both():
        names = Jugfile("every_kind.py").read().names
    makers: dict[str, Callable[[], Any]] = names["MAKERS"]
    return makers


def hash_of(made: Any, hashes: FormerHashes) -> str | None:
    if isinstance(made, Task):
        hash = hashes.of_task(made).hash
        return hash.decode() if hash else None
    for task in find_dependencies(made):
        hashes.of_task(task)
    return hashes.of_value(made).decode()


@pytest.mark.filterwarnings("ignore:the matrix subclass")
@pytest.mark.parametrize("version", FORMER)
def test_each_kind_of_task_has_the_hash_that_each_version_gave_it(
    version: str, makers: dict[str, Callable[[], Any]]
) -> None:
    number, _, numpy = version.partition(" on ")
    [*in_this_python] = (one for one in dialects(number) if is_made_on(one, numpy))
    hashes = FormerHashes(in_this_python[0])
    expected = FORMER["2.7.0 on numpy 2"] | FORMER[version]
    left_out = set() if sys.version_info[:2] == (3, 11) else OF_ONE_PYTHON
    if numpy != "numpy 2":
        left_out = left_out | OF_ONE_NUMPY

    wrong = [
        name
        for name, make in makers.items()
        if expected[name] and name not in left_out
        if hash_of(make(), hashes) != expected[name]
    ]

    assert wrong == []


def is_made_on(dialect: Dialect, numpy: str) -> bool:
    """Return whether a dialect is of this numpy, where neither paths nor lists are special."""
    other = np.__version__.partition(".")[0] != numpy.split()[1].partition(".")[0]
    return dialect & {Way.OTHER_NUMPY, Way.CURRIED_LISTS, Way.PATHS_IN_PARTS} == (
        {Way.OTHER_NUMPY} if other else set()
    )


def test_the_ways_that_concern_a_task_are_those_of_all_that_it_is_made_from() -> None:
    hashes = FormerHashes()

    inner: Task[Any] = Task(len, frozenset([1]))
    _, met = hashes.of_task(Task(max, Task(abs, inner), np.float64(1)))

    assert met == {Way.PICKLED_FROZENSETS, Way.OTHER_NUMPY}
    assert hashes.of_task(Task(abs, 1)).met == set()


def test_lists_of_currymap_are_found_by_a_way_of_their_own() -> None:
    from jug.mapreduce import currymap

    [block, *_] = [part.base for part in currymap(pow, [[1, 2], [3, 4]])]
    given: Task[Any] = Task(block.f, pow, [[1, 2], [3, 4]])
    given.f = block.f

    hashes = FormerHashes(Dialect({Way.CURRIED_LISTS}))

    assert hashes.of_task(block).hash != FormerHashes().of_task(block).hash
    assert hashes.of_task(block).hash == hashes.of_task(given).hash


def test_what_jug_2_could_not_hash_has_no_hash_and_nor_has_what_is_made_of_it() -> None:
    dates: Task[Any] = Task(len, np.array(["2020-01-01"], "M8[D]"))

    assert FormerHashes().of_task(dates).hash is None
    assert FormerHashes().of_task(Task(abs, dates)).hash is None


class Called:
    """Has no name of its own."""

    def __call__(self, *args: Any) -> None: ...


def test_what_jug_2_refused_has_no_hash() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]

    for task in (Task(str.upper, "a"), Task(Called(), 1), Task(len, deep)):
        assert FormerHashes().of_task(task).hash is None


def test_a_chain_of_tasks_and_parts_may_be_longer_than_python_calls_deep() -> None:
    task: Task[Any] = Task(len, [])
    for _ in range(5000):
        task = Task(abs, task)
    part: Any = task[0]
    for _ in range(5000):
        part = part[0]

    assert FormerHashes().of_task(Task(abs, part)).hash is not None


def test_two_tasks_that_jug_2_could_not_tell_apart_have_one_hash() -> None:
    hashes = FormerHashes()

    assert hashes.of_task(Task(max, [1], 2)) == hashes.of_task(Task(max, [1, 2]))


def test_a_version_is_one_of_jug_2() -> None:
    assert dialects("2.7.0") == dialects("2.7")
    assert NEWEST in dialects("2.7") and NEWEST not in dialects("2.6")
    for version in ("1.6", "3.0", "new"):
        with pytest.raises(OptionError, match="must be from 2.0 to 2.7"):
            dialects(version)


def test_a_tasklet_of_a_lambda_depends_on_its_constants_since_version_26() -> None:
    task: Task[Any] = Task(len, [])
    one, two = (Task(abs, Tasklet(task, f)) for f in (lambda x: x + 300, lambda x: x + 400))
    newer, older = FormerHashes(), FormerHashes(Dialect({Way.BYTECODE_LAMBDAS}))

    assert newer.of_task(one).hash != newer.of_task(two).hash
    assert older.of_task(one).hash == older.of_task(two).hash


def test_hashing_leaves_a_masked_array_as_it_was() -> None:
    array = np.ma.array([1, 2], mask=[False, True])
    first, second = Task(abs, array), Task(abs, [array])
    fresh: Task[Any] = Task(abs, [np.ma.array([1, 2], mask=[False, True])])
    expected = FormerHashes().of_task(fresh).hash

    assert first.digest and second.digest  # today's hash, which asks for the value that fills it

    assert FormerHashes().of_task(second).hash == expected


def test_what_the_users_code_can_not_hash_as_then_has_no_hash() -> None:
    class OfToday:
        def __jug_hash__(self) -> bytes:
            raise ValueError("no hash of jug 2.x")

    assert FormerHashes().of_task(Task(len, OfToday())).hash is None
