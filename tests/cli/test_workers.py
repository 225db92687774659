"""`jug workers`, and what other commands say of workers that are silent."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from tests.cli.terminal import Terminal

from jug.backends import file_store
from jug.backends.base import BaseStore, Presence
from jug.backends.dict_store import DictStore
from jug.backends.process import Process
from jug.backends.registry import open_store
from jug.backends.worker_record import WorkerRecord
from jug.cli.reading import traceless
from jug.execution import Job
from jug.task import Task
from jug.workers import workers

Jug = Callable[..., Result]

JUGFILE = """
from jug import TaskGenerator

@TaskGenerator
def measure(n, scale=2):
    return n * scale

@TaskGenerator
def fit(measured):
    return sum(measured)

fit([measure(n) for n in range(6)])
"""

ON_LINUX = pytest.mark.skipif(
    sys.platform != "linux", reason="elsewhere no process is known to be there or gone"
)
LEASE = 120.0
STARTS = count(1)


class Crew:
    """Workers on hosts of their own, in one store, as of a moment that does not pass."""

    def __init__(self, url: str, stack: ExitStack, patch: pytest.MonkeyPatch) -> None:
        self.url = url
        self.now = time.time()
        self._stack = stack
        self.heard_of: Callable[[str, float], None] = self._touch
        self.use_clock_of_store = lambda: patch.setattr(file_store, "is_local", lambda path: False)

    def join(
        self,
        host: str,
        pid: int,
        *held: Task[Any],
        heard: float,
        lives: float = 7500.0,
        holds: float = 0.0,
        job: str = "",
        process: Process | None = None,
    ) -> BaseStore:
        """Let a worker join that holds some tasks, and was heard of so many seconds ago."""
        process = process or Process(host, "another boot", "pid:[1]", pid, str(next(STARTS)))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Process, "here", lambda: process)
            patch.setattr("jug.backends.worker_record._job", lambda: job)
            patch.setattr(time, "time", lambda: self.now - lives)
            store = self._stack.enter_context(open_store(self.url, lease_seconds=LEASE))
            store.jugfile = str(Path("fits.py").absolute())
            heartbeat = store.heartbeat()
            for task in held:
                assert store.acquire([task.digest])
            if not held:  # it has worked before
                lease = store.acquire([b"%20d" % pid])
                assert lease
                store.release(lease)
        if holds:
            heartbeat.show(held[0].digest, self.now - holds)
        self.heard_of(store.worker_id, self.now - heard)
        return store

    def _touch(self, worker: str, moment: float) -> None:
        os.utime(Path(self.url, "leases", worker), (moment, moment))


@pytest.fixture(scope="module")
def server() -> Iterator[Any]:
    """Start a redis server."""
    pytest.importorskip("jug.backends.redis_store", reason="jug-redis is not installed")
    from tests.redis.conftest import RedisServer, short_folder

    with short_folder() as folder:
        server = RedisServer(folder)
        server.start()
        yield server
        server.kill()


@pytest.fixture(params=["file", pytest.param("redis", marks=pytest.mark.slow)])
def crew(
    request: pytest.FixtureRequest, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Crew]:
    """Return workers to come, in a directory and in a server, with the time standing still."""
    Path("fits.py").write_text(JUGFILE)
    monkeypatch.delenv("JUG_LEASE_SECONDS", raising=False)
    with ExitStack() as stack:
        if request.param == "file":
            crew = Crew("fits.jugdata", stack, monkeypatch)
            monkeypatch.setattr(file_store, "is_local", lambda path: True)  # with this clock
        else:
            crew = in_server(request.getfixturevalue("server"), stack, monkeypatch)
        monkeypatch.setenv("JUG_JUGDIR", crew.url)
        monkeypatch.setattr(time, "time", lambda: crew.now)
        yield crew


def in_server(server: Any, stack: ExitStack, patch: pytest.MonkeyPatch) -> Crew:
    from jug.backends.redis_store import RedisStore

    crew = Crew(server.url(), stack, patch)
    prefix = crew.url.rpartition("prefix=")[2]

    def heard_of(worker: str, moment: float) -> None:
        beats = f"jug:{{{prefix}}}:beats"
        server.client().zadd(beats, {worker: round((moment + LEASE) * 1000)})

    now = RedisStore.now
    crew.heard_of = heard_of
    crew.use_clock_of_store = lambda: patch.setattr(RedisStore, "now", now)
    patch.setattr(RedisStore, "now", lambda store: crew.now)
    return crew


@pytest.fixture
def tasks(crew: Crew) -> list[Task[Any]]:
    """Return the tasks of the jugfile."""
    with traceless("fits.py"):
        return Job("fits.py", [], crew.url).begin()[1].tasks


def gone() -> Process:
    """Return a process of this host that has ended."""
    return Process.here()._replace(host="here", pid=7, started="0")


def mixed(crew: Crew, tasks: list[Task[Any]]) -> None:
    """Let workers of every kind join."""
    crew.join("node09", 1234, *tasks[3:5], heard=840.0, holds=4800.0, job="SLURM 12_5")
    crew.join("node12", 17, tasks[2], heard=70.0, lives=65.0)
    crew.join("node07", 4711, tasks[1], heard=40.0, holds=4800.0, job="SLURM 12_4")
    crew.join("node08", 12, heard=70.0)
    crew.join("here", 7, tasks[5], heard=30.0, process=gone())


MIXED = """\
State          Heard of  Lives for    Held for  Worker                    Call
----------------------------------------------------------------------------------------------------
running        40 s ago  2 h 5 min  1 h 20 min  node07:4711 (SLURM 12_4)  fits.measure(1)
running  1 min 10 s ago  1 min 5 s           -  node12:17                 fits.measure(2)
waiting  1 min 10 s ago  2 h 5 min              node08:12
silent       14 min ago  2 h 5 min  1 h 20 min  node09:1234 (SLURM 12_5)  fits.measure(3) and 1 more
gone           30 s ago  2 h 5 min           -  here:7                    fits.measure(5)

"""
COUNTS = "5 workers: 2 running, 1 waiting, 1 silent for longer than the lease of 2 min, 1 gone.\n"


@ON_LINUX
def test_workers_of_every_kind_are_listed(crew: Crew, tasks: list[Task[Any]], jug: Jug) -> None:
    mixed(crew, tasks)

    assert jug("workers", "fits.py").output == MIXED + COUNTS
    assert jug("workers", "--short", "fits.py").output == COUNTS


def test_programs_get_all_that_is_known(crew: Crew, tasks: list[Task[Any]], jug: Jug) -> None:
    held = crew.join("node09", 1234, *tasks[3:5], heard=840.0, holds=4800.0, job="SLURM 12_5")
    idle = crew.join("node08", 12, heard=70.0)

    about = {"start": crew.now - 7500, "jugfile": held.jugfile}
    assert json.loads(jug("workers", "--json", "fits.py").output) == {
        "workers": [
            {
                "worker": idle.worker_id, "host": "node08", "pid": 12, "job": None,
                "life": "alive", "silence": approx(70.0), **about, "tasks": [],
            },
            {
                "worker": held.worker_id, "host": "node09", "pid": 1234, "job": "SLURM 12_5",
                "life": "silent", "silence": approx(840.0), **about,
                "tasks": unordered([
                    {
                        "hash": tasks[3].digest.hex(), "call": "fits.measure(3)",
                        "since": approx(crew.now - 4800),
                    },
                    {"hash": tasks[4].digest.hex(), "call": "fits.measure(4)", "since": None},
                ]),
            },
        ],
        "ended": 0, "died": 0, "lease_seconds": 120.0,
    }  # fmt: skip


@ON_LINUX
def test_those_who_have_ended_are_counted(crew: Crew, tasks: list[Task[Any]], jug: Jug) -> None:
    assert jug("workers", "fits.py").output == "0 workers.\n"
    left = [crew.join("node07", 1, heard=1.0), crew.join("node08", 2, heard=1.0)]
    crew.join("here", 7, tasks[5], heard=30.0, process=gone())

    left.pop().close()
    there = "2 workers: 1 waiting, 1 gone.\n"
    assert jug("workers", "--short", "fits.py").output == f"{there}1 other has ended.\n"

    left[0].tidy()
    left.pop().close()
    ended = "0 workers.\n2 others have ended, and 1 died.\n"
    assert jug("workers", "fits.py").output == ended


def test_what_is_held_by_a_silent_worker_is_not_being_run(
    crew: Crew, tasks: list[Task[Any]], jug: Jug
) -> None:
    crew.join("node09", 1234, *tasks[3:5], heard=840.0, holds=4800.0, job="SLURM 12_5")
    crew.join("node07", 4711, tasks[1], heard=40.0, holds=4800.0, job="SLURM 12_4")

    assert (
        jug("status", "fits.py", status=1).output
        == """\
Failed  Waiting  Ready  Finished  Running  Task name
-------------------------------------------------------
     0        1      0         0        0  fits.fit
     0        0      5         0        1  fits.measure
.......................................................
     0        1      5         0        1  Total
1 worker, time left unknown.
1 worker is silent for longer than the lease of 2 min: node09:1234 (SLURM 12_5) for 14 min.
"""
    )
    assert jug("status", "--short", "fits.py", status=1).output == (
        "6 tasks waiting to be run, 0 failed, 0 complete, (1 active).\n"
    )
    (silent,) = json.loads(jug("status", "--json", "fits.py", status=1).output)["silent"]
    assert (silent["host"], silent["silence"]) == ("node09", approx(840.0))

    def shown(task: str) -> str:
        return jug("show", task, "fits.py").output.splitlines()[2]

    assert shown("measure[1]") == (
        "  state   running: held by node07:4711 (SLURM 12_4) for 1 h 20 min, "
        "last sign of life 40 s ago"
    )
    assert shown("measure[3]") == (
        "  state   ready: held by node09:1234 (SLURM 12_5) for 1 h 20 min, "
        "silent for 14 min, longer than the lease of 2 min: another one may take it over"
    )
    assert jug("why", "measure[1]", "fits.py").output.splitlines()[:2] == [
        "fits.measure: is being run (1 task)",
        "  fits.measure(1): by node07:4711 (SLURM 12_4) for 1 h 20 min, last sign of life 40 s ago",
    ]
    assert "fits.measure: never run (1 task)" in jug("why", "measure[3]", "fits.py").output


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_host_whose_clock_is_off_sees_the_same(
    crew: Crew, tasks: list[Task[Any]], jug: Jug, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    crew.join("node09", 1234, tasks[3], heard=840.0)
    crew.join("node07", 4711, tasks[1], heard=20.0)
    crew.use_clock_of_store()

    monkeypatch.setattr(time, "time", lambda: crew.now + hours * 3600)
    seen = json.loads(jug("workers", "--json", "fits.py").output)["workers"]

    assert [one["life"] for one in seen] == ["alive", "silent"]
    assert 20 <= seen[0]["silence"] < 120 and 840 <= seen[1]["silence"] < 940


def test_a_worker_of_another_jugfile_is_listed_by_that(
    crew: Crew, tasks: list[Task[Any]], jug: Jug
) -> None:
    crew.join("node07", 4711, tasks[1], heard=40.0)
    Path("other.py").write_text(JUGFILE)

    row = jug("workers", "other.py").output.splitlines()[2]

    assert row.endswith(f"  node07:4711  {tasks[1].digest.hex()[:8]} of fits.py")


def test_odd_names_move_no_cursor_and_break_no_line(
    crew: Crew, tasks: list[Task[Any]], jug: Jug
) -> None:
    crew.join("no\x1b[2J de:7\n", 1, tasks[1], heard=840.0, job="LSF a\nb")
    crew.join("n\xf6d\u2028e" * 40, 2, tasks[2], heard=840.0)

    for words in (["workers"], ["status"], ["show", "measure[1]"]):
        told = jug(*words, "fits.py", status=words == ["status"]).output
        assert "no\\x1b[2J de:7\\n:1 (LSF a\\nb)" in told or words == ["status"]
        assert not set(told) & {"\x1b", "\u2028"}


def test_a_worker_whose_words_are_not_understood_is_listed_all_the_same(
    crew: Crew, tasks: list[Task[Any]], jug: Jug, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = {"host": "node07", "boot": "b", "namespace": "n", "pid": 4711, "started": "1"}
    for words in (
        {**later, "start": "noon", "job": 7, "jugfile": None},
        {**later, "start": float("nan"), "offers": {"cpus": "many"}, "packages": [1]},
        {**later, "pid": "4711"},
        {**later, "host": None},
        {"host": "node07"},
        [],
    ):
        packed = json.dumps(words).encode()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(WorkerRecord, "pack", lambda record, packed=packed: packed)
            store = crew.join("node07", 4711, tasks[1], heard=40.0)

        (row,) = jug("workers", "fits.py").output.split("\n\n")[0].splitlines()[2:]
        told = row.split()
        assert (told[0], told[-1]) == ("running", "fits.measure(1)")
        assert "1 worker" in jug("status", "fits.py", status=1).output
        store.close()


def test_a_store_in_memory_has_no_workers_of_others(jug: Jug) -> None:
    assert jug("workers", "--jugdir", "dict_store", "primes.py").output == "0 workers.\n"


@pytest.mark.slow
def test_rows_are_wrapped_where_a_terminal_is_narrow(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("fits.py").write_text(JUGFILE)
    with Terminal("workers", "fits.py", columns=40) as terminal:
        terminal.wait_for(lambda text: "0 workers." in text)


@pytest.mark.parametrize(
    ("process", "alive", "silence", "life"),
    [
        (gone()._replace(boot="another"), True, 119.0, "alive"),
        (gone()._replace(boot="another"), True, 121.0, "silent"),
        (gone()._replace(boot="another"), True, -9.0, "alive"),
        (gone()._replace(boot="another"), False, 1.0, "silent"),
        pytest.param(Process.here(), True, 121.0, "alive", marks=ON_LINUX),
        (Process.here(), False, 121.0, "silent"),
        pytest.param(gone(), False, 1.0, "gone", marks=ON_LINUX),
        (None, True, 121.0, "silent"),
    ],
)
def test_a_worker_that_is_seen_to_live_may_be_silent_for_long(
    process: Process | None, alive: bool, silence: float, life: str
) -> None:
    class Store(DictStore):
        lease_seconds = LEASE

        def present(self) -> list[Presence]:
            return [Presence("5f0c", process, alive, last_sign=1000.0)]

        def now(self) -> float:
            return 1000.0 + silence

    [worker] = workers(Store())

    assert (worker.life, worker.silence) == (life, max(0.0, silence))


def approx(seconds: float) -> Any:
    """Compare equal to about the same time: a clock of a disk is a little behind."""
    return pytest.approx(seconds, abs=0.01)


class Unordered(list[Any]):
    """Compares equal to a list of the same items in any order."""

    def __eq__(self, other: object) -> bool:
        assert isinstance(other, list)
        return len(self) == len(other) and all(one in other for one in self)

    __hash__ = None  # type: ignore[assignment]


unordered = Unordered
