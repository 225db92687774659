"""How far a run is and how long it takes still, as workers really say it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .conftest import Journal, on_host

pytestmark = pytest.mark.clock

DRIVER = """
import json, os, sys, time
from functools import partial
from pathlib import Path
from jug.execution import Job, Settings, execute

class Recorder:
    interval = 0.1

    def show(self, snapshot):
        shown.append((time.monotonic(), snapshot))
        Path("shown").touch()

    def write(self, descriptor, data, source=None):
        os.write(descriptor, data)

shown = []
jobs, jugdir = int(sys.argv[1]), sys.argv[2]
job = Job("jugfile.py", [], jugdir)
job.read_settings = partial(Settings, keep_going=True)
execute(job, jobs, display=Recorder())
end = time.monotonic()
for now, snapshot in shown:
    about = snapshot._asdict() | {"done": snapshot.done, "total": snapshot.total}
    about |= {"names": [one._asdict() for one in snapshot.names]}
    about |= {"activities": [one._asdict() for one in snapshot.activities]}
    print(json.dumps(about | {"truth": end - now}))
"""

SLEEPING = """
import sys
import time
from jug import TaskGenerator

@TaskGenerator
def short(n):
    time.sleep(0.02)

@TaskGenerator
def long(n):
    time.sleep(0.2)
"""

Shown = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def shown(write: Callable[..., None], launch: Callable[..., Any]) -> Shown:
    """Call with a number of workers and a jugdir: runs the jugfile, returns what was shown."""
    write(DRIVER, "driver.py")

    def run(jobs: int, jugdir: str = "jd", **options: Any) -> list[dict[str, Any]]:
        process = launch("driver.py", str(jobs), jugdir, **options)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        return [json.loads(line) for line in out.splitlines()]

    return run


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize(
    "tasks", ["[long(n) for n in range(30)]", "[short(n) for n in range(200)]"]
)
def test_the_time_left_of_equal_tasks_is_true_from_the_middle(
    shown: Shown, write: Callable[..., None], tasks: str, jobs: int
) -> None:
    write(SLEEPING + tasks)

    check_from_the_middle(shown(jobs))


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_the_time_left_is_true_from_the_middle_where_long_tasks_come_last(
    shown: Shown, write: Callable[..., None], jobs: int
) -> None:
    write(SLEEPING + "[short(n) for n in range(50)]\n[long(n) for n in range(50)]")

    check_from_the_middle(shown(jobs))


def check_from_the_middle(snapshots: list[dict[str, Any]]) -> None:
    lefts = [(one["truth"], one["time_left"]) for one in snapshots]
    for truth, left in lefts[len(lefts) // 2 : -1]:
        assert left == pytest.approx(truth, rel=0.25, abs=0.3)
    assert lefts[-1][1] == 0.0


@pytest.mark.slow
def test_results_and_the_history_say_what_tasks_take_before_the_first_has_run(
    shown: Shown, write: Callable[..., None], jug: Callable[..., Any]
) -> None:
    write(SLEEPING + "[short(n) for n in range(5)]\n[long(n) for n in range(5)]")
    jug("execute", "--jugdir", "jd", "--progress=none")
    jug("invalidate", "--jugdir", "jd", "--name", "long")
    write(SLEEPING + "[short(n) for n in range(20)]\n[long(n) for n in range(10)]")

    first = shown(1)[0]

    assert 5 <= first["done"] < 20
    assert first["time_left"] == pytest.approx(first["truth"], rel=0.3)


@pytest.mark.parametrize("kind", ["forked", "spawned"])
def test_what_workers_do_and_have_done_is_shown(
    shown: Shown, write: Callable[..., None], journal: Journal, kind: str
) -> None:
    threads = (
        "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\n"
    )
    write(
        (threads if kind == "spawned" else "")
        + """
import time
from pathlib import Path
from jug import TaskGenerator
from journal import wait_for_file

@TaskGenerator
def quick(n):
    return n

@TaskGenerator
def bad(n):
    raise ValueError

@TaskGenerator
def after(x):
    return x

@TaskGenerator
def slow(n):
    Path(f"begun{n}").touch()
    wait_for_file(f"begun{1 - n}")
    time.sleep(1)

[quick(n) for n in range(30)]
after(bad(7))
[slow(n) for n in range(2)]
"""
    )

    snapshots = shown(2)

    middle = next(one for one in snapshots if sum(map(runs_slow, one["activities"])) == 2)
    assert all(0 <= act["seconds"] <= middle["elapsed"] for act in middle["activities"])
    assert sorted(act["arguments"] for act in middle["activities"]) == ["0", "1"]
    last = snapshots[-1]
    assert (last["done"], last["total"], last["time_left"]) == (32, 34, 0.0)
    bad = next(one for one in last["names"] if one["name"].endswith("bad"))
    after = next(one for one in last["names"] if one["name"].endswith("after"))
    assert (bad["failed"], after["blocked"]) == (1, 1)


def runs_slow(activity: dict[str, Any]) -> bool:
    return str(activity["name"]).endswith("slow")


def test_a_barrier_is_shown_until_it_opens(
    shown: Shown, write: Callable[..., None], journal: Journal
) -> None:
    write(
        "import time\nfrom jug import Task, barrier\nfrom journal import wait_for_file\n"
        "Task(wait_for_file, 'shown')\nbarrier()\nTask(time.sleep, 0.4)\nTask(time.sleep, 0.01)\n"
    )

    snapshots = shown(1)

    assert (snapshots[0]["total"], snapshots[0]["at_barrier"]) == (1, True)
    assert (snapshots[-1]["total"], snapshots[-1]["at_barrier"]) == (3, False)
    assert snapshots[-1]["done"] == 3


@pytest.mark.slow
def test_workers_of_another_host_count(
    shown: Shown, write: Callable[..., None], start: Callable[..., Any], wait_for: Any, folder: Any
) -> None:
    write(SLEEPING + "[long(n) for n in range(60)]")
    other = start("execute", "--jugdir", "jd", env=on_host("far"))
    wait_for(lambda: list((folder / "jd").glob("leases/*")))

    snapshots = shown(1)

    other.communicate(timeout=60)
    middle = snapshots[len(snapshots) // 2]
    assert middle["workers"] == 2
    assert middle["time_left"] == pytest.approx(middle["truth"], rel=0.25)
    assert snapshots[-1]["done"] == 60


@pytest.mark.slow
def test_progress_costs_short_tasks_no_system_call(
    write: Callable[..., None], launch: Callable[..., Any], program: Callable[[str], str]
) -> None:
    write(
        "import sys\nfrom jug import TaskGenerator\n@TaskGenerator\ndef f(n): return n\n"
        "[f(n) for n in range(int(sys.argv[1]))]"
    )
    strace = program("strace")

    def calls(kind: str, tasks: int) -> int:
        words = [strace, "-f", "-o", "trace", sys.executable, "-m", "jug", "execute"]
        words += [f"--progress={kind}", "--jugdir", f"{kind}{tasks}", "jugfile.py", str(tasks)]
        process = launch("-c", f"import os; os.execv({strace!r}, {words!r})")
        assert process.wait(60) == 0
        return len(Path("trace").read_bytes().splitlines())

    def calls_of_a_task(kind: str) -> float:
        return (calls(kind, 2000) - calls(kind, 1000)) / 1000

    assert calls_of_a_task("plain") <= calls_of_a_task("none") + 0.5  # of what comes with time
