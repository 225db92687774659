"""`jug execute`, as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

JugProcess = Callable[..., subprocess.CompletedProcess[str]]
Jug = Callable[..., Result]

EXECUTED = """\
Executed  Loaded  Task name
-------------------------------------
       1       0  primes.count_primes
       6       0  primes.is_prime
.....................................
       7       0  Total
"""

LOADED = """\
Executed  Loaded  Task name
-------------------------------------
       0       1  primes.count_primes
       0       6  primes.is_prime
.....................................
       0       7  Total
"""


def test_the_table_at_the_end_tells_what_was_run_and_what_was_there(
    jug_process: JugProcess,
) -> None:
    first = jug_process("execute", "primes.py")
    second = jug_process("execute", "primes.py")

    assert (first.stdout, first.stderr) == (EXECUTED, "")
    assert (second.stdout, second.stderr) == (LOADED, "")


NAMESAKES = """
from jug import TaskGenerator, barrier

@TaskGenerator
def shift(n): return n + 1
one = shift(1)

@TaskGenerator
def shift(n): return n + 2
other = shift(1)
barrier()
"""


@pytest.mark.parametrize("jobs", ["-j1", "-j2"])
def test_two_functions_of_one_name_are_told_once(jug_process: JugProcess, jobs: str) -> None:
    Path("twice.py").write_text(NAMESAKES)

    result = jug_process("execute", jobs, "twice.py")

    assert result.stderr.count("two functions are called twice.shift (line 4 and line 8)") == 1


@pytest.mark.parametrize("jobs", [["-j", "2"], ["--jobs=2"], ["-j0"]])
def test_several_workers_make_one_table(jug_process: JugProcess, jobs: list[str]) -> None:
    assert jug_process("execute", *jobs, "primes.py").stdout == EXECUTED


def test_short_is_one_line(jug_process: JugProcess) -> None:
    assert jug_process("execute", "--short", "primes.py").stdout == "7 tasks executed, 0 loaded\n"


@pytest.mark.parametrize("level", ["info", "INFO"])
def test_each_task_that_is_begun_is_named_when_asked_to(
    jug_process: JugProcess, level: str
) -> None:
    result = jug_process("execute", "-j2", "--verbose", level, "primes.py")

    lines = result.stderr.splitlines()
    assert (
        sorted(lines) == ["jug: running primes.count_primes"] + ["jug: running primes.is_prime"] * 6
    )


def test_several_workers_need_a_store_that_they_can_share(jug_process: JugProcess) -> None:
    result = jug_process("execute", "-j2", "--jugdir", "dict_store:x", "primes.py", status=2)

    assert result.stderr.startswith("Error: several workers can't share 'dict_store:")
    assert "run one, or choose a directory" in result.stderr


def test_a_failure_is_told_with_the_traceback_of_the_users_own_code(
    jug_process: JugProcess,
) -> None:
    result = jug_process("execute", "failing.py", status=1)

    assert 'failing.py", line 12, in bad\n    raise ValueError("no such luck")' in result.stderr
    assert "site-packages" not in result.stderr and "jug-core" not in result.stderr
    assert result.stderr.endswith(
        "jug: failing.bad() failed: ValueError: no such luck\n"
        "jug: a task failed; 2 tasks are not done; 1 waits for one that failed (exit status 1)\n"
    )


def test_an_exception_that_would_clear_the_screen_is_summed_up_by_its_codes(
    jug_process: JugProcess, folder: Path
) -> None:
    (folder / "odd.py").write_text(
        "from jug import TaskGenerator\n@TaskGenerator\ndef bad():\n"
        "    raise ValueError('a\\x1b[2Jb')\nbad()\n"
    )

    result = jug_process("execute", "odd.py", status=1)

    assert "jug: odd.bad() failed: ValueError: a\\x1b[2Jb\n" in result.stderr


def test_keep_going_runs_the_rest_and_still_fails(jug_process: JugProcess, folder: Path) -> None:
    text = (folder / "failing.py").read_text().replace("good()\nafter", "after") + "good()\n"
    (folder / "failing.py").write_text(text)

    stopped = jug_process("execute", "failing.py", status=1)
    went_on = jug_process("execute", "--keep-going", "failing.py", status=1)

    assert "good" not in stopped.stdout
    assert "       1       0  failing.good\n" in went_on.stdout


def test_a_failure_is_tried_again_later_unless_it_was_kept(jug_process: JugProcess) -> None:
    jug_process("execute", "failing.py", status=1)
    again = jug_process("execute", "--keep-failed", "failing.py", status=1)
    not_again = jug_process("execute", "failing.py", status=1)

    assert "trying 1 task again that failed in an earlier run" in again.stderr
    assert "Traceback" in again.stderr
    assert not_again.stderr.startswith(
        "jug: failing.bad() failed, but not in this run: ValueError: no such luck\njug: a task "
    )


@pytest.mark.parametrize(
    "selector", [["--name", "is_prime"], ["--target", "is_*"], ["--pattern", "/is_/"]]
)
def test_only_selected_tasks_are_run(jug_process: JugProcess, selector: list[str]) -> None:
    output = jug_process("execute", *selector, "primes.py").stdout

    assert "       6       0  primes.is_prime\n" in output
    assert "count_primes" not in output


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--name", ""], "Error: --name: '' must not be empty"),
        (["--pattern", "/(/"], "'/(/' is no regular expression"),
        (["-j", "x"], "'x' is not a valid integer"),
        (["-j", "-1"], "Error: -j: -1 must be a whole number from 0 up"),
        (["--wait-cycle-time", "-1"], "-1.0 must be a number from 0 up"),
        (["--pdb", "-j", "2"], "--pdb debugs one worker: leave out -j"),
    ],
)
def test_wrong_usage_has_status_2(jug: Jug, words: list[str], complaint: str) -> None:
    assert complaint in jug("execute", *words, "primes.py", status=2).stderr


def test_a_jugfile_without_tasks_is_said(jug_process: JugProcess, folder: Path) -> None:
    (folder / "empty.py").write_text("")

    assert jug_process("execute", "empty.py").stderr == "The jugfile makes no tasks.\n"


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_name_that_fits_nothing_is_an_error_with_the_nearest_names(
    jug_process: JugProcess, jobs: str
) -> None:
    words = ["execute", "-j", jobs, "--name", "is_prim", "primes.py"]

    refused = jug_process(*words, status=2)
    allowed = jug_process(*words, "--allow-none")

    told = "no task matches 'is_prim': is 'primes.is_prime' meant?"
    assert refused.stderr == f"Error: {told} (--allow-none accepts it)\n"
    assert allowed.stderr == f"jug: {told}\n"
    assert not refused.stdout and not allowed.stdout


def test_all_names_that_are_given_are_run_and_each_must_fit(
    jug_process: JugProcess, folder: Path
) -> None:
    (folder / "three.py").write_text(
        "from jug import Task\nTask(abs, -1)\nTask(divmod, 7, 2)\nTask(len, [])\n"
    )
    words = ["execute", "--short", "--name", "abs", "--target", "l*", "three.py"]

    assert jug_process(*words).stdout == "2 tasks executed, 0 loaded\n"

    some = jug_process(*words, "--name", "divmo", "--name", "divmod", status=2)
    assert some.stdout == "1 task executed, 2 loaded\n"
    assert some.stderr.startswith("Error: no task matches 'divmo': is 'builtins.divmod' meant?")


def test_a_name_that_a_jugfile_chose_is_looked_for_too(
    jug_process: JugProcess, folder: Path
) -> None:
    (folder / "chosen.py").write_text(
        "import jug, jug.options\njug.Task(abs, -1)\n"
        "jug.options.default_options.execute_pattern = 'x.y'\n"
    )

    told = jug_process("execute", "chosen.py", status=2).stderr

    assert "no task matches 'x.y': `jug count` lists the names" in told


@pytest.mark.slow
def test_a_name_that_may_fit_beyond_a_barrier_is_no_error(
    jug_process: JugProcess, folder: Path
) -> None:
    (folder / "stage.py").write_text(
        "from jug import Task, bvalue\nfirst = Task(abs, -2)\nTask(divmod, 7, bvalue(first))\n"
    )

    stopped = jug_process("execute", "--name", "divmod", "--no-wait", "stage.py", status=3)
    assert stopped.stderr == (
        "jug: what is left needs tasks that are not selected, and nobody has run them; the jugfile "
        "stops at a barrier, beyond which there may be more tasks (exit status 3)\n"
    )
    jug_process("execute", "--name", "abs", "stage.py")
    jug_process("execute", "--name", "divmod", "stage.py")
    jug_process("execute", "--name", "div_mod", "stage.py", status=2)


def test_what_is_done_already_is_not_nothing(jug_process: JugProcess) -> None:
    jug_process("execute", "--name", "is_prime", "primes.py")

    again = jug_process("execute", "--name", "is_prime", "primes.py")

    assert again.stderr == ""


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("impatience", [["--no-wait"], ["--nr-wait-cycles", "0"]])
def test_what_needs_others_is_told_and_not_waited_for_where_nobody_wants_to_wait(
    jug_process: JugProcess, jobs: str, impatience: list[str]
) -> None:
    words = ["-j", jobs, "--name", "count_primes", *impatience]
    result = jug_process("execute", *words, "primes.py", status=3)

    assert result.stderr == (
        "jug: what is left needs tasks that are not selected, and nobody has run them; "
        "1 task is not done (exit status 3)\n"
    )


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_what_needs_a_task_of_others_that_failed_for_good_is_not_run(
    jug_process: JugProcess, folder: Path, jobs: str
) -> None:
    (folder / "two.py").write_text(
        "from jug import Task\nTask(str, Task(divmod, 1, 0))\nTask(abs, 1)\n"
    )
    jug_process("execute", "--name", "divmod", "--keep-failed", "two.py", status=1)

    result = jug_process("execute", "-j", jobs, "--name", "str", "two.py", status=1)

    (first, second) = result.stderr.splitlines()
    assert first.startswith("jug: builtins.divmod(1, 0) failed, but not in this run: ZeroDivision")
    assert second == (
        "jug: a task failed; 1 task is not done; 1 waits for one that failed (exit status 1)"
    )


def test_others_are_waited_for_no_longer_than_asked(jug_process: JugProcess, folder: Path) -> None:
    from jug.backends.file_store import FileStore
    from jug.cli.reading import traceless
    from jug.execution import Job

    with traceless("primes.py"):
        _, jugspace = Job("primes.py", [], "primes.jugdata").begin()
        digest = jugspace.tasks[0].digest
    with FileStore(str(folder / "primes.jugdata")) as store:
        assert store.acquire([digest])
        words = ["--wait-cycle-time", "0.1", "--nr-wait-cycles", "1"]
        result = jug_process("execute", *words, "primes.py", status=3)

    assert result.stderr == (
        "jug: others still hold tasks, and the waiting time is over; "
        "2 tasks are not done (exit status 3)\n"
    )


def test_the_jugfile_may_set_options_for_its_run(jug_process: JugProcess, folder: Path) -> None:
    with (folder / "failing.py").open("a") as jugfile:
        jugfile.write(
            "import jug.options\n"
            "jug.options.default_options.execute_keep_going = True\n"
            "from jug import Task\n"
            "Task(abs, -1)\n"
        )

    one = jug_process("execute", "failing.py", status=1)
    several = jug_process("execute", "-j2", "--jugdir", "other", "failing.py", status=1)

    assert "builtins.abs" in one.stdout and "builtins.abs" in several.stdout


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_jugfile_may_ask_for_less_to_be_told(jug_process: JugProcess, jobs: str) -> None:
    set_option_in("primes.py", "short = True")

    assert jug_process("execute", "-j", jobs, "primes.py").stdout == "7 tasks executed, 0 loaded\n"


def test_an_option_that_a_jugfile_sets_too_late_is_told(jug_process: JugProcess) -> None:
    set_option_in("primes.py", "execute_jobs = 3")
    set_option_in("failing.py", "pdb = True")

    told = jug_process("execute", "primes.py").stderr
    assert told.count("the jugfile sets execute_jobs too late") == 1 and "give -j on" in told
    assert jug_process("execute", "-j3", "primes.py").stderr == ""
    failing = jug_process("execute", "failing.py", status=1).stderr
    assert "the jugfile sets pdb too late" in failing and "give --pdb on" in failing


def set_option_in(jugfile: str, setting: str) -> None:
    """Have a jugfile set an option."""
    lines = ["import jug.options", f"jug.options.default_options.{setting}", ""]
    Path(jugfile).write_text("\n".join(lines) + Path(jugfile).read_text())


def test_workers_that_are_started_anew_have_the_same_options(
    jug_process: JugProcess, folder: Path
) -> None:
    """As where the jugfile has started a thread, which a fork would lose."""
    (folder / "failing.py").write_text(
        "import threading\n"
        "threading.Thread(target=threading.Event().wait, daemon=True).start()\n"
        + (folder / "failing.py").read_text()
        + "import jug.options\n"
        "jug.options.default_options.execute_keep_going = True\n"
    )

    result = jug_process("execute", "-j2", "--name", "[bg]*", "failing.py", status=1)

    assert "each worker reads the jugfile itself" in result.stderr
    assert "       1       0  failing.good\n" in result.stdout


def test_limits_of_the_environment_end_a_run_well(jug_process: JugProcess, folder: Path) -> None:
    result = jug_process("execute", "primes.py", JUG_MAX_TASKS="2")

    assert "       2       0  Total\n" in result.stdout
    assert result.stderr.startswith("jug: a limit that was set for this run was reached")


def test_the_stop_file_ends_a_run_unless_it_is_ignored(
    jug_process: JugProcess, folder: Path
) -> None:
    (folder / "__jug_please_stop_running.txt").touch()

    stopped = jug_process("execute", "primes.py")
    ignored = jug_process("execute", "--no-check-environment", "primes.py")

    assert "       0       0  Total\n" in stopped.stdout
    assert ignored.stdout == EXECUTED


def test_a_limit_that_is_no_number_is_wrong_usage(jug_process: JugProcess) -> None:
    result = jug_process("execute", "primes.py", status=2, JUG_MAX_TASKS="many")

    assert (
        "the variable JUG_MAX_TASKS must be a whole number from 1 up, not 'many'" in result.stderr
    )


@pytest.mark.parametrize("jobs", [1, 2])
def test_hooks_for_the_end_are_called_once_by_each_worker(
    jug_process: JugProcess, folder: Path, jobs: int
) -> None:
    (folder / "hooked.py").write_text(
        "from jug import hooks\n"
        "def say(word):\n"
        "    with open('said', 'a') as said: said.write(word)\n"
        "hooks.register_hook('execute.finished_post_status', lambda: say('b'))\n"
        "hooks.register_hook('execute.finished_pre_status', lambda: say('a'))\n"
    )

    jug_process("execute", "-j", str(jobs), "hooked.py")

    said = (folder / "said").read_text()
    assert sorted(said) == ["a"] * jobs + ["b"] * jobs
    assert said.startswith("a")


def test_debug_finds_a_task_that_changes_its_arguments(
    jug_process: JugProcess, folder: Path
) -> None:
    (folder / "rude.py").write_text(
        "from jug import Task\ndef rude(x): x.append(1)\nTask(rude, bytearray(2))\n"
    )

    result = jug_process("execute", "--debug", "rude.py", status=1)

    assert "changed its own arguments" in result.stderr


def test_pdb_stops_where_a_task_failed(folder: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "jug", "execute", "--pdb", "failing.py"],
        input="p 40 + 2\nwhere\nquit\n", text=True, capture_output=True, timeout=60,
    )  # fmt: skip

    assert result.returncode == 1
    assert "(Pdb) 42" in result.stdout
    assert 'raise ValueError("no such luck")' in result.stdout


def test_the_jugfile_gets_what_follows_it(jug_process: JugProcess, folder: Path) -> None:
    (folder / "sub").mkdir()
    (folder / "sub" / "script.py").write_text("import sys\nprint(sys.argv)\n")

    plain = jug_process("execute", "sub/script.py", "-x", "a", "--jugdir", "D", "--new=1", "")
    behind = jug_process("execute", "--jugdir", "D", "--", "sub/script.py", "--jugdir", "E")
    twice = jug_process("execute", "sub/script.py", "b", "--", "--short", "--", "c")

    script = os.path.join("sub", "script.py")
    assert plain.stdout.startswith(f"['{script}', '-x', 'a', '--new=1', '']\n")
    assert behind.stdout.startswith(f"['{script}', '--jugdir', 'E']\n")
    assert twice.stdout.startswith(f"['{script}', 'b', '--short', '--', 'c']\n")


def test_the_jugdir_is_named_after_the_jugfile_and_the_date(
    jug_process: JugProcess, folder: Path
) -> None:
    jug_process("execute", "--jugdir", "in/%(jugfile)s.%(date)s", "primes")

    (made,) = (folder / "in").iterdir()
    assert made.name.startswith("primes.20") and len(made.name) == len("primes.2024-05-31")


def test_interrupting_has_a_status_of_its_own(folder: Path) -> None:
    import signal

    (folder / "long.py").write_text(
        "import time\nfrom jug import Task\n"
        "def long(): print('begun', flush=True); time.sleep(60)\n"
        "Task(long)\n"
    )
    command = [sys.executable, "-m", "jug", "execute", "long.py"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        process.send_signal(signal.SIGINT)
        output, told = process.communicate(timeout=30)

    assert process.returncode == 130
    assert "(exit status 130)" in told


def test_of_many_failures_the_first_are_listed_at_the_end(
    folder: Path, jug_process: JugProcess
) -> None:
    (folder / "many.py").write_text(
        "from jug import TaskGenerator\n\n\n@TaskGenerator\ndef bad(n):\n"
        "    raise ValueError(n)\n\n\n[bad(n) for n in range(25)]\n"
    )

    told = jug_process("execute", "--keep-going", "many.py", status=1).stderr.splitlines()

    assert told[-22:] == [
        *(f"jug: many.bad({n}) failed: ValueError: {n}" for n in range(20)),
        "jug: … and 5 more, which `jug failures` groups",
        "jug: 25 tasks failed; 25 tasks are not done (exit status 1)",
    ]


BAD_TIMES = [
    (["--for", "90"], "Error: --for: '90' must be a time such as 90s, 20 min, 1h30m or 4:00:00\n"),
    (["--margin", "-3s"], "Error: --margin: '-3s' must be a time such as 90s, 20 min, "),
    (["--until", "soon"], "Error: --until: 'soon' must be a moment such as 17:30, 2026-05-31 "),
    (["--until", "25:00"], "seconds since the epoch such as 1780200000, or never\n"),
]


@pytest.mark.parametrize(("options", "complaint"), BAD_TIMES)
def test_a_time_that_cannot_be_read_is_wrong_usage(
    jug: Jug, options: list[str], complaint: str
) -> None:
    assert complaint in jug("execute", *options, "primes.py", status=2).stderr


def test_a_bad_end_of_the_job_is_named_where_it_counts(
    jug: Jug, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUG_END_TIME", "4:00:00")

    complaint = "the variable JUG_END_TIME must be a moment such as 17:30"
    assert complaint in jug("execute", "primes.py", status=2).stderr
    assert not Path("primes.jugdata").exists()
    assert jug("execute", "--dry-run", "primes.py").stdout
