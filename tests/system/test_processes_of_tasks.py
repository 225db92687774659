"""What tasks and jugfiles may do with processes and output of their own."""

from __future__ import annotations

import signal

import pytest

pytestmark = pytest.mark.slow

FORKS = """
import multiprocessing, os, signal, time
from jug import TaskGenerator

def last(ready):
    ready.set()
    time.sleep(60)

@TaskGenerator
def end_by(signum):
    fork = multiprocessing.get_context("fork")
    ready = fork.Event()
    child = fork.Process(target=last, args=(ready,))
    child.start()
    ready.wait()
    os.kill(child.pid, signum)
    child.join()
    assert child.exitcode == -signum, child.exitcode

@TaskGenerator
def pool(x):
    with multiprocessing.get_context("fork").Pool(2) as workers:
        return sum(workers.map(abs, range(-x, x)))

"""


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_process_that_a_task_forked_is_ended_by_a_signal_without_a_word(write, jug, jobs):
    is_ignored = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN  # as it is under nohup
    another = "" if is_ignored else "end_by(signal.SIGHUP)"
    write(f"{FORKS}end_by(signal.SIGTERM), pool(3)\n{another}\n")

    status, _, err = jug("execute", "-j", jobs)

    assert (status, err) == (0, "")


def test_so_is_one_of_workers_of_a_script(write, launch):
    write(
        FORKS + "if __name__ == '__main__':\n"
        "    import jug\n"
        "    jug.run([end_by(signal.SIGTERM), pool(3)], workers=2, jugdir='jd')\n",
        "script.py",
    )

    assert launch("script.py").communicate(timeout=60)[1] == ""


AT_ONCE = """
import os, signal, time
os.register_at_fork(after_in_child=lambda: os.kill(os.getpid(), signal.SIGTERM))
from jug.execution.signals import handle_signals

handle_signals(lambda signum, frame: print("handled", flush=True))
pid = os.fork()
if pid == 0:
    os._exit(3)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
os.kill(os.getpid(), signal.SIGTERM)
"""


def test_a_signal_that_comes_while_a_process_is_forked_is_not_lost(write, launch):
    """Nor does it meet the handler of the process that forks, which heeds its own as before."""
    write(AT_ONCE, "script.py")

    assert launch("script.py").communicate(timeout=60) == ("-15\nhandled\n", "")


def test_what_the_jugfile_prints_is_printed_once(write, jug):
    write("print('read')\nfrom jug import Task\n[Task(abs, -i) for i in range(4)]\n")

    assert jug("execute", "-j", "4")[1].count("read") == 1


def test_what_a_script_prints_is_printed_once(write, launch):
    write(
        "import jug\nprint('begun')\nvalues = [jug.Task(abs, -i) for i in range(4)]\n"
        "print(jug.run(values, workers=3, jugdir='jd'))\n",
        "script.py",
    )

    assert launch("script.py").communicate(timeout=60)[0] == "begun\n[0, 1, 2, 3]\n"
