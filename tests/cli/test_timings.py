"""`jug timings`: how long tasks took, and what more workers could gain."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from math import isnan, nan
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from hypothesis import given
from hypothesis import strategies as st

from jug import Task, set_jugdir
from jug.backends.base import BaseStore
from jug.backends.frames import Frame, Kind
from jug.backends.process import Process
from jug.backends.worker_record import WorkerRecord
from jug.cli.reading import traceless
from jug.codec import encode
from jug.execution import Job
from jug.records import Record, RunState, pack
from jug.session import use_store
from jug.task.graph import Graph
from jug.views.critical_path import critical_path
from jug.views.folded import folded
from jug.views.places import Places
from jug.views.timings import Timings, timings
from jug.views.worker_times import WorkerRuns, ready_times, worker_times

Jug = Callable[..., Result]


# The command


def test_names_workers_and_the_critical_path_are_shown(
    jug: Jug, executed: Callable[..., None]
) -> None:
    executed()

    told = jug("timings", "primes.py").output

    by_name, by_worker, path = told.split("\n\n")
    assert by_name.startswith("Count ") and "  primes.is_prime" in by_name
    assert by_worker.startswith("Runs ") and len(by_worker.splitlines()) == 3
    assert path.startswith("Critical path: ")
    assert " in 2 tasks, of " in path and "  primes.count_primes([" in path


def test_where_nothing_ran_there_is_nothing_to_show(jug: Jug) -> None:
    assert jug("timings", "primes.py").output == "No task has ended yet.\n"
    said = json.loads(jug("timings", "--json", "primes.py").output)
    assert said == {"names": [], "workers": [], "critical_path": None}


def test_of_many_workers_the_busiest_are_shown_and_the_rest_in_one_line(
    folder: Path, jug: Jug
) -> None:
    (folder / "many.py").write_text("from jug import Task\nfor n in range(30): Task(abs, n)\n")
    with traceless("many.py"):
        _, jugspace = Job("many.py", [], "many.jugdata").begin()
        for number, task in enumerate(jugspace.tasks):
            seconds = number % 3 + 1.0
            record = Record("builtins.abs", 100.0 + number, seconds, worker=f"node1:{number + 100}")
            jugspace.store.put(Frame(Kind.RESULT, task.digest, pack(record), encode(number)))

    lines = jug("timings", "many.py").output.split("\n\n")[1].splitlines()

    said = json.loads(jug("timings", "--json", "many.py").output)
    assert len(said["workers"]) == 30
    assert len(lines) == 2 + 10 + 1
    shown = [line.split()[-1] for line in lines[2:12]]
    assert shown == [f"node1:{number + 100}" for number in range(2, 30, 3)]
    assert lines[12].split() == ["20", "30.0", "s", "-", "-", "20", "other", "workers"]


def test_an_odd_name_moves_no_cursor_and_breaks_no_line(folder: Path, jug: Jug) -> None:
    (folder / "odd.py").write_text("from jug import Task\nTask(abs, 1)\n")
    with traceless("odd.py"):
        _, jugspace = Job("odd.py", [], "odd.jugdata").begin()
        record = Record("m.\x1b[2J\nf", 100.0, 1.0)
        digest = jugspace.tasks[0].digest
        jugspace.store.put(Frame(Kind.RESULT, digest, pack(record), encode(1)))

    by_name = jug("timings", "odd.py").output.split("\n\n")[0]

    assert by_name.splitlines()[2].endswith("  m.\\x1b[2J\\nf")


def test_of_tasks_that_are_chosen_only_the_table_is_shown(
    jug: Jug, executed: Callable[..., None]
) -> None:
    executed()

    chosen = jug("timings", "--name", "is_prime", "primes.py").output
    short = jug("timings", "--short", "primes.py").output
    data = json.loads(jug("timings", "--json", "--name", "is_prime", "primes.py").output)

    assert len(chosen.splitlines()) == 3 and "  primes.is_prime" in chosen
    assert len(short.splitlines()) == 4
    assert [name["count"] for name in data["names"]] == [6]
    assert data["workers"] is data["critical_path"] is None


def test_where_tasks_are_too_short_there_is_a_hint(
    folder: Path, jug: Jug, executed: Callable[..., None]
) -> None:
    (folder / "short.py").write_text(
        "from jug import Task\nfor number in range(150): Task(abs, number)\n"
    )
    executed("short.py")

    told = jug("timings", "short.py").output

    assert "\n\nbuiltins.abs: tasks of " in told
    assert told.endswith("\n  jug.mapreduce.map(..., map_step=20) makes fewer of them.\n")


def test_a_name_that_fits_no_task_is_wrong_usage(jug: Jug) -> None:
    result = jug("timings", "--name", "isprime", "primes.py", status=2)

    assert "is 'primes.is_prime' meant?" in result.output


# By name


@pytest.fixture
def store() -> Iterator[BaseStore]:
    yield set_jugdir("dict_store")
    use_store(None)


def save(store: BaseStore, task: Task[int], duration: float, **more: Any) -> None:
    record = Record(task.name, 100.0, duration, worker="node1:7")._replace(**more)
    store.put(Frame(Kind.RESULT, task.digest, pack(record), [b"x"]))


def timed(store: BaseStore, tasks: list[Task[int]]) -> Timings:
    graph = Graph(tasks)
    return timings(store, graph, range(len(graph)))


def test_times_are_summed_up_by_name(store: BaseStore) -> None:
    tasks = [Task(abs, number) for number in range(100)]
    for task in tasks[1:]:
        save(store, task, duration=float(task.args[0]))
    save(store, tasks[0], duration=1000.0)

    (name,) = timed(store, tasks).names

    assert (name.count, name.total, name.median) == (100, 5950.0, 50.5)
    assert (name.percentile_95, name.longest) == (95.0, 1000.0)
    assert name.cpu_share is name.memory is name.map_step is None


def test_at_least_95_of_100_took_no_longer(store: BaseStore) -> None:
    tasks = [Task(abs, number) for number in range(1, 11)]
    for task in tasks:
        save(store, task, duration=float(task.args[0]))

    (name,) = timed(store, tasks).names

    assert name.percentile_95 == 10.0  # 9 of 10 are fewer


def test_processor_time_is_a_share_of_the_runs_that_were_measured(store: BaseStore) -> None:
    tasks = [Task(abs, number) for number in range(3)]
    save(store, tasks[0], 0.001)
    save(store, tasks[1], 1.0, cpu=0.5, memory=70)
    save(store, tasks[2], 3.0, cpu=2.5, memory=50)

    (name,) = timed(store, tasks).names

    assert (name.cpu_share, name.memory) == (0.75, 70)


def test_results_that_were_brought_over_have_no_times(store: BaseStore) -> None:
    tasks = [Task(abs, number) for number in range(2)]
    save(store, tasks[0], 0.0, source="elsewhere")
    save(store, tasks[1], 3.0)

    found = timed(store, tasks)

    assert [(name.count, name.mean) for name in found.names] == [(1, 3.0)]
    assert [worker.runs for worker in found.workers] == [1]
    assert isnan(found.durations[0])


def test_a_lost_run_counts_for_nobody(store: BaseStore) -> None:
    task = Task(abs, 1)
    store.note(task.digest, RunState.LOST, pack(Record(start=5.0, worker="node1:7")))

    found = timed(store, [task])

    assert (found.names, found.workers) == ([], [])


@pytest.mark.parametrize(
    ("count", "seconds", "step"),
    [(1000, 0.001, 100), (100_000, 0.001, 500), (99, 0.001, None), (1000, 0.01, None)],
)
def test_many_short_tasks_should_be_put_together(
    store: BaseStore, count: int, seconds: float, step: int | None
) -> None:
    from jug.views.timings import NameTimes

    times = NameTimes("f", count, 0.0, seconds, 0.0, 0.0, 0.0, None, None)

    assert times.map_step == step


# By worker

FIRST, SECOND = Task(abs, 1), Task(abs, 2)
GRAPH = Graph([FIRST, SECOND, Task(max, FIRST, SECOND)])


def worker(start: float, end: float) -> WorkerRecord:
    process = Process("node1", "", "", 7, "")
    return WorkerRecord("0123456789abcdef", process, start=start, end=end)


def runs_of(*runs: tuple[int, float, float]) -> WorkerRuns:
    found = WorkerRuns()
    found.add("builtins.abs", *zip(*runs, strict=True))
    return found


def test_the_life_of_a_worker_is_busy_idle_and_overhead() -> None:
    record = worker(start=10.0, end=30.0)
    runs = runs_of((2, 20.0, 4.0), (0, 11.0, 5.0))  # in any order
    ends = [16.0, 19.0, 24.0]

    times = worker_times(Places({}).of("node1:7"), record, runs, ready_times(GRAPH, ends))

    assert (times.start, times.end, times.runs) == (10.0, 30.0, 2)
    assert times.busy == 9.0
    assert times.idle == 3.0 + 6.0  # for the second of two inputs, and after the last run
    assert times.overhead == 1.0 + 1.0  # before the first run, and after that input was there


def test_a_worker_that_did_not_say_that_it_ended_ended_with_its_last_run() -> None:
    times = worker_times(
        Places({}).of("node1:7"),
        worker(10.0, 0.0),
        runs_of((0, 11.0, 5.0)),
        ready_times(GRAPH, [16.0, 0, 0]),
    )

    assert (times.end, times.idle, times.overhead) == (16.0, 0.0, 1.0)


def test_of_a_worker_that_is_not_known_only_its_runs_are_told() -> None:
    place = Places({}).of("0123456789abcdef")
    times = worker_times(place, None, runs_of((0, 11.0, 5.0)), ready_times(GRAPH, [16.0, 0, 0]))

    assert (times.start, times.end, times.busy) == (11.0, 16.0, 5.0)
    assert times.idle is times.overhead is None


def test_a_clock_that_was_set_back_makes_no_time_negative() -> None:
    runs = runs_of((0, 11.0, 5.0), (1, 12.0, 5.0))
    times = worker_times(
        Places({}).of("node1:7"), worker(10.0, 9.0), runs, ready_times(GRAPH, [16.0, 17.0, 0])
    )

    assert (times.end, times.idle, times.overhead) == (17.0, 0.0, 1.0)


def test_a_run_within_another_ends_before_that() -> None:
    runs = runs_of((0, 11.0, 9.0), (1, 12.0, 1.0))
    times = worker_times(
        Places({}).of("node1:7"), worker(10.0, 0.0), runs, ready_times(GRAPH, [20.0, 13.0, 0])
    )

    assert (times.end, times.idle, times.overhead) == (20.0, 0.0, 1.0)


def test_who_waits_for_what_was_made_anew_later_waits_until_the_run_begins() -> None:
    runs = runs_of((2, 20.0, 4.0))
    times = worker_times(
        Places({}).of("node1:7"), worker(10.0, 24.0), runs, ready_times(GRAPH, [16.0, 90.0, 24.0])
    )

    assert (times.idle, times.overhead) == (10.0, 0.0)


EDGES = st.lists(st.lists(st.integers(0, 9), max_size=3), max_size=10)


@given(EDGES, st.lists(st.integers(0, 9), min_size=10, max_size=10))
def test_sums_over_a_whole_graph_are_those_of_its_tasks(
    edges: list[list[int]], lengths: list[int]
) -> None:
    tasks: list[Task[Any]] = []
    for number, needed in enumerate(edges):
        f = [abs, max, sum][number % 3]
        tasks.append(Task(f, number, *(tasks[one] for one in needed if one < number)))
    graph = Graph(tasks)
    seconds = [float(length) for length, _ in zip(lengths, tasks, strict=False)]
    until, ready, links = list[float](), list[float](), Counter[tuple[str, str]]()
    for number, task in enumerate(tasks):
        needed_here = list(graph.dependencies_of(number))
        until.append(seconds[number] + max((until[one] for one in needed_here), default=0.0))
        ready.append(max((seconds[one] for one in needed_here), default=0.0))
        links.update((tasks[one].name, task.name) for one in needed_here)

    assert [*ready_times(graph, seconds)] == ready
    assert critical_path(graph, seconds, {}).length == max(until, default=0.0)
    one = folded(graph, [*graph.names()])
    assert one.names == list(dict.fromkeys(task.name for task in tasks))
    assert {(one.names[a], one.names[b]): times for a, b, times in one.links} == links
    assert one.links == sorted(one.links)


# The critical path


def test_the_critical_path_is_the_longest_chain() -> None:
    path = critical_path(GRAPH, [1.0, 4.0, 2.0], {})

    assert (path.numbers, path.seconds) == ([1, 2], [4.0, 2.0])
    assert (path.length, path.work, path.enough) == (6.0, 7.0, 2)
    assert (path.least(1), path.least(2)) == (7.0, 6.0)


def test_what_has_no_result_counts_with_the_mean_of_its_name() -> None:
    path = critical_path(GRAPH, [1.0, nan, nan], {"builtins.abs": 3.0})

    assert (path.numbers, path.length, path.estimated, path.unknown) == ([1], 3.0, 1, 1)


def test_no_task_has_no_path() -> None:
    path = critical_path(Graph([]), [], {})

    assert (path.numbers, path.length, path.enough) == ([], 0.0, 1)
