"""A task that is used as its value while the jugfile is read."""

from __future__ import annotations

import json
import math
import operator
import pickle
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from jug import Task
from jug.errors import IterationError
from jug.jugfile import Jugfile
from jug.task import alltasks
from jug.task.misuse import ADVICE, note_task_used_as_value

USES: dict[str, Callable[[Any], Any]] = {
    "t + 1": lambda t: t + 1,
    "1 + t": lambda t: 1 + t,
    "-t": operator.neg,
    "t < 3": lambda t: t < 3,
    "'a' + t": lambda t: "a" + t,
    "t()": lambda t: t(),
    "len(t)": len,
    "abs(t)": abs,
    "int(t)": int,
    "float(t)": float,
    "range(t)": range,
    "open(t)": open,
    "Path(t)": Path,
    "sum([t])": lambda t: sum([t]),
    "','.join([t])": lambda t: ",".join([t]),
    "format(t, '.2f')": lambda t: format(t, ".2f"),
    "'%d' % t": lambda t: "%d" % t,  # noqa: UP031
    "math.sqrt(t)": math.sqrt,
    "json.dumps(t)": json.dumps,
    "Decimal(t)": Decimal,
    "t.shape": lambda t: t.shape,
    "t.append(1)": lambda t: t.append(1),
    "t[0] = 1": lambda t: operator.setitem(t, 0, 1),
    "t.x = 1": lambda t: setattr(t, "x", 1),
}


@pytest.fixture(autouse=True)
def no_tasks_of_others() -> Iterator[None]:
    alltasks.clear()
    yield
    alltasks.clear()


@pytest.mark.parametrize("kind", ["task", "tasklet"])
@pytest.mark.parametrize("use", USES)
def test_an_error_of_python_says_that_it_was_about_a_task(use: str, kind: str) -> None:
    task: Any = Task(divmod, 7, 2)

    with pytest.raises((TypeError, AttributeError)) as caught:
        USES[use](task if kind == "task" else task[0])
    note_task_used_as_value(caught.value)

    assert caught.value.__notes__ == [ADVICE]


@pytest.mark.parametrize("use", ["mean([t])", "mean([t, t])", "sqrt(t)", "zeros(t)", "float64(t)"])
def test_numpy_says_so_too(use: str) -> None:
    numpy = pytest.importorskip("numpy")

    with pytest.raises((TypeError, ValueError)) as caught:
        eval(f"numpy.{use}", {"numpy": numpy, "t": Task(abs, -1)})
    note_task_used_as_value(caught.value)

    assert caught.value.__notes__ == [ADVICE]


def test_the_error_behind_the_error_counts() -> None:
    with pytest.raises(TypeError) as caught:
        try:
            len(Task(abs, -1))  # type: ignore[arg-type]
        except TypeError as error:
            raise TypeError("no size") from error
    note_task_used_as_value(caught.value)

    assert caught.value.__notes__ == [ADVICE]


@pytest.mark.parametrize(
    "error",
    [
        TypeError("unsupported operand type(s) for +: 'int' and 'str'"),
        AttributeError("no attribute 'x'", name="x", obj=3),
        ValueError("no Task here"),
        IterationError("Task(abs) can't be iterated over"),
    ],
)
def test_other_errors_get_no_note(error: Exception) -> None:
    note_task_used_as_value(error)

    assert not hasattr(error, "__notes__")


def test_a_task_is_true_and_has_no_length() -> None:
    task = Task(abs, -1)

    assert task and task[0]
    assert not {"__bool__", "__len__", "__getattr__"} & {*dir(task), *dir(task[0])}


def test_reading_a_jugfile_adds_the_note(tmp_path: Path) -> None:
    path = tmp_path / "sized.py"
    path.write_text("from jug import Task\nhow_many = len(Task(list, 'abc'))\n")

    with pytest.raises(TypeError) as caught:
        Jugfile(path).read()

    assert caught.value.__notes__ == [ADVICE]
    assert pickle.loads(pickle.dumps(caught.value)).__notes__ == [ADVICE]
