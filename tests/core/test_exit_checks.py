"""Ending a worker early."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from inspect import signature
from pathlib import Path

import pytest

from jug import Task, set_jugdir
from jug.errors import OptionError
from jug.execution.summary import Ending, Summary
from jug.execution.worker import Worker
from jug.hooks import reset_all_hooks
from jug.hooks.exit_checks import (
    exit_after_n_tasks,
    exit_after_time,
    exit_env_vars,
    exit_if_file_exists,
    exit_when_true,
)
from jug.jugfile import Jugfile, Jugspace
from jug.task.task import alltasks


@pytest.fixture
def work() -> Iterator[Callable[[], Summary]]:
    """Call to run a worker on five tasks."""
    store = set_jugdir("dict_store")
    tasks = [Task(abs, -number) for number in range(5)]

    yield lambda: Worker(Jugspace(store, tasks), lambda at_barrier: Jugspace(store, tasks)).run()

    reset_all_hooks()
    alltasks.clear()


Work = Callable[[], Summary]


def assert_ended_after(summary: Summary, count: int) -> None:
    assert summary.ending is Ending.LIMIT
    assert summary.ending.status == 0
    assert summary.executed.total() == count


def test_after_so_many_tasks(work: Work) -> None:
    exit_after_n_tasks(3)

    assert_ended_after(work(), 3)


def test_a_limit_that_is_not_reached_does_nothing(work: Work) -> None:
    exit_after_n_tasks(6)
    exit_after_time(hours=1)

    assert work().ending is Ending.DONE


def test_the_environment_is_that_of_the_call_and_no_part_of_the_signature(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUG_MAX_TASKS", "2")

    assert str(signature(exit_env_vars, eval_str=False).parameters["environ"].default) == "None"
    exit_env_vars(None)

    assert_ended_after(work(), 2)


def test_after_so_much_time_the_task_in_progress_is_saved(work: Work) -> None:
    exit_after_time(seconds=0)

    assert_ended_after(work(), 1)


def test_a_limit_set_again_at_the_next_reading_goes_on_counting(work: Work) -> None:
    exit_after_n_tasks(3)
    exit_after_n_tasks(3)

    assert_ended_after(work(), 3)


def test_time_counts_from_the_first_reading(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 8.0, 11.0])
    monkeypatch.setattr("jug.hooks.exit_checks.time.monotonic", lambda: next(clock, 11.0))
    exit_after_time(seconds=10)
    exit_after_time(seconds=10)

    assert_ended_after(work(), 1)


def test_limits_that_differ_all_hold(work: Work) -> None:
    exit_after_n_tasks(4)
    exit_after_n_tasks(2)

    assert_ended_after(work(), 2)


def test_a_function_read_again_is_called_once_for_each_task(work: Work) -> None:
    calls: list[int] = []
    reading = "def enough():\n    calls.append(1)\nexit_when_true(enough)"
    for _ in range(2):
        exec(compile(reading, "jugfile.py", "exec"), globals() | {"calls": calls})

    work()

    assert len(calls) == 5


def test_functions_that_closed_over_different_values_are_all_asked(work: Work) -> None:
    def add_check(answer: bool) -> None:
        exit_when_true(lambda: answer)

    add_check(False)
    add_check(True)

    assert_ended_after(work(), 1)


def test_a_jugfile_read_again_after_a_barrier_does_not_count_twice(tmp_path: Path) -> None:
    path = tmp_path / "counting.py"
    path.write_text(COUNTING)
    set_jugdir("dict_store")
    jugfile = Jugfile(path)

    summary = Worker(jugfile.read(), jugfile.read_again).run()

    reset_all_hooks()
    alltasks.clear()
    assert_ended_after(summary, 4)


COUNTING = """
from jug import Task, barrier
from jug.hooks.exit_checks import exit_after_n_tasks

exit_after_n_tasks(4)
first = [Task(abs, n) for n in range(3)]
barrier()
second = [Task(abs, -n) for n in range(1, 4)]
"""


def test_before_the_first_task_at_which_a_file_is_there(work: Work, tmp_path: Path) -> None:
    exit_if_file_exists(tmp_path / "stop")
    (tmp_path / "stop").touch()

    assert_ended_after(work(), 0)


def test_when_a_function_says_so(work: Work) -> None:
    answers = iter([False, True])
    exit_when_true(lambda: next(answers))

    assert_ended_after(work(), 2)


def test_when_a_function_of_the_task_says_so(work: Work) -> None:
    exit_when_true(lambda task: task.name == "builtins.abs", function_takes_Task=True)

    assert_ended_after(work(), 1)


def test_variables_for_tasks(work: Work) -> None:
    exit_env_vars({"JUG_MAX_TASKS": "2"})

    assert_ended_after(work(), 2)


def test_variables_for_time_add_up(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 3661.0, 3662.0])
    monkeypatch.setattr("jug.hooks.exit_checks.time.monotonic", lambda: next(clock, 4000.0))
    exit_env_vars({"JUG_MAX_HOURS": "1", "JUG_MAX_MINUTES": "1", "JUG_MAX_SECONDS": "2"})

    assert_ended_after(work(), 2)


def test_a_variable_for_a_file(work: Work, tmp_path: Path) -> None:
    (tmp_path / "stop").touch()
    exit_env_vars({"JUG_EXIT_IF_FILE_EXISTS": str(tmp_path / "stop")})

    assert_ended_after(work(), 0)


@pytest.mark.parametrize(
    "name", ["JUG_MAX_TASKS", "JUG_MAX_HOURS", "JUG_MAX_MINUTES", "JUG_MAX_SECONDS"]
)
def test_a_variable_that_is_no_number_is_named(name: str) -> None:
    with pytest.raises(
        OptionError, match=f"the variable {name} must be a whole number .* not '1.5'"
    ):
        exit_env_vars({name: "1.5"})


def test_a_limit_that_makes_no_sense_is_refused() -> None:
    for number in (0, 1.5, float("inf")):
        wrong = rf"the number of tasks must be .* from 1 up, not {number}"
        with pytest.raises(OptionError, match=wrong):
            exit_after_n_tasks(number)  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="the variable JUG_MAX_TASKS must be .* not '-3'"):
        exit_env_vars({"JUG_MAX_TASKS": "-3"})
    with pytest.raises(OptionError, match="the time to run must be 0 seconds or more, not -60"):
        exit_after_time(minutes=-1)


def test_what_is_no_function_or_number_is_refused() -> None:
    with pytest.raises(OptionError, match="exit_when_true needs a function, not True"):
        exit_when_true(True)  # type: ignore[arg-type]
    with pytest.raises(
        OptionError, match="the number of tasks must be a whole number from 1 up, not 'x'"
    ):
        exit_after_n_tasks("x")  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="must be numbers, not 0, 0, 'x'"):
        exit_after_time(seconds="x")  # type: ignore[arg-type]
