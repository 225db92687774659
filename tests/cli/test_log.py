"""`jug log`: the runs of tasks, in order."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import Result

from jug import Task, set_jugdir
from jug.backends.dict_store import DictStore
from jug.backends.frames import Frame, Kind
from jug.cli.since import moment
from jug.jugfile import Jugspace
from jug.records import Record, RunState, pack
from jug.session import use_store
from jug.views.history import History, PastRun

Jug = Callable[..., Result]


def lines(result: Result) -> list[str]:
    """Return the lines under the head of a table, as if all were equally wide."""
    return ["  ".join(line.split()) for line in result.output.splitlines()[2:]]


def test_runs_are_listed_in_order(jug: Jug, executed: Callable[..., None]) -> None:
    executed()

    told = lines(jug("log", "primes.py"))

    calls = [f"primes.is_prime({number})" for number in range(2, 8)]
    assert [line.split("  ")[-1] for line in told][:-1] == calls
    assert "primes.count_primes([primes.is_prime(),  " in told[-1]
    assert all("  finished  " in line for line in told)


def test_the_last_are_listed_alone(jug: Jug, executed: Callable[..., None]) -> None:
    executed()

    told = lines(jug("log", "primes.py"))

    assert lines(jug("log", "--tail", "2", "primes.py")) == told[-2:]
    assert lines(jug("log", "--tail", "99", "primes.py")) == told
    assert jug("log", "--tail", "0", "primes.py").output == "There is no such run.\n"
    assert len(jug("log", "--short", "primes.py").output.splitlines()) == len(told) == 7


def test_runs_are_chosen(jug: Jug, executed: Callable[..., None]) -> None:
    executed("failing.py", keep_going=True)

    def calls(*words: str) -> list[str]:
        told = lines(jug("log", *words, "failing.py"))
        return [" ".join(line.split("  ")[6:]) for line in told]

    bad = "failing.bad(): ValueError: no such luck"
    assert calls() == ["failing.good()", bad]
    assert calls("--name", "bad") == [bad]
    assert calls("--state", "FAILED") == [bad]
    assert calls("--state", "failed", "--state", "finished") == ["failing.good()", bad]
    assert calls("--since", "1h", "--host", "*") == ["failing.good()", bad]
    assert calls("--host", "elsewhere") == []
    assert calls("--state", "given-back") == []


def test_there_may_be_no_run(jug: Jug) -> None:
    assert jug("log", "primes.py").output == "No task has ended yet.\n"
    assert jug("log", "--state", "died", "primes.py").output == "There is no such run.\n"
    assert json.loads(jug("log", "--json", "primes.py").output) == {"runs": []}


def test_programs_get_every_field_of_every_run(jug: Jug, executed: Callable[..., None]) -> None:
    executed("failing.py", keep_going=True)

    runs = json.loads(jug("log", "--json", "failing.py").output)["runs"]

    assert [set(run) for run in runs] == [
        {
            "hash", "name", "arguments", "state", "attempt", "start", "end", "duration", "cpu",
            "memory", "growth", "size", "exception", "traceback", "output", "worker", "host", "pid",
        }
    ] * 2  # fmt: skip
    assert runs[1]["exception"] == "ValueError: no such luck"
    assert runs[1]["start"] + runs[1]["duration"] == runs[1]["end"] <= time.time()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--state", "finnished"], "'finnished' is not one of"),
        (["--since", "yesterday"], "'yesterday' is no time: give how long ago it was"),
        (["--tail", "-1"], "--tail"),
        (["--name", "isprime"], "no task matches 'isprime': is 'primes.is_prime' meant?"),
    ],
)
def test_wrong_usage_is_told(jug: Jug, words: list[str], message: str) -> None:
    assert message in jug("log", *words, "primes.py", status=2).output


@pytest.mark.parametrize(
    ("text", "ago"),
    [("30s", 30), ("30m", 1800), ("1.5h", 5400), ("2 h", 7200), ("3d", 259_200), ("1w", 604_800)],
)
def test_a_moment_is_so_long_ago(text: str, ago: float) -> None:
    assert since(text) == pytest.approx(time.time() - ago, abs=5)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2026-11-26", datetime(2026, 11, 26)),
        ("2026-11-26T14:00", datetime(2026, 11, 26, 14)),
        ("2026-11-26 14:00:30", datetime(2026, 11, 26, 14, 0, 30)),
    ],
)
def test_a_moment_is_a_date_with_a_time_perhaps(text: str, meant: datetime) -> None:
    assert since(text) == meant.timestamp()


def test_a_moment_is_a_time_of_today() -> None:
    days = {datetime.now().date()}
    midnight = datetime.fromtimestamp(since("0:00"))
    days.add(datetime.now().date())  # which may have begun meanwhile

    assert midnight.date() in days and midnight.hour == 0
    assert datetime.fromtimestamp(since("13:07")).time().minute == 7


def since(text: str) -> float:
    return moment(click.Context(click.Command("log")), click.Option(["--since"]), text)


# What is not known


@pytest.fixture
def store() -> Iterator[DictStore]:
    store = set_jugdir("dict_store")
    assert isinstance(store, DictStore)
    yield store
    use_store(None)


def run_of(store: DictStore, task: Task[int]) -> PastRun:
    (run,) = History(Jugspace(store, [task])).runs()
    return run


def test_a_worker_that_is_not_known_is_shown_by_its_id(store: DictStore) -> None:
    task = Task(abs, -1)
    record = Record("builtins.abs", 1.0, 2.0, worker="0123456789abcdef")
    store.put(Frame(Kind.FAILURE, task.digest, pack(record)))

    run = run_of(store, task)

    assert str(run.place) == "01234567"
    assert run.as_dict()["host"] is None


def test_a_record_that_says_nothing_has_dashes(store: DictStore) -> None:
    task = Task(abs, -1)
    store.note(task.digest, RunState.LOST, pack(Record(start=5.0)))

    run = run_of(store, task)

    assert (run.call, run.duration) == ("builtins.abs(-1)", None)
    assert {name for name, said in run.as_dict().items() if said is None} >= {
        "start", "duration", "cpu", "attempt", "exception",
    }  # fmt: skip


def test_a_state_of_a_later_version_is_other(store: DictStore) -> None:
    task = Task(abs, -1)
    store.note(task.digest, "evaporated", pack(Record("builtins.abs", 1.0)))  # type: ignore[arg-type]

    assert run_of(store, task).state is RunState.OTHER


LOUD = """
from jug import TaskGenerator

print("as the jugfile is read")

@TaskGenerator
def fail():
    raise ValueError("gone\\x1b[2J\\nand more")

fail()
"""


def test_what_an_exception_says_is_one_line_that_clears_no_screen(
    folder: Path, jug: Callable[..., Result], executed: Callable[..., None]
) -> None:
    (folder / "loud.py").write_text(LOUD)
    executed("loud.py", keep_going=True)

    for words in (["log"], ["show", "fail"], ["why", "fail"]):
        assert r"ValueError: gone\x1b[2J and more" in jug(*words, "loud.py").stdout


@pytest.mark.parametrize(
    "words", [["log"], ["failures"], ["show", "fail"], ["timings"], ["why", "fail"], ["status"]]
)
def test_json_is_nothing_else_though_the_jugfile_prints(
    folder: Path, jug_process: Callable[..., Any], executed: Callable[..., None], words: list[str]
) -> None:
    (folder / "loud.py").write_text(LOUD)
    executed("loud.py", keep_going=True)

    status = 1 if words[0] in ("failures", "status") else 0
    result = jug_process(*words, "--json", "loud.py", status=status)

    json.loads(result.stdout)
    assert result.stderr == "as the jugfile is read\n"
