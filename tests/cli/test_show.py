"""`jug show`: all about one task."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Jug = Callable[..., Result]

RESULTS = """
import numpy as np
from jug import TaskGenerator

class Shy:
    def __repr__(self):
        raise RuntimeError("no")

class Gone:
    pass

@TaskGenerator
def array():
    return np.zeros((3, 4))

@TaskGenerator
def polynomial():
    return np.poly1d([1, 2])

@TaskGenerator
def text():
    return "word " * 100

@TaskGenerator
def shy():
    return Shy()

@TaskGenerator
def gone():
    return [Gone()]

@TaskGenerator
def numbers(n, *, step):
    return list(range(0, n, step))

array(), polynomial(), text(), shy(), gone(), numbers(100, step=2)
"""


@pytest.fixture
def results(folder: Path, executed: Callable[..., None]) -> None:
    (folder / "results.py").write_text(RESULTS)
    executed("results.py")
    (folder / "results.py").write_text(RESULTS.replace("class Gone:", "class Other:"))


def test_a_finished_task_is_shown_with_its_result(jug: Jug, executed: Callable[..., None]) -> None:
    executed()

    told = jug("show", "is_prime(7)", "primes.py").output

    assert told.startswith("primes.is_prime(7)\n  hash    ")
    assert "\n  state   finished: its result is there\n  result  bool, " in told
    assert "\n          True\n\narguments\n  n: 7\n" in told
    assert "\nis needed by 1 task: 1 finished\n  finished  primes.count_primes([" in told
    assert "\n1 run\nEnded " in told


def test_a_task_that_waits_says_for_what(jug: Jug) -> None:
    told = jug("show", "n_primes", "primes.py").output

    assert "  state   waiting: 6 tasks that it needs are not done\n" in told
    assert "\nneeds 6 tasks: 6 ready\n  ready     primes.is_prime(2)\n" in told
    assert "run\n" not in told


def test_a_task_that_never_ran_says_so(jug: Jug) -> None:
    assert "ready: it was never run\n" in jug("show", "is_prime[0]", "primes.py").output
    assert jug("show", "--short", "is_prime[0]", "primes.py").output == (
        "ready: primes.is_prime(2)\n"
    )


def test_a_failure_says_how_and_whether_it_is_kept(jug: Jug, executed: Callable[..., None]) -> None:
    executed("failing.py", keep_going=True)
    assert (
        "failed: ValueError: no such luck; tried again by workers that start from now on\n"
        in jug("show", "bad", "failing.py").output
    )
    assert "1 task that it needs is not done" in jug("show", "after", "failing.py").output

    executed("failing.py", keep_failed=True)
    assert "; not tried again before `jug cleanup --failed-only`\n" in (
        jug("show", "bad", "failing.py").output
    )


def test_of_many_neighbours_a_few_are_listed(
    folder: Path, jug: Jug, executed: Callable[..., None]
) -> None:
    (folder / "many.py").write_text(
        "from jug import Task\nTask(sum, [Task(abs, number) for number in range(30)])\n"
    )
    executed("many.py")

    told = jug("show", "sum", "many.py").output

    assert "\nneeds 30 tasks: 30 finished\n" in told
    assert told.count("finished  builtins.abs(") == 10
    assert "\n  and 20 more\n" in told


@pytest.mark.usefixtures("results")
@pytest.mark.parametrize(
    ("name", "lines"),
    [
        (
            "array",
            ["numpy.ndarray, ", ", shape (3, 4)\n", "\n          array([[0., 0., 0., 0.], [0.,"],
        ),
        ("polynomial", ["numpy.poly1d, ", "\n          <poly1d>\n"]),
        ("text", ["str, ", ", length 500\n", "\n          'word word", "word…\n"]),
        ("shy", ["results.Shy, ", "\n          <Shy>\n"]),
        ("gone", ["result  not readable, ", "'Gone'"]),
        ("numbers", ["list, ", "length 50", "[0, 2, 4, 6, …]", "  n: 100\n  step: 2\n"]),
    ],
)
def test_results_are_summed_up(jug: Jug, name: str, lines: list[str]) -> None:
    told = jug("show", name, "results.py").output

    assert [line for line in lines if line not in told] == []


@pytest.mark.usefixtures("results")
def test_a_value_is_printed_alone(jug: Jug) -> None:
    assert jug("show", "--value", "text", "results.py").output == "word " * 100 + "\n"
    assert jug("show", "--value", "numbers", "results.py").output.startswith("[0, 2, 4,")
    for name, why in (("shy", "RuntimeError: no"), ("gone", "'Gone'")):
        result = jug("show", "--value", name, "results.py", status=1)
        assert result.output.startswith("Error: ") and why in result.output


def test_arguments_without_names_are_counted_from_1(jug: Jug, folder: Path) -> None:
    (folder / "plain.py").write_text("from jug import Task\nTask(max, 2, 3)\n")

    assert "\narguments\n  1: 2\n  2: 3\n" in jug("show", "max", "plain.py").output


def test_what_is_asked_for_may_not_be_there(jug: Jug) -> None:
    value = jug("show", "--value", "is_prime[0]", "primes.py", status=1).output
    traceback = jug("show", "--traceback", "is_prime[0]", "primes.py", status=1).output

    assert value == (
        "Error: primes.is_prime(2) has no result: `jug why` says why, `jug execute` runs it\n"
    )
    assert traceback == "Error: there is no traceback of primes.is_prime(2)\n"


def test_the_last_traceback_is_printed_alone(jug: Jug, executed: Callable[..., None]) -> None:
    executed("failing.py", keep_going=True)

    told = jug("show", "--traceback", "bad", "failing.py").output

    assert told.startswith("Traceback (most recent call last):\n")
    assert told.endswith("ValueError: no such luck\n")


def test_the_value_of_a_failed_task_is_answered_with_the_failure(
    jug: Jug, executed: Callable[..., None]
) -> None:
    executed("failing.py", keep_going=True)

    told = jug("show", "--value", "bad", "failing.py", status=1).output

    assert "Error: task 'failing.bad' failed (ValueError: no such luck): `jug show " in told
    assert "`jug failures` lists all" in told and "has no result" not in told


def test_a_damaged_result_is_shown_as_such_and_stays(
    folder: Path, jug: Jug, executed: Callable[..., None]
) -> None:
    (folder / "big.py").write_text("from jug import Task\nTask(bytes, 2_000_000)\n")
    executed("big.py")
    (file,) = (path for path in folder.glob("big.jugdata/**/*") if path.stat().st_size > 1e6)
    damaged = file.read_bytes()[:-7] + b"damaged"
    file.chmod(0o600)
    file.write_bytes(damaged)

    told = jug("show", "bytes", "big.py").output

    assert "  state   finished: its result is there\n  result  not readable, 2.0 MB\n" in told
    assert "damaged" in jug("show", "--value", "bytes", "big.py", status=1).output
    assert file.read_bytes() == damaged


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["is_prime", "primes.py"], "6 tasks fit 'is_prime': name one, such as is_prime[0]"),
        (["is_prime(71)", "primes.py"], "no task matches 'is_prime(71)': is 'primes.is_prime(7)'"),
        (["is_prim(7)", "primes.py"], "no task is 'is_prim(7)': is is_prime or"),
        (
            ["--value", "--json", "n_primes", "primes.py"],
            "--value, --traceback, --output and --json: give one of them",
        ),
        (["primes.py"], "say which task: jug show TASK primes.py"),
        ([], "Missing argument 'TASK'"),
    ],
)
def test_wrong_usage_is_told(jug: Jug, words: list[str], message: str) -> None:
    assert message in jug("show", *words, status=2).output


def test_where_the_jugfile_stops_a_task_may_be_beyond(folder: Path, jug: Jug) -> None:
    (folder / "stage.py").write_text(
        "from jug import Task, bvalue\nbvalue(Task(max, 1, 2))\nTask(min, 1, 2)\n"
    )

    told = jug("show", "min", "stage.py", status=2).output

    assert "The jugfile stops at a barrier: there may be more tasks beyond it." in told
    assert "no task is 'min'" in told


def test_programs_get_all_of_it(jug: Jug, executed: Callable[..., None]) -> None:
    executed()

    page = json.loads(jug("show", "--json", "n_primes", "primes.py").output)

    assert page["state"] == "finished"
    assert page["result"]["type"] == "int" and page["result"]["text"] == "4"
    assert page["dependencies"]["states"]["finished"] == page["dependencies"]["total"] == 6
    assert [run["state"] for run in page["runs"]] == ["finished"]


PRINTS = """
import subprocess
from jug import TaskGenerator

@TaskGenerator
def speaks(i):
    print(f"number {i}")
    subprocess.run("echo from a program; echo and its errors >&2", shell=True)
    if i:
        raise ValueError("no")

speaks(0), speaks(1)
"""


Process = Callable[..., subprocess.CompletedProcess[str]]


def test_the_output_of_a_task_is_shown(folder: Path, jug: Jug, jug_process: Process) -> None:
    (folder / "prints.py").write_text(PRINTS)
    jug_process("execute", "--keep-going", "prints.py", status=1)

    alone = jug("show", "--output", "speaks(1)", "prints.py").output
    assert sorted(alone.splitlines()) == ["and its errors", "from a program", "number 1"]
    told = jug("show", "speaks(1)", "prints.py").output
    assert told.endswith("\noutput\n" + "".join(f"  {line}\n" for line in alone.splitlines()))
    silent = jug("show", "--output", "speaks(0)", "prints.py", status=1).output
    assert "`jug execute --capture` keeps it" in silent

    jug_process("invalidate", "--name", "speaks", "prints.py")
    jug_process("execute", "--capture", "--keep-going", "prints.py", status=1)
    assert "number 0" in jug("show", "--output", "speaks(0)", "prints.py").output


def test_only_the_last_lines_of_an_output_stand_among_the_rest(
    folder: Path, jug: Jug, jug_process: Process
) -> None:
    text = PRINTS.replace('print(f"number {i}")', "print(*range(50), sep='\\n')")
    (folder / "prints.py").write_text(text)
    jug_process("execute", "--keep-going", "prints.py", status=1)

    told = jug("show", "speaks(1)", "prints.py").output

    assert "\noutput, its last 20 lines\n" in told
    assert len(jug("show", "--output", "speaks(1)", "prints.py").output.splitlines()) == 52


def test_calls_that_look_alike_are_told_apart(folder: Path, jug: Jug) -> None:
    (folder / "alike.py").write_text(
        "from jug import Task\n"
        "totals = [Task(sum, [0, 0, 0, 0, n]) for n in range(2)]\n"
        "answer = Task(max, totals)\n"
    )
    found = [jug("show", f"totals[{n}]", "--json", "alike.py").output for n in range(2)]
    hashes = [json.loads(text)["hash"][:12] for text in found]
    calls = [f"builtins.sum([0, 0, 0, 0, …]), hash {one}" for one in hashes]

    assert (
        "\n".join(f"  ready     {call}" for call in calls) in jug("show", "answer", "alike").output
    )
    assert "\n".join(f"  {call}" for call in calls) in jug("why", "answer", "alike.py").output
    assert ", ".join(calls) in jug("rerun", "answer", "alike.py", status=1).output


@pytest.mark.parametrize("command", ["show", "why", "rerun"])
def test_a_jugfile_in_place_of_the_task_is_refused(jug: Jug, command: str) -> None:
    told = jug(command, "primes.py", "is_prime(7)", status=2).output

    assert f"say which task: jug {command} TASK primes.py" in told
