"""`jug.run`: values computed from a script or a notebook."""

import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import pytest
from tests.cli.terminal import Terminal, timeless

import jug
from jug import TaskGenerator
from jug.errors import OptionError, StoreError, TaskError, TaskFailed
from jug.execution.settings import Settings
from jug.execution.worker import Worker
from jug.jugfile import Jugspace
from jug.session import is_store_chosen, use_store
from jug.task import alltasks


@pytest.fixture(autouse=True)
def no_store(folder, monkeypatch):
    monkeypatch.delitem(sys.modules, "polars", raising=False)  # of other tests in this process
    before = use_store(None)
    alltasks.clear()
    yield
    use_store(before)
    alltasks.clear()


@TaskGenerator
def part(i):
    with open("log", "a") as log:
        log.write(f"{i} {os.getpid()}\n")
    time.sleep(0.01)
    return i


@TaskGenerator
def part_beside_others(i, workers):
    with open("log", "a") as log:
        log.write(f"{i} {os.getpid()}\n")
    while len(pids()) < workers:
        time.sleep(0.002)
    return i


@TaskGenerator
def total(parts):
    return sum(parts)


@TaskGenerator
def broken():
    with open("log", "a") as log:
        log.write(f"broken {os.getpid()}\n")
    raise ValueError("broken on purpose")


@TaskGenerator
def interrupted():
    raise KeyboardInterrupt


def pids():
    return {line.split()[1] for line in Path("log").read_text().splitlines()}


@pytest.mark.parametrize("workers", [1, 3])
def test_it_gives_the_values_and_runs_each_task_once(workers):
    parts = [part_beside_others(i, workers) for i in range(30)]

    values = jug.run({"total": total(parts), "first": parts[:2]}, workers, jugdir="jd")

    assert values == {"total": 435, "first": [0, 1]}
    assert len(Path("log").read_text().splitlines()) == 30
    assert len(pids()) == workers
    assert os.listdir("jd/leases") == []
    assert not is_store_chosen()


def test_what_is_not_asked_for_is_not_run():
    part(1)

    jug.run(part(2), jugdir="jd")

    assert Path("log").read_text().startswith("2 ")


def test_results_that_are_there_are_used():
    task = total([part(i) for i in range(3)])
    jug.run(task, jugdir="jd")
    task.unload_recursive()

    assert jug.run(task, workers=2, jugdir="jd") == 3
    assert len(Path("log").read_text().splitlines()) == 3


def test_the_store_in_use_is_the_default():
    store = jug.set_jugdir("mine")

    assert jug.run(part(4)) == 4

    assert store.has(part(4).digest)
    store.close()


def test_without_a_store_it_says_so():
    with pytest.raises(StoreError, match="no jugdir"):
        jug.run(part(1))


@pytest.mark.parametrize("workers", [1, 2])
def test_a_failure_is_raised_with_the_traceback(workers):
    with pytest.raises(TaskFailed, match=r"(?s)broken.*broken on purpose.*raise ValueError"):
        jug.run([total([broken()]), part(1)], workers, jugdir="jd", keep_going=True)

    ran = sorted(line.split()[0] for line in Path("log").read_text().splitlines())
    assert ran == ["1", "broken"]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_failure_that_was_kept_is_raised_and_not_tried_again(workers):
    task = broken()
    with jug.set_jugdir("jd") as store:
        Worker(Jugspace(store, [task]), list, Settings(keep_failed=True)).run()

    with pytest.raises(TaskFailed, match=r"(?s)broken on purpose.*raise ValueError"):
        jug.run([total([task])], workers, jugdir="jd")

    assert len(pids()) == 1


@pytest.mark.parametrize("workers", [0, -1, 1.5, "2", True])
def test_a_bad_number_of_workers_is_refused(workers):
    with pytest.raises(OptionError, match="workers"):
        jug.run(part(1), workers, jugdir="jd")


def test_a_store_of_this_process_alone_has_one_worker_and_says_so():
    with pytest.warns(UserWarning, match="other processes can't open") as warned:
        assert jug.run([part(1), part(2)], workers=2, jugdir="dict_store") == [1, 2]

    assert [warning.filename for warning in warned] == [__file__]
    assert pids() == {str(os.getpid())}


def test_an_interruption_comes_through():
    with pytest.raises(KeyboardInterrupt):
        jug.run(interrupted(), jugdir="jd")

    assert os.listdir("jd/leases") == []


@TaskGenerator
def drained(number):
    os.kill(os.getppid(), signal.SIGUSR1)
    time.sleep(0.01)  # so that all together take longer than any command may be kept waiting
    return number


def test_a_signal_to_drain_ends_it_with_what_is_left():
    with pytest.raises(TaskError, match="tasks not done: told to begin no further task"):
        jug.run([drained(n) for n in range(2000)], workers=2, jugdir="data", progress=False)
    assert signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL


def test_signals_that_were_blocked_before_are_so_afterwards():
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])
    try:
        assert jug.run([part(n) for n in range(4)], workers=2, jugdir="data") == [*range(4)]
        assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == before | {signal.SIGUSR2}
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


OF_ITSELF = """
import jug
from jug import TaskGenerator

@TaskGenerator
def look():
    _, names = jug.init("jugfile.py")
    return jug.run(names["%s"])

@TaskGenerator
def double(x):
    return 2 * x

mine = look()
after = double(mine)
"""


@pytest.mark.parametrize("asked", ["mine", "after"])
@pytest.mark.timeout(60)
def test_a_task_that_would_wait_for_itself_fails(write, jug, asked):
    write(OF_ITSELF % asked)

    status, _, told = jug("execute", "jugfile.py")

    assert status == 1
    assert "the function of task 'jugfile.look' calls jug.run() for its own task" in told


def wait_for_file(name):
    while not Path(name).exists():
        time.sleep(0.002)


@TaskGenerator
def fail_at_first():
    if not Path("tried").exists():
        Path("tried").touch()
        wait_for_file("begun")
        raise ValueError("not yet")
    return "in the end"


@TaskGenerator
def last_long():
    Path("begun").touch()
    wait_for_file("go")
    return 1


@pytest.mark.timeout(60)
def test_a_task_that_failed_may_be_run_again_while_another_thread_runs_one():
    failing, values = fail_at_first(), []

    def run_beside():
        wait_for_file("tried")
        values.append(jug.run(last_long(), jugdir="others"))

    thread = threading.Thread(target=run_beside)
    thread.start()
    try:
        with pytest.raises(TaskFailed):
            jug.run(failing, jugdir="jd")

        assert jug.run(failing, jugdir="jd") == "in the end"
    finally:
        Path("go").touch()
        thread.join()
    assert values == [1]


@TaskGenerator
def ask_others(jugdir):
    return jug.run(part(7), jugdir=jugdir)


def test_a_task_may_run_others_and_another_thread_wait_for_it():
    asking = ask_others("others")
    values = []
    thread = threading.Thread(target=lambda: values.append(jug.run(asking, jugdir="jd")))
    thread.start()

    assert jug.run(asking, jugdir="jd") == 7

    thread.join()
    assert values == [7]


IN_POOL = """
import sys
from concurrent.futures import ThreadPoolExecutor

import jug
from jug import TaskGenerator

@TaskGenerator
def in_pool(number):
    with ThreadPoolExecutor() as pool:
        return pool.submit(abs, number).result()

def run():
    return jug.run([in_pool(-number) for number in range(6)], jugdir="jd", workers=2)

with ThreadPoolExecutor() as pool:
    assert pool.submit(run).result() == [*range(6)]
    assert pool.submit(abs, -7).result() == 7
"""


def test_it_may_be_called_in_a_thread_of_a_pool(folder):
    Path("pooled.py").write_text(IN_POOL)

    done = subprocess.run(
        [sys.executable, "pooled.py"], capture_output=True, text=True, timeout=60, check=False
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_plain_values_need_no_tasks():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert jug.run([1, "two"], jugdir="jd") == [1, "two"]


RUNNING = """
import sys
import time
import jug
from jug import TaskGenerator

@TaskGenerator
def nap(i):
    time.sleep(0.05)
    return i

print(jug.run([nap(i) for i in range(8)], workers=int(sys.argv[1]), jugdir="jd" + sys.argv[1]))
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_in_a_terminal_one_line_says_how_far_it_is(workers):
    Path("running.py").write_text(RUNNING)

    with Terminal(shell=f"{sys.executable} running.py {workers}") as terminal:
        text = terminal.end()

    assert timeless(text) == "8 of 8 tasks done; R tasks/s, T elapsed\n[0, 1, 2, 3, 4, 5, 6, 7]"
    assert b"\x1b" not in terminal.received and terminal.received.count(b"\r") > 2


@pytest.mark.parametrize("progress", ["none", "plain"])
def test_nothing_is_said_where_that_is_wished_and_no_more_than_lines_elsewhere(progress):
    Path("running.py").write_text(RUNNING)

    with Terminal(shell=f"{sys.executable} running.py 1", JUG_PROGRESS=progress) as terminal:
        assert terminal.end() == "[0, 1, 2, 3, 4, 5, 6, 7]"


def test_the_program_can_have_nothing_shown():
    Path("running.py").write_text(RUNNING.replace("workers=", "progress=False, workers="))

    with Terminal(shell=f"{sys.executable} running.py 1") as terminal:
        assert terminal.end() == "[0, 1, 2, 3, 4, 5, 6, 7]"


def test_an_unknown_wish_is_refused(monkeypatch):
    monkeypatch.setenv("JUG_PROGRESS", "loud")

    with pytest.raises(OptionError, match="JUG_PROGRESS: 'loud' must be one of live, plain, none"):
        jug.run(part(1), jugdir="jd")


AMONG_SHORT_ONES = """
import jug
from jug import TaskGenerator
from jug.backends.registry import open_store
from journal import log

@TaskGenerator
def inner(number):
    return number

@TaskGenerator
def outer(number):
    if number % 10 == 9:
        jug.run(inner(number))
        with open_store("jugfile.jugdata") as other:
            log("free" if other.acquire([outers[number].digest]) else "held")
    return number

outers = [outer(number) for number in range(200)]
"""


def test_a_task_that_runs_another_keeps_its_lease_though_it_is_one_of_several(
    write, jug, journal
) -> None:
    write(AMONG_SHORT_ONES)

    status, out, err = jug("execute", "-j", "1")

    assert status == 0, err
    assert out.split()[-3:] == ["200", "0", "Total"]
    assert journal() == [["held"]] * 20
