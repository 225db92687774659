"""Whether the page of a run is true and small: what it says of runs of which little is known."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from math import nan
from pathlib import Path

import pytest
from tests.cli.test_report import Outline, failed, page_of

from jug import Task, set_jugdir
from jug.backends.base import BaseStore
from jug.backends.frames import Frame, Kind
from jug.backends.process import Process
from jug.codec import encode
from jug.jugfile import Jugspace
from jug.records import Record, pack
from jug.report.findings import Subject, find
from jug.report.page import page
from jug.session import use_store
from jug.views.workforce import Workforce
from jug.workers import Life, Worker


@pytest.fixture
def store() -> Iterator[BaseStore]:
    yield set_jugdir("dict_store")
    use_store(None)


def put(store: BaseStore, task: Task[int], start: float, duration: float) -> None:
    record = Record(task.name, start, duration, worker="node1:7")
    store.put(Frame(Kind.RESULT, task.digest, pack(record), encode(1)))


def sections(store: BaseStore, *tasks: Task[int]) -> dict[str, str]:
    """Return what the sections of the page say, in single spaces."""
    found = Outline(page_of(store, *tasks)).sections
    return {key: " ".join(text.split()) for key, text in found.items()}


BEGAN = 1_750_000_000.0


def test_what_has_no_result_is_estimated_in_the_critical_path_and_that_is_said(
    store: BaseStore,
) -> None:
    done, more = Task(abs, -1), Task(abs, -2)
    put(store, done, BEGAN, 4.0)

    path = sections(store, done, more, Task(sum, [more]))["path"]

    assert "4.0 s of 8.0 s of work" in path
    assert "Of 1 task without a result the mean of the name is taken." in path
    assert "Not counted: 1 task of names without any result." in path


def test_results_of_which_nobody_knows_when_they_were_made_are_told(store: BaseStore) -> None:
    timed, damaged = Task(abs, -1), Task(abs, -2)
    put(store, timed, BEGAN, 4.0)
    put(store, damaged, nan, 4.0)

    told = sections(store, timed, damaged)

    assert "Done 2 of 2" in told["summary"]
    assert "Tasks done; of 1 more it is not known when" in told["time"]


def test_moments_of_a_short_run_are_told_apart(store: BaseStore) -> None:
    tasks = [Task(abs, -number) for number in range(1, 4)]
    for number, task in enumerate(tasks):
        put(store, task, BEGAN + 0.1 * number, 0.1)

    told = sections(store, *tasks)["time"]

    moments = re.findall(r"after ([0-9.]+ m?s) ", told)[:12]
    assert len(set(moments)) == 12 and moments[-1] == "300 ms"


def test_hardly_any_workers_are_not_said_to_be_none(store: BaseStore) -> None:
    first, last = Task(abs, -1), Task(abs, -2)
    put(store, first, BEGAN, 0.0001)
    put(store, last, BEGAN + 1.0, 0.0001)

    assert "after 1.0 s < 0.1" in sections(store, first, last)["time"]


def test_workers_that_ran_nothing_are_not_among_those_that_were_busy(store: BaseStore) -> None:
    task = Task(abs, -1)
    put(store, task, BEGAN, 1.0)

    assert "1 worker ran tasks" in sections(store, task)["summary"]


def test_one_task_waits_and_several_wait(store: BaseStore) -> None:
    bad = Task(abs, -1)
    failed(store, bad, exception="E: x")

    one = sections(store, bad, Task(sum, [bad]))["summary"]
    two = sections(store, bad, Task(sum, [bad]), Task(max, bad, 2))["summary"]

    assert "1 waits for what failed" in one and "2 wait for what failed" in two


def test_a_page_of_hundreds_of_names_is_small_too(store: BaseStore) -> None:
    tasks = []
    for number in range(4000):
        task = Task(max, number, tasks[-1] if tasks and number % 10 == 0 else 0)
        task.name = f"package.module.function_number_{number // 10}"
        put(store, task, BEGAN + number, 0.5 + number % 7)
        tasks.append(task)

    text = page_of(store, *tasks)

    assert len(text.encode()) < 300_000
    assert "280 more names are not shown." in Outline(text).sections["tasks"]


@pytest.mark.parametrize("text", ["&" * 70_000, "\x1b[31m" * 10_000, "line\n" * 13_000])
def test_tracebacks_and_output_take_so_much_room_and_no_more(store: BaseStore, text: str) -> None:
    for number in range(60):
        failed(store, Task(abs, number), exception=f"E{number}: x", traceback=text, output=text)

    text_of_page = page_of(store, *(Task(abs, number) for number in range(60)))

    assert 40_000 < len(text_of_page.encode()) < 250_000


def test_the_standard_output_can_be_named_as_a_file(
    folder: Path, jug_process: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    told = jug_process("report", "-o", "/dev/stdout", "primes.py").stdout

    assert told.startswith("<!doctype html>")


def test_times_stand_below_their_titles(store: BaseStore) -> None:
    tasks = [Task(abs, -number) for number in range(3)]
    for task, seconds in zip(tasks, (1.0, 2.0, 6.0), strict=True):
        put(store, task, BEGAN + 10 * seconds, seconds)

    told = sections(store, *tasks)["tasks"]

    assert "Total Mean Median 95 % Longest CPU Memory" in told
    assert "9.0 s 3.0 s 2.0 s 6.0 s 6.0 s – –" in told


def test_workers_are_busy_for_the_share_of_their_lives_that_they_ran_tasks(
    store: BaseStore,
) -> None:
    first, last = Task(abs, -1), Task(abs, -2)
    put(store, first, BEGAN, 1.0)
    put(store, last, BEGAN + 9.0, 1.0)

    assert "Workers busy 20 % 1 worker ran tasks" in sections(store, first, last)["summary"]


def test_of_many_workers_those_that_were_busy_for_longest_are_drawn(store: BaseStore) -> None:
    tasks = [Task(abs, -number) for number in range(50)]
    for number, task in enumerate(tasks):
        busy = 1.0 + number * 7 % 50
        record = Record(task.name, BEGAN, busy, worker=f"node1:{number + 100}")
        store.put(Frame(Kind.RESULT, task.digest, pack(record), encode(1)))

    told = sections(store, *tasks)["time"]

    drawn = {int(number) - 100 for number in re.findall(r"node1:(\d+)", told)}
    assert "of 50 the 40 that were busy for longest" in told
    assert drawn == {number for number in range(50) if number * 7 % 50 >= 10}


def test_dead_workers_are_found_among_what_failed(store: BaseStore) -> None:
    task = Task(abs, -1)
    found = find(Jugspace(store, [task]), Subject("odd.py", "here"))
    process = Process("node7", "", "", 7, "")
    dead = Worker("0123456789abcdef", process, Life.SILENT, silence=840.0, lease=120.0, start=5.0)

    text = page(replace(found, workforce=Workforce([dead], {}, 0, 0, 120.0)))

    (states,) = re.findall(r'data-key="worker-[^"]*" data-states="([^"]*)"', text)
    assert states == "failed"


def test_the_graph_says_how_far_each_name_is(store: BaseStore) -> None:
    done, left = Task(abs, -1), Task(abs, -2)
    put(store, done, BEGAN, 1.0)

    graph = sections(store, Task(sum, [done, left]))["graph"]

    assert "builtins.abs builtins.abs 1 of 2" in graph
    assert "builtins.sum builtins.sum 0 of 1" in graph
