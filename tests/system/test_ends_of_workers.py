"""Workers end as Python ends: threads, exit functions, what is buffered; and in bounded time."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

import jug as jug_package
from jug import TaskGenerator
from jug.errors import TaskFailed, TaskTimeout
from jug.execution import overdue

from .conftest import is_running

JOBS = pytest.mark.parametrize("jobs", ["1", "2"])
SPAWNED = pytest.mark.parametrize("beginning", ["", "import torch\n"], ids=["forked", "spawned"])


@pytest.fixture(autouse=True)
def torch(write):
    """Let jugfiles import a library that has their workers started anew."""
    write("", "torch.py")


BUFFERED = """
import gzip, io
from jug import TaskGenerator

log = open("log.txt", "a")
log.write("read\\n")
raw = open("raw.bin", "ab")
raw.write(b"read\\n")
kept = []

@TaskGenerator
def work(i):
    log.write(f"{i}\\n")
    raw.write(b"%d\\n" % i)
    kept.append(open(f"own{i}.txt", "w"))
    kept[-1].write("written")
    print("printed", i)
    return i

tasks = [work(i) for i in range(4)]
"""


@JOBS
def test_what_is_buffered_in_open_files_is_written_once(write, jug, jobs):
    write(BUFFERED)

    status, out, err = jug("execute", "-j", jobs)

    assert (status, err) == (0, "")
    for name in ("log.txt", "raw.bin"):
        lines = Path(name).read_text().splitlines()
        assert sorted(lines) == ["0", "1", "2", "3", "read"]
    assert [Path(f"own{i}.txt").read_text() for i in range(4)] == ["written"] * 4
    assert sorted(line for line in out.splitlines() if "printed" in line) == [
        f"printed {i}" for i in range(4)
    ]


def test_what_is_buffered_is_written_also_by_workers_that_are_stopped(
    write, journal, start, wait_for
):
    write(BUFFERED + "import time\nTaskGenerator(time.sleep)(60)\n")
    command = start("execute")
    wait_for(lambda: Path("own3.txt").exists())

    command.terminate()

    assert command.wait(20) == 130
    assert Path("log.txt").read_text() == "read\n0\n1\n2\n3\n"


SCRIPT = """
import atexit, jug
from jugfile import work

log = open("script.txt", "w")
log.write("once\\n")
atexit.register(lambda: open("exits", "a").write("script\\n"))
jug.run([work(i) for i in range(4)], workers=2, jugdir="jd")
"""


def test_a_script_keeps_what_it_has_buffered_and_its_exit_functions(write, launch):
    write(BUFFERED)
    write(SCRIPT, "script.py")

    script = launch("script.py")
    out, err = script.communicate(timeout=30)

    assert (script.returncode, err) == (0, "")
    assert Path("script.txt").read_text() == "once\n"
    assert Path("exits").read_text() == "script\n"
    assert sorted(Path("log.txt").read_text().split()) == ["0", "1", "2", "3", "read"]


EXITS = """
import atexit, os, tempfile, threading, time
from pathlib import Path
from jug import TaskGenerator
from journal import log

atexit.register(lambda: log("read", os.getpid()))
folder = tempfile.TemporaryDirectory()

@TaskGenerator
def work(i):
    atexit.register(lambda: log("task", os.getpid()))
    time.sleep(0.2)
    assert Path(folder.name).exists()
    return os.getpid()

tasks = [work(i) for i in range(2)]
"""


@JOBS
@SPAWNED
def test_exit_functions_are_called(write, journal, jug, jobs, beginning):
    write(beginning + EXITS)

    status, out, err = jug("execute", "-j", jobs)

    assert status == 0
    workers = [pid for word, pid in journal() if word == "task"]
    readers = [pid for word, pid in journal() if word == "read"]
    assert len(workers) == 2
    # Each process calls what it has registered, once: also the jugfile's, where it was read.
    assert len(readers) == len(set(readers))
    is_forked = jobs == "2" and not beginning
    assert set(workers).isdisjoint(readers) if is_forked else set(workers) <= set(readers)
    assert len(readers) == (1 if jobs == "1" or is_forked else 3)


@pytest.mark.slow
def test_a_temporary_folder_of_the_jugfile_stays_for_the_other_workers(write, jug):
    write(
        """
import os, tempfile, time
from pathlib import Path
from jug import TaskGenerator

folder = tempfile.TemporaryDirectory()

@TaskGenerator
def short(i):
    raise ValueError("ends its worker")

@TaskGenerator
def long(i):
    time.sleep(1)
    assert Path(folder.name).exists()

long(1), short(1)
"""
    )
    status, out, err = jug("execute", "-j", "2")

    assert "AssertionError" not in err


THREADS = """
import threading, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from jug import TaskGenerator

@TaskGenerator
def thread():
    def write():
        time.sleep(0.5)
        Path("thread").write_text("done")
    threading.Thread(target=write).start()

@TaskGenerator
def executor():
    global pool
    pool = ThreadPoolExecutor(1)
    pool.submit(lambda: (time.sleep(0.5), Path("executor").write_text("done")))

thread(), executor()
"""


@JOBS
@SPAWNED
def test_threads_that_tasks_have_started_are_waited_for(write, jug, jobs, beginning):
    write(beginning + THREADS)

    assert jug("execute", "-j", jobs)[0] == 0

    assert Path("thread").read_text() == Path("executor").read_text() == "done"


@TaskGenerator
def endless():
    import threading

    threading.Thread(target=time.sleep, args=(60,)).start()
    return os.getpid()


def test_a_thread_without_end_holds_a_worker_up_for_some_time_only(folder, monkeypatch, caplog):
    monkeypatch.delitem(sys.modules, "polars", raising=False)  # of other tests in this process
    monkeypatch.setattr(overdue, "_LAST_SECONDS", 0.3)
    began = time.monotonic()

    pids = jug_package.run([endless()], workers=2, jugdir="jd")

    assert time.monotonic() - began < 10
    assert not is_running(pids[0])
    assert "its threads or exit functions take over 0.3 s" in caplog.text


POOL_OF_THE_COMMAND = """
import multiprocessing, os
from jug import TaskGenerator
from journal import log

pool = multiprocessing.get_context("fork").Pool(1)

@TaskGenerator
def work(i):
    return i

tasks = [work(i) for i in range(4)]
"""


def test_workers_leave_a_pool_alone_that_is_not_theirs(write, journal, launch):
    write(POOL_OF_THE_COMMAND)
    write(
        "import jug, os, jugfile\n"
        "before = jugfile.pool.apply(os.getpid)\n"
        "jug.run(jugfile.tasks, workers=2, jugdir='jd')\n"
        "assert jugfile.pool.apply(os.getpid) == before\n",
        "script.py",
    )
    script = launch("script.py")
    out, err = script.communicate(timeout=30)

    assert (script.returncode, err) == (0, "")


PRINTING = """
import ctypes
from jug import TaskGenerator

class Late:
    "Written when it goes, as files of some libraries are."
    def __del__(self, open=open):
        open("late.txt", "a").write("gone\\n")

late = Late()

@TaskGenerator
def work(i):
    print("printed", i)
    ctypes.CDLL(None).printf(b"from C %d\\n", i)
    return i

work(1)
"""


@JOBS
@SPAWNED
def test_what_is_printed_is_written_once_also_by_code_in_c(write, jug, jobs, beginning):
    write(beginning + PRINTING)

    status, out, err = jug("execute", "-j", jobs)

    assert (status, err) == (0, "" if not beginning or jobs == "1" else err)
    assert [out.count(text) for text in ("printed 1\n", "from C 1\n")] == [1, 1]


@SPAWNED
def test_what_the_jugfile_holds_goes_with_the_worker_that_read_it(write, jug, beginning):
    write(beginning + PRINTING)

    assert jug("execute")[0] == 0

    assert Path("late.txt").read_text() == "gone\n"


SCRATCH = """
import atexit, shutil, tempfile
from pathlib import Path
from jug import TaskGenerator
from journal import wait_for_file

scratch = tempfile.mkdtemp(dir=".")
atexit.register(shutil.rmtree, scratch)

@TaskGenerator
def fails():
    wait_for_file("begun")
    raise ValueError("ends its worker")

@TaskGenerator
def writes():
    Path("begun").touch()
    wait_for_file("failed")
    Path(scratch, "file").write_text("x")

fails(), writes()
"""


def test_a_scratch_folder_of_the_jugfile_stays_to_the_end_of_the_last_worker(
    write, journal, start, jug, wait_for
):
    write(SCRATCH)
    command = start("execute", "-j", "2")
    wait_for(lambda: "1 failed" in jug("status", "--short")[1])
    Path("failed").touch()

    out, err = command.communicate(timeout=30)

    assert command.returncode == 1
    assert "1 failed, 1 complete" in jug("status", "--short")[1]
    assert [path.name for path in Path().glob("tmp*")] == []


@TaskGenerator(timeout=1, retries=1)
def deaf():
    """Hear nothing of the end of its time, which may come at any moment."""
    while True:
        try:
            Path(f"began-{os.getpid()}").touch()
            time.sleep(60)
        except TaskTimeout:
            pass


def test_a_task_that_goes_on_after_its_time_is_ended_and_tried_as_often_as_it_says(
    folder, monkeypatch, caplog
):
    monkeypatch.delitem(sys.modules, "polars", raising=False)  # of other tests in this process
    monkeypatch.setattr(overdue, "_GRACE", 0.1)

    with pytest.raises(TaskFailed, match="ran longer than its time limit of 1 s"):
        jug_package.run([deaf()], workers=2, jugdir="jd")

    assert len([*Path().glob("began-*")]) == 2
    assert "1 more attempt" in caplog.text
