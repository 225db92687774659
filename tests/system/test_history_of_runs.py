"""Every run is remembered with what became of it, and every worker with what it was."""

from __future__ import annotations

import os
import signal
import time

import pytest

from jug.backends.registry import open_store
from jug.records import RunState
from jug.task.measures import LONG

from .conftest import is_running

JUGFILE = """
import os, signal, time
from pathlib import Path
from jug import TaskGenerator
from journal import log, wait_for_file

signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])  # `late` is deaf from its beginning

def first_time(name):
    try:
        Path(name).touch(exist_ok=False)
        return True
    except FileExistsError:
        return False

@TaskGenerator(retries=2)
def flaky(number):
    if first_time("flaky"):
        raise ValueError("not yet")
    return number

@TaskGenerator
def deadly(number):
    if first_time("deadly"):
        os.kill(os.getpid(), signal.SIGKILL)
    return number

@TaskGenerator(retries=1, timeout=0.3)
def late(number):
    while first_time("late"):
        time.sleep(60)
    return number

@TaskGenerator
def fails(text, numbers):
    raise KeyError(text)

@TaskGenerator
def busy(number):
    end = time.process_time() + 0.1
    while time.process_time() < end:
        pass
    return bytes(number)

@TaskGenerator
def short(number):
    return number

@TaskGenerator
def held(number):
    log("held", os.getpid())
    wait_for_file("go")
    return number
"""


@pytest.fixture
def history():
    """Call with names of tasks: returns what is remembered of these, in order."""

    def read(*names):
        with open_store("jugfile.jugdata") as store:
            store.poll()
            runs = [run for run in store.runs() if run.record.name.rpartition(".")[2] in names]
            workers = store.workers()
        assert all(run.record.worker in workers for run in runs)
        return runs

    return read


@pytest.mark.slow
def test_failures_retries_deaths_and_successes_are_told_in_order(write, journal, jug, history):
    write(JUGFILE + "flaky(1), deadly(2), late(3), fails('x' * 100, [1, 2, 3, 4, 5, 6])\n")
    before = time.time()

    assert jug("execute", "-j", "2", "--keep-going")[0] == 1

    def assert_told():
        assert [run.state for run in history("flaky")] == [RunState.RETRIED, RunState.FINISHED]
        assert [run.state for run in history("deadly")] == [RunState.DIED, RunState.FINISHED]
        assert [run.state for run in history("late")] == [RunState.RETRIED, RunState.FINISHED]
        (failure,) = history("fails")
        assert failure.state is RunState.FAILED
        assert failure.record.arguments == f"'{'x' * 40}…', [1, 2, 3, 4, …]"
        retried = history("flaky")[0].record
        assert (retried.exception, retried.attempt) == ("ValueError: not yet", 1)
        assert "not yet" in retried.traceback
        died, finished = (run.record for run in history("deadly"))
        assert died.exception == "was ended by SIGKILL"
        assert died.worker != finished.worker
        limited = history("late")[0].record
        assert limited.exception.startswith("TaskTimeout: ran longer")
        assert 0.3 <= limited.duration < 30
        runs = history("flaky", "deadly", "late", "fails")
        assert all(before <= run.record.start <= time.time() for run in runs)

    assert_told()
    jug("pack")
    assert_told()


def test_what_is_stopped_is_told_as_given_back(write, journal, start, wait_for, history):
    write(JUGFILE + "held(1)\n")
    command = start("execute")
    wait_for(journal)

    command.terminate()
    assert command.wait(20) == 130

    (run,) = history("held")
    assert run.state is RunState.GIVEN_BACK
    assert run.record.arguments == "1"
    assert run.record.attempt == 1


def test_what_a_killed_command_was_running_is_told_as_lost(
    write, journal, start, jug, wait_for, history
):
    write(JUGFILE + "held(1)\n")
    command = start("execute")
    wait_for(journal)
    ((_, worker),) = journal()
    os.killpg(command.pid, signal.SIGKILL)
    command.wait()
    wait_for(lambda: not is_running(int(worker)))
    open("go", "w").close()

    assert jug("execute")[0] == 0

    with open_store("jugfile.jugdata") as store:
        lost, finished = store.runs()
        workers = store.workers()
    assert (lost.state, finished.state) == (RunState.LOST, RunState.FINISHED)
    assert lost.digest == finished.digest
    assert lost.record.worker != finished.record.worker
    assert workers[finished.record.worker].end > 0


@pytest.mark.slow
def test_others_see_since_when_a_long_task_runs(write, journal, start, wait_for):
    write(JUGFILE + "held(1), held(2)\n")
    before = time.time()
    command = start("execute", "-j", "2")
    begun = wait_for(lambda: len(journal()) == 2 and time.time())

    def known():
        with open_store("jugfile.jugdata") as store:
            holders = [*store.holders().values()]
        return all(holder.since for holder in holders) and holders

    holders = wait_for(known)
    assert len({holder.worker for holder in holders}) == 2
    assert all(before <= holder.since <= begun for holder in holders)
    open("go", "w").close()
    assert command.wait(20) == 0


def test_long_runs_are_measured_and_short_ones_are_not(write, journal, jug, history):
    write(JUGFILE + "busy(1_000_000), [short(number) for number in range(3)]\n")

    assert jug("execute")[0] == 0

    (long,) = history("busy")
    assert 0.1 <= long.record.cpu < 10
    assert long.record.arguments == "1000000"
    assert long.record.attempt == 1
    assert long.record.memory > 0
    # The system may hold up one of them, which is long then.
    short = [run.record for run in history("short") if run.record.duration < LONG]
    assert {(one.cpu, one.arguments, one.attempt) for one in short} == {(0, "", 0)}


def test_a_worker_says_what_it_was(write, journal, jug, history, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "1234")
    write(JUGFILE + "short(1)\n")

    assert jug("execute", "jugfile.py", "--speed", "7")[0] == 0

    with open_store("jugfile.jugdata") as store:
        store.poll()
        (worker,) = store.workers().values()
    assert worker.start < worker.end
    assert worker.jugfile.endswith("jugfile.py")
    assert worker.arguments == ["--speed", "7"]
    assert worker.job == "SLURM 1234"
    assert {"jug_core", "jug_file"} <= set(worker.packages)
