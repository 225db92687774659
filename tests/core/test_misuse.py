"""A task that is used as its value while the jugfile is read."""

from __future__ import annotations

import json
import math
import operator
import pickle
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from jug import Task, run, set_jugdir
from jug.errors import IterationError, TaskFailed
from jug.jugfile import Jugfile
from jug.task import alltasks
from jug.task.misuse import ADVICE, ON_ATTRIBUTES, note_task_used_as_value
from jug.tracebacks import describe_exception

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
    "{}[t]": lambda t: {}[t],
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

    with pytest.raises((TypeError, AttributeError, KeyError)) as caught:
        USES[use](task if kind == "task" else task[0])
    note_task_used_as_value(caught.value)

    assert caught.value.__notes__ == [ADVICE]


def set_label(task: Any) -> None:
    task.label = "x"


def test_a_label_of_ones_own_is_told_to_be_kept_beside_the_task() -> None:
    task: Any = Task(divmod, 7, 2)

    for thing in (task, task[0]):
        with pytest.raises(AttributeError) as caught:
            set_label(thing)
        note_task_used_as_value(caught.value)

        assert caught.value.__notes__ == [ON_ATTRIBUTES]
        assert describe_exception(caught.value).endswith("in a dict, as in labels[task] = ...")


MADE = (
    "task nested.outer made task nested.num while it ran, which no worker runs: "
    "call the plain function, num.f(...), or make the task in the jugfile"
)

INSIDE: dict[str, tuple[str, str]] = {
    "num(x) + 1": ("TypeError: unsupported operand", MADE),
    "sum([num(x), num(x)])": ("TypeError: unsupported operand", MADE),
    "num(x).value()": ("ResultNotFound: task 'nested.num' has not been computed yet", MADE),
    "value([num(x)])": ("ResultNotFound: task 'nested.num' has not been computed yet", MADE),
    "bvalue(num(x))": ("BarrierError: task 'nested.num' is not done yet: ", MADE),
    "list(num(x))": ("IterationError: Task(nested.num() ", MADE),
    "list(num(x)[0])": ("IterationError: Tasklet(", MADE),
    "{}[num(x)]": ("KeyError: Task(nested.num()", MADE),
    "num(x).size": ("AttributeError: 'Task' object has no attribute 'size'", MADE),
    "num(x)": ("EncodeError: the result of task 'nested.outer' can't be saved: ", MADE),
    "[num(x)]": ("EncodeError: the result of task 'nested.outer' can't be saved: ", MADE),
    "{'a': num(x)}": ("EncodeError: the result of task 'nested.outer' can't be saved: ", MADE),
    "num(x)[0]": ("EncodeError: the result of task 'nested.outer' can't be saved: ", MADE),
    "{num(x)}": ("can't be saved: result<element> of type 'Task' ", "it is a task, not a value"),
    "[before]": ("can't be saved: pass it to task nested.outer as an argument", "of which the fun"),
    "before + 1": ("TypeError: unsupported operand", "a task is not its value: pass it to the "),
    "bvalue(before)": ("BarrierError: task 'nested.num' is not done yet", "pass it to task nested"),
    "before.value()": ("ResultNotFound: task 'nested.num' has not", "pass it to task nested.outer"),
    "barrier()": ("the function of task 'nested.outer' calls barrier()", "as arguments"),
    "1 + 'a'": ("TypeError: unsupported operand type(s) for +: 'int' and 'str'", ""),
}


@pytest.mark.parametrize("use", INSIDE)
def test_a_task_that_is_used_in_a_tasks_function_is_told_what_to_do(
    use: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "nested.py"
    path.write_text(
        "from jug import TaskGenerator, barrier, bvalue, value\n"
        "@TaskGenerator\ndef num(x): return x\n"
        f"before = num(0)\n@TaskGenerator\ndef outer(x): return {use}\nlast = outer(1)\n"
    )
    monkeypatch.delitem(sys.modules, "nested", raising=False)
    set_jugdir("dict_store")
    last = Jugfile(path).read().names["last"]

    with pytest.raises(TaskFailed) as caught:
        run(last)

    said, advice = INSIDE[use]
    (failure,) = caught.value.failures
    assert said in failure.exception
    assert advice in failure.exception
    assert "jug execute" not in failure.exception and "jug.bvalue" not in failure.exception


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
