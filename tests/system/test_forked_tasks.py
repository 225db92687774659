"""A process that a task forks, and that comes back, does not go on as the worker."""

from __future__ import annotations

import sys
from subprocess import check_output

import pytest

FORKING = """
import os, sys, time
from jug import TaskGenerator
from journal import log

@TaskGenerator(retries=RETRIES)
def fork(i):
    pid = os.fork()
    if pid == 0:
        COMES_BACK
    log("child", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    return i

@TaskGenerator
def after(i):
    log("after", i)
    return i

tasks = [after(fork(i)) for i in range(5)]
"""

WAYS = {
    "returns": ("return -1", 0),
    "raises": ("raise ValueError('in the child')", 1),
    "exits": ("sys.exit(3)", 3),
    "exits with a message": ("sys.exit('no luck')", 1),
}


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("way", WAYS)
def test_each_task_runs_once_and_has_the_value_of_the_workers_own_process(
    write, journal, jug, jobs, way
):
    comes_back, status = WAYS[way]
    write(FORKING.replace("COMES_BACK", comes_back).replace("RETRIES", "0"))

    assert jug("execute", "-j", jobs)[0] == 0

    words = journal()
    assert sorted(words) == sorted(
        [["child", str(status)], ["after", str(i)]][k] for i in range(5) for k in (0, 1)
    )
    assert jug("check", "--verify")[0] == 0


def test_what_it_raises_is_shown_and_not_tried_again(write, journal, jug):
    write(FORKING.replace("COMES_BACK", WAYS["raises"][0]).replace("RETRIES", "3"))

    status, out, err = jug("execute")

    assert status == 0
    assert err.count("ValueError: in the child") == 5
    assert len(journal()) == 10


def test_in_a_script_too(write, journal, launch):
    write(FORKING.replace("COMES_BACK", "return -1").replace("RETRIES", "0"))
    write(
        "import jug, jugfile\n"
        "print(jug.run(jugfile.tasks, jugdir='jd'))\n"
        "jug.set_jugdir('jd2')\n"
        "print(jugfile.fork(7).run())\n",
        "script.py",
    )
    out, err = launch("script.py").communicate(timeout=30)

    assert (out, err) == ("[0, 1, 2, 3, 4]\n7\n", "")


def test_a_child_that_is_told_to_end_ends_as_any_program(write, journal, start, jug):
    write(
        FORKING.replace("COMES_BACK", "os.kill(os.getpid(), 15); time.sleep(60)").replace(
            "RETRIES", "0"
        )
    )
    status, out, err = jug("execute")

    assert (status, err) == (0, "")
    assert ["child", "-15"] in journal()


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_child_handles_signals_as_it_would_without_jug(write, journal, jug, jobs):
    """A process that waits in C would not get as far as a handler in Python."""
    shown = "list(map(signal.getsignal, [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]))"
    usual = check_output([sys.executable, "-c", f"import signal; print({shown})"], text=True)
    child = f"""
        import signal
        return os._exit(0 if str({shown}) == {usual.strip()!r} else 1)
"""
    write(FORKING.replace("        COMES_BACK\n", child).replace("RETRIES", "0"))

    assert jug("execute", "-j", jobs)[0] == 0

    assert [words for words in journal() if words[0] == "child"] == [["child", "0"]] * 5


ELSEWHERE = """
import os, time
from jug import TaskGenerator, Tasklet
from jug.hooks import register_hook
from journal import log

class Value:
    def __init__(self, number):
        self.number = number
    def __getstate__(self):
        PICKLED
        return {"number": self.number}
    def __setstate__(self, state):
        self.__dict__.update(state)
        READBACK

def part(value):
    PART
    return value

@TaskGenerator
def make(i):
    log("make", i)
    return Value(i)

@TaskGenerator
def use(value):
    log("use", value.number)
    time.sleep(0.1)
    return value.number

HOOK
tasks = [use(Tasklet(make(i), part)) for i in range(2)]
"""

PLACES = {
    "PICKLED": "os.fork()",
    "READBACK": "os.fork()",
    "PART": "os.fork()",
    "HOOK": 'register_hook("execute.task-pre-execute", lambda task: os.fork())',
}


@pytest.mark.slow
@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("place", PLACES)
def test_a_fork_anywhere_in_user_code_that_comes_back_does_not_go_on(
    write, journal, jug, place, jobs
):
    text = ELSEWHERE
    for name, forks in PLACES.items():
        text = text.replace(name, forks if name == place else "pass")
    write(text)

    assert jug("execute", "-j", jobs)[0] == 0

    assert sorted(journal()) == [["make", "0"], ["make", "1"], ["use", "0"], ["use", "1"]]
    assert jug("check", "--verify")[0] == 0
