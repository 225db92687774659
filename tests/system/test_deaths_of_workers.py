"""Workers that die or can't go on, and what their supervisor makes of it."""

from __future__ import annotations

import os
import re
import signal
from collections import Counter
from pathlib import Path
from threading import Event

import pytest

from jug import TaskGenerator, run
from jug.backends.registry import open_store
from jug.errors import OptionError, StoreError
from jug.execution import errands

JOBS = pytest.mark.parametrize("jobs", ["1", "3"])

DYING_IN_A_HOOK = """
import os
from jug import TaskGenerator
from jug.hooks import register_hook_once
from journal import log

def hook(task):
    log("dies", os.getpid())
    os._exit(3)

register_hook_once("execute.task-pre-execute", hook)

@TaskGenerator
def f(x):
    return x

f(1)
"""


@JOBS
def test_workers_that_die_before_their_first_task_are_not_started_for_ever(
    write, journal, jug, jobs
):
    write(DYING_IN_A_HOOK)

    status, out, err = jug("execute", "-j", jobs)

    assert status == 1
    assert "the workers die before their first task: each exited with 3" in err
    assert 5 <= len(journal()) < 5 + int(jobs)


@pytest.mark.slow
def test_workers_that_die_now_and_then_between_tasks_are_replaced(write, journal, jug):
    write(
        """
import os
from pathlib import Path
from jug import TaskGenerator
from jug.hooks import register_hook_once
from journal import log

register_hook_once("execute.task-executed1", lambda task: os._exit(3))

@TaskGenerator
def f(x):
    log("ran", x)
    return x

for i in range(12):
    f(i)
"""
    )
    status, out, err = jug("execute")

    assert status == 0
    assert len(journal()) == 12


WORDLESS = """
import threading
from jug import TaskGenerator
from jug.errors import JugError, OptionError
from jug.hooks import register_hook_once

class Own(OptionError):
    def __init__(self, one, two):
        super().__init__(f"{one} and {two}")

def hook(task):
    error = ERROR
    error.lock = threading.Lock()
    raise error

register_hook_once("execute.task-pre-execute", hook)

@TaskGenerator
def f(x):
    return x

f(1)
"""

ERRORS = {
    "of jug": ("JugError('said by the hook')", "Error: said by the hook", 1),
    "of the user under one of jug": ("Own('said by', 'the hook')", "said by and the hook", 2),
    "of the user": ("type('Mine', (Exception,), {})('by the hook')", "Mine: by the hook", 1),
}


@JOBS
@pytest.mark.parametrize("error", ERRORS)
def test_an_error_of_a_worker_is_told_whatever_it_holds_and_whoever_defined_it(
    write, jug, error, jobs
):
    code, said, expected = ERRORS[error]
    write(WORDLESS.replace("ERROR", code))

    status, out, err = jug("execute", "-j", jobs)

    assert status == expected
    assert said in err
    assert "worker (process" not in err
    assert "supervisor" not in err


def test_an_error_class_of_the_jugfile_does_not_crash_the_command(write, jug):
    write("from jug.errors import JugError\nclass Own(JugError): pass\nraise Own('on purpose')\n")

    status, out, err = jug("execute")

    assert status == 1
    assert "on purpose" in err
    assert "No module named" not in err


DIED_LATER = """
import os, signal, sys
from jug import TaskGenerator

@TaskGenerator
def f(x):
    return x

@TaskGenerator
def die(x):
    os.kill(os.getpid(), signal.SIGKILL)

done = [f(i) for i in range(4)]
MORE
die(done)
"""


@JOBS
def test_what_workers_did_that_died_later_is_in_the_table(write, jug, jobs):
    write(DIED_LATER.replace("MORE", ""))

    status, out, err = jug("execute", "-j", jobs)

    assert status == 1
    assert re.search(r"^ +4 +0 +jugfile\.f$", out, re.MULTILINE), out


@pytest.mark.slow
def test_it_is_there_also_if_its_names_are_very_many(write, jug):
    write(
        DIED_LATER.replace(
            "MORE",
            "from jug import Task\n"
            "for i in range(1500):\n"
            "    task = Task(abs, i)\n"
            "    task.name = f'named.{i:030}'\n"
            "    done.append(task)\n",
        )
    )
    status, out, err = jug("execute")

    assert len(re.findall(r"^ +1 +0 +named\.\d+$", out, re.MULTILINE)) == 1500


ENDED = """
import os, signal, time
from jug import TaskGenerator
from journal import log

signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])  # `deaf` is so from its beginning

@TaskGenerator(timeout=0.3)
def deaf():
    log("deaf")
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    time.sleep(60)

@TaskGenerator
def deadly():
    log("deadly")
    os.kill(os.getpid(), signal.SIGKILL)

@TaskGenerator
def soft():
    log("soft")
    raise ValueError

deaf(), deadly(), soft()
"""


@pytest.mark.slow
@pytest.mark.parametrize("how", ["option", "jugfile"])
def test_keep_failed_keeps_also_what_the_supervisor_ended(write, journal, jug, how):
    option = ["--keep-failed"] if how == "option" else []
    inside = "from jug.options import default_options\ndefault_options.execute_keep_failed = True\n"
    write(ENDED if option else inside + ENDED)

    first = jug("execute", "--keep-going", *option)
    ran = Counter(words[0] for words in journal())
    second = jug("execute", "--keep-going", *option)

    assert first[0] == second[0] == 1
    assert ran == {"deaf": 1, "deadly": 5, "soft": 1}
    assert Counter(words[0] for words in journal()) == ran


@pytest.mark.slow
def test_no_worker_takes_a_task_over_of_which_enough_died(write, journal, jug):
    write(
        """
import os, signal
from jug import TaskGenerator
from journal import log

@TaskGenerator
def fine(n):
    return n

@TaskGenerator
def deadly():
    log("deadly")
    os.kill(os.getpid(), signal.SIGKILL)

[fine(n) for n in range(20)]
deadly()
"""
    )

    status, _, err = jug("execute", "--keep-going", "-j", "4")

    assert status == 1
    assert journal() == [["deadly"]] * 5
    assert err.count("failed: WorkerDied: 5 workers died of it") == 2  # at once and at the end
    states = jug("log", "--name", "deadly", "--json")[1]
    assert re.findall('"state": "(.*)"', states) == ["died"] * 4 + ["failed"]
    assert "WorkerDied" in jug("why", "deadly")[1]


NESTED = """
import time, jug
from jug import TaskGenerator
from journal import log

@TaskGenerator
def inner(i):
    log("inner", i)
    time.sleep(60)

@TaskGenerator
def outer():
    return jug.run([inner(i) for i in range(WORKERS)], workers=WORKERS, jugdir="inner.jugdata")

outer()
"""


@pytest.mark.parametrize("workers", [1, 2])
@JOBS
def test_a_nested_run_ends_at_the_first_signal(write, journal, start, jug, wait_for, jobs, workers):
    write(NESTED.replace("WORKERS", str(workers)))
    command = start("execute", "-j", jobs)
    wait_for(lambda: len(journal()) == workers)

    command.terminate()

    assert command.wait(30) == 130
    assert ", 0 failed, " in jug("status", "--short")[1]
    assert os.listdir("inner.jugdata/leases") == []


@pytest.mark.parametrize("workers", [1, 2])
def test_what_a_task_makes_of_an_interrupted_nested_run_is_no_failure(
    write, journal, start, jug, wait_for, workers
):
    nested = NESTED.replace("WORKERS", str(workers)).replace("    return jug.run", "    convert")
    write(
        nested.replace(
            "@TaskGenerator\ndef outer",
            """
def convert(*args, **kwargs):
    try:
        return jug.run(*args, **kwargs)
    except BaseException:
        raise RuntimeError("made of the interruption") from None

@TaskGenerator
def outer""",
        )
    )
    command = start("execute")
    wait_for(lambda: len(journal()) == workers)

    command.terminate()

    assert command.wait(30) == 130
    assert ", 0 failed, " in jug("status", "--short")[1]


# How many


@pytest.mark.parametrize("jobs", ["100000000", "10000"])
def test_more_workers_than_a_machine_can_hold_are_refused(write, jug, jobs):
    write(DIED_LATER.replace("MORE", ""))

    status, out, err = jug("execute", "-j", jobs)

    assert status == 2
    assert re.search(rf"from 1 to \d+, not {jobs}", err), err


def test_a_script_asks_for_more_in_vain_too(folder):
    with pytest.raises(OptionError, match="from 1 to"):
        run(TaskGenerator(abs)(-1), workers=100_000_000, jugdir="jd")


def test_a_signal_ends_the_starting(write, journal, start, wait_for):
    write(
        "import os, time\nfrom jug import TaskGenerator\nfrom journal import log\n"
        "os.register_at_fork(after_in_parent=lambda: (log('forked'), time.sleep(0.3)))\n"
        "for i in range(60): TaskGenerator(time.sleep)(60 + i)\n"
    )
    command = start("execute", "-j", "60")
    wait_for(journal)

    command.terminate()

    assert command.wait(30) == 130
    assert len(journal()) < 30


def test_a_run_goes_on_with_the_workers_for_which_there_is_room(write, journal, jug):
    write(
        """
import os, resource
from jug import TaskGenerator
from journal import log

usual, most = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (40, most))
os.register_at_fork(
    after_in_child=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (usual, most))
)

@TaskGenerator
def f(i):
    log("ran", i)

for i in range(20):
    f(i)
"""
    )
    status, out, err = jug("execute", "-j", "100")

    assert status == 0
    assert re.search(r"worker \d+ can't be started \(Too many open files\): ask for fewer", err)
    assert len(journal()) == 20


# While the store does not answer


class Store:
    """A store that answers when it is told to."""

    def __init__(self) -> None:
        self.answers = Event()
        self.tries = 0

    def __enter__(self) -> Store:
        self.tries += 1
        if not self.answers.is_set():
            raise StoreError("the store does not answer")
        return self

    def __exit__(self, *exc: object) -> None: ...


def attend(queue: errands.Errands, wait_for) -> list[BaseException]:
    """Attend to errands until none is left; return what they raised."""
    errors: list[BaseException] = []

    def is_done() -> bool:
        queue.attend(errors.append)
        return not queue

    wait_for(is_done)
    return errors


@pytest.fixture
def store(monkeypatch) -> Store:
    monkeypatch.setattr(errands, "_PAUSE", 0.01)
    return Store()


def test_errands_are_done_in_their_order_once_the_store_answers(store, wait_for, caplog):
    queue = errands.Errands(lambda: store)
    done = []
    for name in "ab":
        queue.add(lambda _, n=name: done.append(f"do {n}"), lambda n=name: done.append(f"then {n}"))

    wait_for(lambda: queue.attend(pytest.fail) or store.tries > 3)
    assert queue
    assert done == []
    store.answers.set()

    assert attend(queue, wait_for) == []
    assert done == ["do a", "then a", "do b", "then b"]
    assert caplog.text.count("the store does not answer: trying again") == 1


def test_errands_are_given_up_after_a_time_and_what_follows_them_is_done(
    store, wait_for, monkeypatch
):
    monkeypatch.setattr(errands, "PATIENCE", 0.1)
    queue = errands.Errands(lambda: store)
    done = []
    for name in "ab":
        queue.add(lambda _: None, lambda name=name: done.append(name))

    (error,) = attend(queue, wait_for)

    assert str(error) == "the store does not answer" and isinstance(error, StoreError)
    assert done == ["a", "b"]


AWAY = """
import os, time
from pathlib import Path
from jug import TaskGenerator
from journal import log, wait_for_file

@TaskGenerator
def f(i):
    log("begin", i, os.getpid())
    wait_for_file("go")
    log("end", i)
    return i

tasks = [f(i) for i in range(3)]
"""


@pytest.mark.slow
def test_healthy_workers_go_on_when_one_dies_while_the_jugdir_is_away(
    write, journal, start, wait_for
):
    write(AWAY)
    command = start("execute", "-j", "3")
    wait_for(lambda: len(journal()) == 3)
    os.rename("jugfile.jugdata", "away")
    Path("jugfile.jugdata").write_text("not a folder")

    os.kill(int(journal()[0][2]), signal.SIGKILL)
    wait_for(lambda: "trying again" in command.stderr.readline())
    os.unlink("jugfile.jugdata")
    os.rename("away", "jugfile.jugdata")
    Path("go").touch()

    assert command.wait(20) == 0
    ends = Counter(words[1] for words in journal() if words[0] == "end")
    assert ends == {"0": 1, "1": 1, "2": 1}


CLOSING_PIPES = """
import os, stat
from jug import TaskGenerator

kept = []

@TaskGenerator
def close_pipes(i):
    for number in range(3, 64):
        try:
            if stat.S_ISFIFO(os.fstat(number).st_mode):
                os.close(number)
        except OSError:
            pass
    for number in range(12):
        kept.append(open(f"mine-{number}", "wb", buffering=0))
        kept[-1].write(b"mine")
    return i

@TaskGenerator
def good(i):
    return i

close_pipes(0), [good(i) for i in range(3)]
"""


@JOBS
def test_a_worker_writes_nothing_to_files_that_a_task_has_opened_after_closing_its_pipes(
    write, jug, jobs
):
    write(CLOSING_PIPES)

    jug("execute", "-j", jobs)
    status, _, err = jug("execute", "-j", jobs)

    assert (status, err) == (0, "")
    assert {path.read_bytes() for path in Path().glob("mine-*")} == {b"mine"}


CUTTING_OFF = """
import os, time
from jug import TaskGenerator
from journal import log

@TaskGenerator
def close_all(i):
    os.closerange(3, 256)
    log("closed")
    time.sleep(60)

@TaskGenerator
def replace_itself(i):
    log("closed")
    os.execvp("sleep", ["sleep", "60"])

@TaskGenerator
def good(i):
    log("good")
    return i

FIRST(0), [good(i) for i in range(6)]
"""


@pytest.mark.slow
@pytest.mark.parametrize("first", ["close_all", "replace_itself"])
def test_a_worker_that_can_say_no_more_keeps_nobody_from_working_or_stopping(
    write, journal, start, wait_for, first
):
    write(CUTTING_OFF.replace("FIRST", first))
    command = start("execute", "-j", "2")
    wait_for(lambda: sorted(journal()) == [["closed"], *[["good"]] * 6])

    command.terminate()

    assert command.wait(30) == 130


@pytest.mark.slow
@JOBS
@pytest.mark.parametrize("by", ["the jugfile", "who starts it"])
def test_ended_processes_are_waited_for_though_they_are_to_be_forgotten(write, jug, jobs, by):
    ignore = "import signal; signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
    write(
        (ignore if by == "the jugfile" else "")
        + "import subprocess\nfrom jug import TaskGenerator\n"
        "[TaskGenerator(abs)(-i) for i in range(6)]\n"
    )
    options = {} if by == "the jugfile" else {"preexec_fn": _forget_children}

    status, out, err = jug("execute", "-j", jobs, **options)

    assert (status, err) == (0, "")
    assert "6       0  builtins.abs" in out


def _forget_children() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)


def test_what_user_code_has_made_of_sigchld_is_so_in_its_tasks(write, jug):
    write(
        "import signal\nfrom jug import TaskGenerator\n"
        "signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
        "@TaskGenerator\ndef look():\n"
        "    assert signal.getsignal(signal.SIGCHLD) == signal.SIG_IGN\n"
        "look()\n"
    )

    assert jug("execute", "-j", "2")[0] == 0


CHOOSING = """
import os, time
from jug import TaskGenerator, set_jugdir
set_jugdir("chosen")

@TaskGenerator
def dies(i):
    os._exit(3)

@TaskGenerator(timeout=0.3)
def late(i):
    while True:
        try:
            time.sleep(30)
        except Exception:
            pass

TASK(1)
"""


@pytest.mark.slow
@JOBS
@pytest.mark.parametrize("task", ["dies", "late"])
def test_the_failure_goes_to_the_store_that_the_jugfile_chose(write, jug, jobs, task):
    write(CHOOSING.replace("TASK", task))

    status, out, err = jug("execute", "-j", jobs)

    assert status == 1
    assert "makes no tasks" not in err
    assert "1 failed" in jug("status", "--short")[1]
    assert not Path("jugfile.jugdata").exists()


def test_a_worker_that_somebody_ends_leaves_its_task_to_the_others(write, journal, start, wait_for):
    write(
        "import os\nfrom jug import TaskGenerator\nfrom journal import log, wait_for_file\n"
        "@TaskGenerator\ndef work(i):\n"
        "    log(os.getpid())\n    wait_for_file('go')\n    return i\n"
        "[work(i) for i in range(4)]\n"
    )
    command = start("execute", "-j", "2")
    wait_for(lambda: len(journal()) == 2)

    os.kill(int(journal()[0][0]), signal.SIGTERM)
    Path("go").touch()

    assert command.wait(20) == 0


STDERR = """
import os, sys
from jug import TaskGenerator

@TaskGenerator
def fails():
    DOES
    raise ValueError("seen?")

fails()
"""


@pytest.mark.slow
@JOBS
@pytest.mark.parametrize(
    "does",
    [
        "sys.stderr.close()",
        "os.close(2)",
        "os.dup2(os.open('/dev/null', os.O_WRONLY), 2)",
        "sys.stderr = None",
        "sys.stderr.detach()",
    ],
)
def test_a_traceback_is_seen_whatever_the_task_did_to_standard_error(write, jug, jobs, does):
    write(STDERR.replace("DOES", does))

    status, out, err = jug("execute", "-j", jobs)

    assert status == 1
    assert err.count('raise ValueError("seen?")') == 1


def test_a_name_that_is_no_text_counts_like_others(write, jug):
    write(
        "from jug import TaskGenerator\ntask = TaskGenerator(abs)(-1)\ntask.name = 'odd-\\udcff'\n"
    )

    status, out, err = jug("execute")

    assert status == 0
    assert "1       0  odd-\udcff" in out
    assert "1       0  Total" in out


BEGINNING_SELDOM = """
import os
from pathlib import Path
from jug import TaskGenerator
from jug.hooks import register_hook_once
from journal import log

def hook(task):
    log("hook")
    if len(Path("log").read_text().split()) % 5:
        os._exit(3)

register_hook_once("execute.task-pre-execute", hook)

@TaskGenerator
def work(number):
    path = Path(f"begun{number}")
    if not path.exists():
        path.touch()
        os._exit(4)
    return number

[work(number) for number in range(3)]
"""


@pytest.mark.slow
def test_deaths_before_a_first_task_count_only_one_after_another(write, journal, jug):
    write(BEGINNING_SELDOM)

    status, out, err = jug("execute")

    assert status == 0, err
    assert err.count("exited with 3") > 8


@pytest.mark.slow
def test_a_worker_whose_task_has_closed_the_connection_goes_on_though_progress_is_shown(write, jug):
    write(
        """
import os, stat, time
from jug import TaskGenerator

@TaskGenerator
def close_pipes(i):
    for descriptor in range(3, 256):
        try:
            if stat.S_ISFIFO(os.fstat(descriptor).st_mode):
                os.close(descriptor)
        except OSError:
            pass
    time.sleep(1.1)  # by then it is time to say how far the tasks are

[close_pipes(i) for i in range(3)]
"""
    )
    status, out, err = jug("execute", "--progress=plain")

    assert (status, "3       0  jugfile.close_pipes" in out) == (0, True)
    assert "while it ran" not in err


def test_a_clock_that_jumps_changes_not_how_long_the_run_of_a_dead_worker_was(write, launch):
    write(
        """
import os, signal
from pathlib import Path
from jug import TaskGenerator

@TaskGenerator
def dies_once():
    if not Path("died").exists():
        Path("died").touch()
        os.kill(os.getpid(), signal.SIGKILL)

dies_once()
"""
    )
    write(
        """
import os, sys, time
from jug.cli import main

def jumping(now=time.time, supervisor=os.getpid()):
    return now() + 3600 * (os.getpid() == supervisor and os.path.exists("died"))

time.time = jumping
sys.argv = ["jug", "execute"]
main()
""",
        "program.py",
    )
    command = launch("program.py")
    command.communicate(timeout=60)

    with open_store("jugfile.jugdata") as store:
        durations = [run.record.duration for run in store.runs()]
    assert (command.returncode, len(durations)) == (0, 2)
    assert max(durations) < 60
