"""`jug why` and the dry runs: what would run, why, and how long it takes."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from click.testing import Result

from jug import Task, records
from jug.backends.dict_store import DictStore
from jug.backends.file_store import FileStore
from jug.backends.process import Process
from jug.cli.reading import traceless
from jug.execution import Job
from jug.records import Record, Run, RunState
from jug.selection import selection
from jug.task.graph import Graph
from jug.views.earlier import EarlierRuns, differences
from jug.views.explanation import Explanation, Reason, when_and_where
from jug.views.forecast import Durations, forecast, makespan
from jug.views.past import Past
from jug.views.places import Places
from jug.workers import Life, Worker, held_by

Jug = Callable[..., Result]
JugProcess = Callable[..., subprocess.CompletedProcess[str]]
Executed = Callable[..., None]

FITS = """
import sys, time
from pathlib import Path

from jug import TaskGenerator


@TaskGenerator
def measure(n, scale=1):
    time.sleep(0.011)
    return n


@TaskGenerator
def fit(measured, degree):
    time.sleep(0.011)
    if degree > 2:
        raise ValueError("too much")
    return measured


@TaskGenerator
def report(fits):
    return len(fits)


scale, *degrees = map(int, sys.argv[1:] or [1, 2, 3])
measured = [measure(n, scale=scale) for n in range(4)]
fits = [fit(one, degree) for one in measured for degree in degrees]
whole = report(fits)
"""

AT_FIRST = """\
fits.measure: never run (4 tasks)
  fits.measure(0, scale=1)
  fits.measure(1, scale=1)
  fits.measure(2, scale=1)
  … and 1 more

fits.fit: never run (8 tasks)
  fits.fit(fits.measure(), 2), hash HASH
  fits.fit(fits.measure(), 3)
  fits.fit(fits.measure(), 2), hash HASH
  … and 5 more

fits.report: never run (1 task)
  fits.report([fits.fit(), fits.fit(), fits.fit(), fits.fit(), …])

Never run  Task name
-----------------------
        8  fits.fit
        4  fits.measure
        1  fits.report
.......................
       13  Total

13 tasks would run; how long they take is unknown, as none of fits.measure, fits.fit, fits.report \
has finished
"""

AFTER_FAILURES = """\
fits.fit: failed before (4 tasks)
  fits.fit(fits.measure(), 3): ValueError: too much, AGO
  fits.fit(fits.measure(), 3): ValueError: too much, AGO
  fits.fit(fits.measure(), 3): ValueError: too much, AGO
  … and 1 more

fits.report: never run (1 task)
  fits.report([fits.fit(), fits.fit(), fits.fit(), fits.fit(), …])

Failed  Never run  Task name
------------------------------
     4          0  fits.fit
     0          1  fits.report
..............................
     4          1  Total

5 tasks would run; they take about TIME with -j 2, not counting 1 task, as none of \
fits.report has finished
"""

OTHER_SCALE = """\
fits.measure: an argument differs (4 tasks)
  fits.measure(0, scale=5): scale is 5, was 1; the nearest earlier run is \
fits.measure(0, scale=1) AGO
  fits.measure(1, scale=5): scale is 5, was 1; the nearest earlier run is \
fits.measure(1, scale=1) AGO
  fits.measure(2, scale=5): scale is 5, was 1; the nearest earlier run is \
fits.measure(2, scale=1) AGO
  … and 1 more

fits.fit: a dependency is not done (4 tasks)
  fits.fit(fits.measure(), 2): it needs fits.measure(0, scale=5) (an argument differs)
  fits.fit(fits.measure(), 2): it needs fits.measure(1, scale=5) (an argument differs)
  fits.fit(fits.measure(), 2): it needs fits.measure(2, scale=5) (an argument differs)
  … and 1 more

fits.report: never run (1 task)
  fits.report([fits.fit(), fits.fit(), fits.fit(), fits.fit()])

Argument  Dependency  Never run  Task name
---------------------------------------------
       0           4          0  fits.fit
       4           0          0  fits.measure
       0           0          1  fits.report
.............................................
       4           4          1  Total

9 tasks would run; they take about TIME with -j 1, not counting 1 task, as none of \
fits.report has finished
"""

WHY_REPORT = """\
fits.report: a dependency is not done (1 task)
  fits.report([fits.fit(), fits.fit(), fits.fit(), fits.fit()]): it needs \
fits.fit(fits.measure(), 2) (a dependency is not done)

fits.measure: its result was removed (1 task)
  fits.measure(1, scale=1): it had finished, AGO

fits.fit: a dependency is not done (1 task)
  fits.fit(fits.measure(), 2): it needs fits.measure(1, scale=1) (its result was removed)

Dependency  Removed  Task name
---------------------------------
         1        0  fits.fit
         0        1  fits.measure
         1        0  fits.report
.................................
         2        1  Total

3 tasks would run; they take about TIME with -j 1
"""

INVALIDATION = """\
fits.measure: is chosen (1 task)
  fits.measure(1, scale=1): it had finished, AGO

fits.fit: made from it (1 task)
  fits.fit(fits.measure(), 2): it needs fits.measure(1, scale=1) (is chosen)

fits.report: made from it (1 task)
  fits.report([fits.fit(), fits.fit(), fits.fit(), fits.fit()]): it needs \
fits.fit(fits.measure(), 2) (made from it)

Chosen  Made from it  Task name
----------------------------------
     0             1  fits.fit
     1             0  fits.measure
     0             1  fits.report
..................................
     1             2  Total

3 tasks would be invalidated; they take about TIME to compute again with -j 1
"""


@pytest.fixture
def fits(folder: Path) -> Path:
    """A jugfile that measures, fits, and reports, in a folder of its own."""
    (folder / "fits.py").write_text(FITS)
    return folder


def plain(output: str) -> str:
    """Return what was printed without times, hosts, processes and hashes."""
    output = re.sub(r"hash [0-9a-f]{12}", "hash HASH", output)
    ago = re.sub(r"[\d.]+ (µs|ms|s|min|h)( \d+ \w+)? ago on [\w.-]+:\d+", "AGO", output)
    return re.sub(r"about [\d.]+ \w+( \d+ \w+)?", "about TIME", ago)


def reasons(jug: Jug, *words: str) -> dict[str, int]:
    """Return how many tasks there are of each reason."""
    found: dict[str, int] = {}
    for one in json.loads(jug("execute", "--dry-run", "--json", *words).stdout)["counts"]:
        found[one["reason"]] = found.get(one["reason"], 0) + one["count"]
    return found


def in_store(jugfile: str, *arguments: str) -> tuple[list[Task], str]:
    """Return the tasks of a jugfile, and its jugdir."""
    jugdir = jugfile.removesuffix(".py") + ".jugdata"
    with traceless(jugfile):
        _, jugspace = Job(jugfile, [*arguments], jugdir).begin()
        return Graph(jugspace.tasks).tasks, jugdir


def everything_in(folder: Path) -> dict[str, tuple[int, int, str]]:
    """Return name, time, length and contents of all that there is."""
    return {
        str(path): (path.stat().st_mtime_ns, path.stat().st_size, _contents(path))
        for path in sorted(folder.rglob("*"))
        if "__pycache__" not in path.parts
    }


def _contents(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


@pytest.mark.usefixtures("fits")
def test_what_never_ran_is_told_so(jug: Jug) -> None:
    assert plain(jug("execute", "--dry-run", "fits.py").stdout) == AT_FIRST


@pytest.mark.usefixtures("fits")
def test_what_failed_is_told_how_and_when(jug: Jug, executed: Executed) -> None:
    executed("fits.py", keep_going=True)

    assert plain(jug("execute", "--dry-run", "-j2", "fits.py").stdout) == AFTER_FAILURES


@pytest.mark.usefixtures("fits")
def test_a_run_of_what_is_still_made_is_no_reason(jug: Jug, executed: Executed) -> None:
    executed("fits.py", select=selection("measure(2, scale=1)"))

    told = plain(jug("why", "measured[0]", "fits.py").stdout)

    assert told.startswith(
        "fits.measure: never run (1 task)\n  fits.measure(0, scale=1): "
        "the nearest run, of a task that is still made, is fits.measure(2, scale=1) AGO\n"
    )


@pytest.mark.usefixtures("fits")
def test_an_argument_that_differs_is_compared_with_the_nearest_run(
    jug: Jug, executed: Executed
) -> None:
    executed("fits.py", keep_going=True)

    assert plain(jug("execute", "--dry-run", "fits.py", "5", "2").stdout) == OTHER_SCALE


@pytest.mark.usefixtures("fits")
def test_why_a_task_would_run_is_told_with_what_has_to_run_before(
    jug: Jug, executed: Executed
) -> None:
    executed("fits.py", arguments=["1", "2"])
    jug("invalidate", "--name", "measure(1, scale=1)", "fits.py", "1", "2")

    assert plain(jug("why", "report", "fits.py", "1", "2").stdout) == WHY_REPORT
    done = plain(jug("why", "measured[2]", "fits.py", "1", "2").stdout)
    assert done == "fits.measure(2, scale=1) is done, AGO: it would not run\n"


@pytest.mark.usefixtures("fits")
def test_what_would_be_invalidated_is_told(jug: Jug, executed: Executed) -> None:
    executed("fits.py", arguments=["1", "2"])
    words = ["--name", "measure(1, scale=1)", "fits.py", "1", "2"]

    assert plain(jug("invalidate", "--dry-run", *words).stdout) == INVALIDATION
    assert "3 tasks would be inv" in jug("invalidate", "--dry-run", "--short", *words).stdout
    assert jug("invalidate", "--short", *words).stdout == "3 tasks invalidated\n"
    assert jug("invalidate", "--dry-run", *words).stdout == "0 tasks would be invalidated\n"


@pytest.mark.parametrize(
    "words",
    [
        ["execute", "--dry-run", "fits.py", "2", "2", "3"],
        ["execute", "--dry-run", "--json", "fits.py"],
        ["execute", "--dry-run", "--failed", "--downstream", "fits.py"],
        ["invalidate", "--dry-run", "--name", "*", "fits.py"],
        ["why", "whole", "fits.py"],
    ],
)
def test_a_dry_run_changes_nothing(
    jug_process: JugProcess, executed: Executed, fits: Path, words: list[str]
) -> None:
    jug_process(*words)
    assert not (fits / "fits.jugdata").exists()
    executed("fits.py", keep_going=True)
    before = everything_in(fits / "fits.jugdata")

    jug_process(*words)

    assert everything_in(fits / "fits.jugdata") == before


@pytest.mark.usefixtures("fits")
def test_what_is_held_is_told_by_whom(jug: Jug) -> None:
    tasks, jugdir = in_store("fits.py")
    with FileStore(jugdir) as store:
        assert store.acquire([tasks[0].digest])
        told = jug("execute", "--dry-run", "fits.py").stdout
        process = Process.here()

    by = f"fits.measure(0, scale=1): by {process.host}:{process.pid}"
    assert f"fits.measure: is being run (1 task)\n  {by}" in told
    assert "\n12 tasks would run" in told


def test_what_is_held_is_told_since_when_if_that_is_known() -> None:
    process = Process("node1", "", "", 7, "")
    task, since = Task(abs, -1), time.time() - 3600
    holder = Worker(
        "0123456789abcdef", process, Life.ALIVE, silence=14.0, lease=120.0,
        tasks={task.digest: since}, job="SLURM 123_4",
    )  # fmt: skip
    held = Explanation(task, Reason.HELD, holder=holder)

    by = "by node1:7 (SLURM 123_4) for 1 h, last sign of life 14 s ago"
    assert held.detail(Places({})) == by
    assert held.as_dict(Places({}))["holder"] == {
        "worker": holder.id, "host": "node1", "pid": 7, "job": "SLURM 123_4", "life": "alive",
        "silence": 14.0, "since": since,
    }  # fmt: skip


def test_a_clock_that_was_set_back_makes_no_span_negative() -> None:
    later = time.time() + 3600
    holder = Worker("0123456789abcdef", None, Life.ALIVE, tasks={b"a": later})
    run = Run(b"1" * 20, RunState.FAILED, Record("builtins.abs", start=later))

    assert held_by(holder, b"a") == "01234567 for 0 s"
    assert when_and_where(run, Places({})) == "0 s ago on -"


@pytest.mark.usefixtures("fits")
@pytest.mark.parametrize("state", [RunState.DIED, RunState.GIVEN_BACK, RunState.LOST])
def test_what_was_cut_short_is_told_how(jug: Jug, state: RunState) -> None:
    tasks, jugdir = in_store("fits.py")
    record = Record("fits.measure", time.time() - 90, exception="was ended by SIGKILL")
    with FileStore(jugdir) as store:
        store.note(tasks[0].digest, state, records.pack(record))

    told = jug("why", "measured[0]", "fits.py").stdout
    assert told.startswith("fits.measure: was cut short (1 task)\n")
    assert f"{state.value} (was ended by SIGKILL), 1 min 3" in told


@pytest.mark.parametrize("lost_first", [True, False])
@pytest.mark.parametrize("seen", [RunState.DIED, RunState.FAILED])
def test_a_death_that_two_have_seen_is_told_by_who_knows_more(
    lost_first: bool, seen: RunState
) -> None:
    store, task = DictStore(), Task(abs, -1)
    ends = {seen: 5.0, RunState.LOST: 6.0}
    for state in sorted(ends, key=lambda state: (state is RunState.LOST) != lost_first):
        record = Record(
            "builtins.abs", start=1.0, duration=ends[state] - 1.0, worker="0123456789abcdef"
        )
        store.note(task.digest, state, records.pack(record))

    last = Past(store, Graph([task]), [0]).last(task.digest)

    assert last is not None and last.state is seen


@pytest.mark.usefixtures("fits")
def test_what_a_later_version_says_is_told_so(jug: Jug) -> None:
    tasks, jugdir = in_store("fits.py")
    with FileStore(jugdir) as store:
        packed = records.with_state(records.pack(Record("fits.measure")), RunState.OTHER)
        store.note(tasks[0].digest, RunState.OTHER, packed)

    told = jug("why", "measured[0]", "fits.py").stdout

    assert "was cut short" in told and "is said in words of a later version of jug, " in told


def test_a_worker_that_is_not_known_is_named_by_its_id() -> None:
    run = Run(bytes(20), RunState.DIED, Record("m.f", time.time() - 5, worker="0123456789abcdef"))

    told = Explanation(Task(abs, -1), Reason.ENDED, run=run).detail(Places({}))

    assert told == "died, 5.0 s ago on 01234567"


def test_what_failed_for_good_and_what_waits_for_it_would_not_run(
    jug: Jug, executed: Executed
) -> None:
    executed("failing.py", keep_failed=True, keep_going=True)

    assert reasons(jug, "failing.py") == {"failed for good": 1, "can't run": 1}
    told = jug("why", "after", "failing.py").stdout
    assert "failing.after(failing.bad()): it needs what would not run: failing.bad() (f" in told
    assert "`jug cleanup --failed-only` lets it be tried again\n" in told
    assert told.endswith("\n0 tasks would run\n")


@pytest.mark.usefixtures("fits")
def test_what_is_not_chosen_is_not_run_and_so_may_stop_what_is(jug: Jug) -> None:
    assert reasons(jug, "--name", "fit", "fits.py") == {"can't run": 8}
    assert reasons(jug, "--name", "measure", "fits.py") == {"never run": 4}
    assert reasons(jug, "--name", "measure(1, scale=1)", "--downstream", "fits.py") == {
        "never run": 3,
        "can't run": 1,
    }
    refused = jug("execute", "--dry-run", "--name", "mesure", "fits.py", status=2)
    assert "is 'fits.measure' meant?" in refused.stderr


def test_only_what_stops_it_is_named_of_what_cannot_run(folder: Path, jug: Jug) -> None:
    (folder / "two.py").write_text(
        "from jug import Task\nTask(max, Task(abs, -1), Task(len, []))\n"
    )

    told = jug("execute", "--dry-run", "--pattern", "/abs|max/", "two.py").stdout

    assert "it needs what would not run: builtins.len([])\n" in told


def test_what_the_jugfile_chooses_itself_is_chosen(fits: Path, jug: Jug) -> None:
    with (fits / "fits.py").open("a") as jugfile:
        jugfile.write("import jug.options\njug.options.default_options.execute_name = 'measure'\n")

    assert reasons(jug, "fits.py") == {"never run": 4}


@pytest.mark.usefixtures("fits")
def test_json_says_all(jug: Jug, executed: Executed) -> None:
    executed("fits.py", arguments=["1", "2"])

    said = json.loads(jug("why", "--json", "measured[0]", "fits.py", "7", "2").stdout)

    (task,) = said["tasks"]
    assert task["call"] == "fits.measure(0, scale=7)"
    assert task["differences"] == [{"argument": "scale", "before": "1", "now": "7"}]
    assert task["run"]["call"] == "fits.measure(0, scale=1)"
    assert task["run"]["state"] == "finished"
    assert task["run"]["exception"] is None  # there was none
    assert task["run"]["end"] == pytest.approx(time.time(), abs=60)
    assert task["run"]["pid"] and "ago on" in task["detail"]
    assert (said["would_run"], said["workers"], said["unknown"]) == (1, 1, {})
    assert 0.01 < said["seconds"] < 10
    assert json.loads(jug("why", "--json", "measured[0]", "fits.py", "1", "2").stdout) == {
        "tasks": [], "counts": [], "would_run": 0, "workers": 1, "seconds": 0.0, "unknown": {},
        "stale": {},
    }  # fmt: skip


SHARED = """
import time
def work(n):
    time.sleep(0.011)
    return n
"""


@pytest.mark.parametrize("other", ["b.py", "elsewhere/a.py"])
def test_another_jugfile_in_the_same_jugdir_does_not_count(
    folder: Path, jug: Jug, executed: Executed, other: str
) -> None:
    (folder / "elsewhere").mkdir()
    (folder / "shared.py").write_text(SHARED)
    for name, number in (("a.py", 1), (other, 2)):
        text = "from jug import TaskGenerator\nimport shared\n"
        (folder / name).write_text(text + f"TaskGenerator(shared.work)({number})\n")
    executed(other, jugdir="both")

    assert reasons(jug, "--jugdir", "both", "a.py") == {"never run": 1}

    executed("a.py", jugdir="both")
    (folder / "a.py").write_text(text + "TaskGenerator(shared.work)(3)\n")
    told = jug("why", "work", "--jugdir", "both", "a.py").stdout
    assert "n is 3, was 1; the nearest earlier run is shared.work(1)" in told


def test_a_jugfile_that_was_moved_is_the_same(fits: Path, jug: Jug, executed: Executed) -> None:
    executed("fits.py", jugdir=str(fits / "kept"), arguments=["1", "2"])
    (fits / "moved").mkdir()
    (fits / "fits.py").rename(fits / "moved" / "fits.py")

    words = ["--jugdir", "kept", "moved/fits.py", "5", "2"]
    assert reasons(jug, *words) == {"an argument differs": 4, "a dependency is not done": 5}


def test_a_memory_that_is_saved_tells_why_too(
    folder: Path, fits: Path, jug: Jug, executed: Executed
) -> None:
    executed("fits.py", jugdir="dict_store:kept", arguments=["1", "2"])
    before = everything_in(folder)

    told = reasons(jug, "--jugdir", "dict_store:kept", "fits.py", "5", "2")

    assert told == {"an argument differs": 4, "a dependency is not done": 5}
    assert everything_in(folder) == before


def test_arguments_that_were_not_noted_are_told_so(
    folder: Path, jug: Jug, executed: Executed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jug.task.attempt.LONG", 3600.0)  # it is short, whatever stops it
    (folder / "short.py").write_text("from jug import Task\nimport sys\nTask(abs, -1)\n")
    executed("short.py")
    (folder / "short.py").write_text("from jug import Task\nTask(abs, -2)\n")

    told = plain(jug("why", "abs", "short.py").stdout)

    assert "an argument differs (1 task)\n" in told
    assert "the arguments of earlier runs were not noted; the last was AGO\n" in told


def test_the_rest_is_told_where_a_record_is_torn(fits: Path, jug: Jug, executed: Executed) -> None:
    executed("fits.py", arguments=["1", "2"])
    (segment,) = (fits / "fits.jugdata").glob("segments/*")
    whole = segment.read_bytes()
    segment.write_bytes(whole[: len(whole) // 2])

    found = reasons(jug, "fits.py", "1", "2")

    assert sum(found.values()) >= 1
    assert reasons(jug, "fits.py", "9", "2")["an argument differs"] == 4


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("mesure", "no task is 'mesure': is measure or measured meant?"),
        ("measure", "4 tasks fit 'measure': name one, such as measure[0]"),
    ],
)
@pytest.mark.usefixtures("fits")
def test_a_task_that_is_not_clear_is_refused(jug: Jug, text: str, complaint: str) -> None:
    assert complaint in jug("why", text, "fits.py", status=2).stderr


@pytest.mark.usefixtures("folder")
def test_json_goes_with_a_dry_run(jug: Jug) -> None:
    assert "give --dry-run, too" in jug("execute", "--json", "primes.py", status=2).stderr


def test_a_barrier_is_told(folder: Path, jug: Jug) -> None:
    (folder / "stage.py").write_text(
        "from jug import Task, bvalue\nfirst = Task(abs, -2)\nTask(divmod, 7, bvalue(first))\n"
    )

    for words in (["execute", "--dry-run", "stage.py"], ["why", "abs", "stage.py"]):
        told = jug(*words)
        assert "1 task would run" in told.stdout and "barrier" in told.stderr
    for command in ("why", "rerun"):  # as it may be what is meant
        told = jug(command, "divmod", "stage.py", status=2)
        assert "no task is 'divmod'" in told.stderr and "barrier" in told.stderr


def test_the_last_of_the_runs_of_a_task_is_the_reason(folder: Path, jug: Jug) -> None:
    (folder / "least.py").write_text("from jug import Task\nTask(min, [])\n")
    jug("execute", "least.py", status=1)
    jug("invalidate", "--name", "min", "least.py")
    jug("execute", "least.py", status=1)

    (first, last) = json.loads(jug("log", "--json", "least.py").stdout)["runs"]
    (task,) = json.loads(jug("why", "--json", "min", "least.py").stdout)["tasks"]

    assert first["end"] < last["end"] == task["run"]["end"]


# The nearest run


def ran(end: float, arguments: str | None) -> tuple[tuple[str, ...] | None, Run]:
    run = Run(bytes(20), RunState.DISCARDED, Record("m.f", end))
    return None if arguments is None else tuple(arguments.split()), run


@pytest.mark.parametrize(
    ("arguments", "nearest"),
    [
        ("1 2 3", 1.0),
        ("1 2 9", 1.0),
        ("9 2 3", 4.0),
        ("8 8 3", 3.0),
        ("9 9 9", 5.0),
        ("0", 5.0),
    ],
)
def test_the_nearest_run_has_the_most_equal_arguments_and_of_several_is_the_latest(
    arguments: str, nearest: float
) -> None:
    earlier = EarlierRuns(
        [ran(5.0, "7 7 7"), ran(1.0, "1 2 3"), ran(4.0, "7 2 3"), ran(3.0, "8 8 8"), ran(6.0, None)]
    )

    found = earlier.nearest(tuple(arguments.split()))

    assert found is not None and found[1].record.end == nearest
    assert earlier.may_have(("1", "2", "3")) and not earlier.may_have(("1",))


def test_arguments_are_compared_by_their_names() -> None:
    def f(first: int, second: int = 0, *more: int) -> None: ...

    assert differences(Task(f, 1, second=2), ("1", "3")) == [("second", "3", "2")]
    assert differences(Task(f, 1, 2), ("1",)) == [("second", "", "2")]
    assert differences(Task(f, 1), ("1", "2", "3")) == [("second", "2", ""), ("3", "3", "")]
    assert differences(Task(max, 1, 2), ("1", "3")) == [("2", "3", "2")]
    assert differences(Task(f, "a=b"), ("'a=b'",)) == []


# How long


def test_the_graph_and_the_workers_bound_how_long_it_takes() -> None:
    first = [Task(abs, n) for n in range(4)]
    chain = Task(sum, first)
    graph = Graph([Task(str, chain), *(Task(divmod, n, 2) for n in range(4))])
    seconds = dict.fromkeys(range(len(graph)), 1.0)

    assert makespan(graph, seconds, workers=1) == 10
    assert makespan(graph, seconds, workers=2) == 5
    assert makespan(graph, seconds, workers=100) == 3
    assert makespan(graph, {len(graph) - 1: 2.0}, workers=3) == 2
    assert makespan(graph, {}, workers=3) == 0


def test_what_never_finished_takes_unknown_time() -> None:
    graph = Graph([Task(abs, n) for n in range(4)] + [Task(str, 1)])
    durations = Durations()

    assert forecast(graph, range(5), durations.mean, 2).seconds is None
    durations.add("builtins.abs", 1.0)
    durations.add("builtins.abs", 3.0)
    assert forecast(graph, range(5), durations.mean, 2) == (2, 4.0, {"builtins.str": 1})
    assert forecast(graph, [], durations.mean, 2) == (2, 0.0, {})


@pytest.mark.slow
def test_a_hundred_thousand_tasks_are_looked_through_in_seconds(
    folder: Path, jug: Jug, executed: Executed
) -> None:
    (folder / "many.py").write_text(
        "import sys\n"
        "from jug import Task\n"
        "def part(n, k): return n\n"
        "def whole(x): return x\n"
        "k = int(sys.argv[1])\n"
        "parts = [Task(part, n, k) for n in range(100_000)]\n"
        "for n in range(0, 100_000, 100): Task(whole, parts[n:n + 100])\n"
    )
    executed("many.py", arguments=["0"])
    begin = time.process_time()

    told = jug("execute", "--dry-run", "many.py", "1").stdout

    assert time.process_time() - begin < 15
    assert "many.part: an argument differs (100000 tasks)" in told
    assert "  … and 99997 more\n" in told
    assert len(told.splitlines()) < 30
