"""What is wrong is named in one message, with what to do, and the exit status is not 0."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Jug = Callable[..., Result]
JugProcess = Callable[..., subprocess.CompletedProcess[str]]

JUGFILES = {
    "syntax.py": ("def f(:\n", "the jugfile 'syntax.py' could not be read: SyntaxError"),
    "raises.py": (
        "def f(): return 1 / 0\nf()\n",
        "the jugfile 'raises.py' could not be read: ZeroDivisionError: division by zero",
    ),
    "leaves.py": ("raise SystemExit(0)\n", "the jugfile 'leaves.py' ended itself by sys.exit(0)"),
    "generator.py": (
        "from jug import Task\nTask(sum, (n for n in [1]))\n",
        "argument 1 of task 'builtins.sum'",
    ),
    "lambda_.py": ("from jug import Task\nTask(lambda: 1)\n", "lambda"),
    "in_a_set.py": (
        "from jug import Task\nTask(sum, {Task(abs, -1)})\n",
        "task 'builtins.abs' is inside a 'set'",
    ),
    "own_argument.py": (
        "from jug import TaskGenerator, iteratetask\nf = TaskGenerator(abs)\nf(1)\nlist(f(2))\n",
        "could not be read: ",
    ),
}


@pytest.mark.parametrize("name", JUGFILES)
@pytest.mark.parametrize("command", ["status", "invalidate --name x", "cleanup"])
def test_a_bad_jugfile(jug: Jug, folder: Path, name: str, command: str) -> None:
    text, complaint = JUGFILES[name]
    (folder / name).write_text(text)

    result = jug(*command.split(), name, status=1)

    assert complaint in result.stderr
    assert [line[:6] for line in result.stderr.splitlines()].count("Error:") == 1
    assert "jug-core" not in result.stderr


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("name", JUGFILES)
def test_a_bad_jugfile_is_not_executed(
    jug_process: JugProcess, folder: Path, name: str, jobs: str
) -> None:
    text, complaint = JUGFILES[name]
    (folder / name).write_text(text)

    result = jug_process("execute", "-j", jobs, name, status=1)

    assert complaint in result.stderr
    assert [line[:6] for line in result.stderr.splitlines()].count("Error:") == 1
    assert "jug-core" not in result.stderr


def test_the_traceback_is_that_of_the_users_code(jug: Jug, folder: Path) -> None:
    (folder / "raises.py").write_text("def f(): return 1 / 0\nf()\n")

    told = jug("status", "raises.py", status=1).stderr

    frames = [line for line in told.splitlines() if line.startswith("  File")]
    assert frames == [
        '  File "raises.py", line 2, in <module>',
        '  File "raises.py", line 1, in f',
    ]


def test_a_jugfile_that_refuses_its_arguments_speaks_for_itself(
    jug_process: JugProcess, folder: Path
) -> None:
    (folder / "choosy.py").write_text("import argparse\nargparse.ArgumentParser().parse_args()\n")

    result = jug_process("status", "choosy.py", "x", status=1)

    assert result.stderr.splitlines() == [
        "usage: choosy.py [-h]",
        "choosy.py: error: unrecognized arguments: x",
        "Error: the jugfile 'choosy.py' ended itself by sys.exit(2): "
        "its tasks are known only when it is read to its end",
    ]


@pytest.mark.parametrize(
    ("words", "name", "advice"),
    [
        ("status nothing.py", "nothing.py", "correct its name or folder"),
        ("status nothing", "nothing", "correct its name or folder"),
        ("status .", ".", "correct its name or folder"),
        ("status prime", "prime", "is 'primes.py' meant?"),
        ("status prmes.py", "prmes.py", "is 'primes.py' meant?"),
        ("status ../elsewhere/primes.py", "../elsewhere/primes.py", "correct its name or folder"),
        ("status", "jugfile.py", "name another one, or call it so"),
        ("cleanup --also primer.py primes.py", "primer.py", "is 'primes.py' meant?"),
    ],
)
def test_a_jugfile_that_is_not_there(jug: Jug, words: str, name: str, advice: str) -> None:
    told = jug(*words.split(), status=1).stderr

    assert told.startswith(f"Error: there is no jugfile {name!r}")
    assert told.endswith(f": {advice}\n")


@pytest.mark.parametrize("command", ["status", "execute"])
def test_a_task_that_is_used_as_its_value_is_told_in_the_last_line(
    jug_process: JugProcess, folder: Path, command: str
) -> None:
    (folder / "uses.py").write_text("from jug import Task\nt = Task(abs, -1)\nprint(t + 1)\n")

    told = jug_process(command, "uses.py", status=1).stderr

    assert told.splitlines()[-1] == (
        "Error: the jugfile 'uses.py' could not be read: TypeError: unsupported operand type(s) "
        "for +: 'Task' and 'int': a task is not its value: make it an argument of another task, "
        "or go on with jug.bvalue(task), which waits for the value"
    )


def test_a_script_that_reads_such_a_jugfile_is_told_in_the_last_line(folder: Path) -> None:
    (folder / "uses.py").write_text("from jug import Task\nt = Task(abs, -1)\nprint(t.shape)\n")

    program = [sys.executable, "-c", "import jug; jug.init('uses.py')"]
    ended = subprocess.run(program, capture_output=True, text=True)

    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1].startswith("a task is not its value: ")


@pytest.mark.parametrize("command", ["status", "execute"])
@pytest.mark.parametrize(
    ("jugdir", "status", "complaint"),
    [
        ("primes.py", 1, "primes.py' is a file, not a directory: choose another --jugdir"),
        ("s4:bucket", 1, "no store for 's4', only for "),
        ("%(foo)s", 2, "jugdir '%(foo)s' can't be filled in: only %(jugfile)s and %(date)s"),
        ("", 2, "'' must not be empty"),
    ],
)
def test_a_bad_jugdir(
    jug_process: JugProcess, command: str, jugdir: str, status: int, complaint: str
) -> None:
    result = jug_process(command, "--jugdir", jugdir, "primes.py", status=status)

    assert complaint in result.stderr
    assert "Traceback" not in result.stderr


def test_a_jugdir_that_cannot_be_written(jug_process: JugProcess, folder: Path) -> None:
    (folder / "logged.py").write_text("from jug import Task\ndef f(): print('it ran')\nTask(f)\n")

    result = jug_process("execute", "--jugdir", "/dev/null/results", "logged.py", status=1)

    assert "'/dev/null/results'" in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


FORMER_JUGDIRS = {
    "results": {"ab": "c" * 38, "locks": "", "tempfiles": ""},
    "packed": {"ab": "", "packs": "jugpack", "locks": "", "tempfiles": ""},
    "a run that was cut short": {"locks": f"{'c' * 40}.lock", "tempfiles": "x"},
    "nothing yet": {"locks": "", "tempfiles": ""},
    "locks alone": {"locks": ""},
}


@pytest.fixture(params=FORMER_JUGDIRS)
def former_jugdir(request: pytest.FixtureRequest, folder: Path) -> Path:
    """Return a jugdir, of primes.py, as jug 2.x leaves it."""
    jugdir = folder / "primes.jugdata"
    for part, name in FORMER_JUGDIRS[request.param].items():
        (jugdir / part).mkdir(parents=True)
        if name:
            (jugdir / part / name).write_bytes(b"x")
    return jugdir


READERS = "status check count cleanup pack sleep-until shell graph".split()


def test_a_jugdir_of_the_former_release_is_named_and_left_alone(
    jug: Jug, former_jugdir: Path
) -> None:
    before = sorted(former_jugdir.rglob("*"))
    commands = [[reader, "primes.py"] for reader in READERS]
    commands += [["invalidate", "--name", "is_prime", "primes.py"]]
    commands += [["cleanup", "--locks-only", "primes.py"], ["copy", "primes.jugdata", "new"]]

    for command in commands:
        told = jug(*command, status=1).stderr
        assert told.startswith(f"Error: '{former_jugdir}' is a jugdir of jug 2.x"), command
        assert f"`jug adopt --jugdir {former_jugdir} JUGFILE` renames it to" in told, command
        assert "'primes.jugdata.2x' and brings" in told, command
    assert sorted(former_jugdir.rglob("*")) == before


def test_no_task_is_run_into_a_jugdir_of_the_former_release(
    jug_process: JugProcess, former_jugdir: Path
) -> None:
    before = sorted(former_jugdir.rglob("*"))

    assert "is a jugdir of jug 2.x" in jug_process("execute", "primes.py", status=1).stderr
    assert sorted(former_jugdir.rglob("*")) == before


def test_a_folder_of_other_things_is_no_jugdir_of_the_former_release(
    jug: Jug, folder: Path
) -> None:
    for name in ("locks", "tempfiles", "ab", "photos"):
        (folder / "primes.jugdata" / name).mkdir(parents=True)

    told = jug("status", "primes.py", status=1)

    assert "primes.is_prime" in told.stdout and told.stderr == ""


def test_a_result_that_cannot_be_pickled(jug_process: JugProcess, folder: Path) -> None:
    (folder / "unpicklable.py").write_text(
        "from jug import Task\ndef f(): return {'model': [lambda: 1]}\nTask(f)\n"
    )

    result = jug_process("execute", "unpicklable.py", status=1)

    assert "the result of task 'unpicklable.f' can't be saved: result['model'][0]" in result.stderr
    assert "Traceback" not in result.stderr.splitlines()[-2]


def test_a_damaged_result_is_computed_again(jug_process: JugProcess, folder: Path) -> None:
    (folder / "big.py").write_text("from jug import Task\nTask(len, Task(bytes, 2_000_000))\n")
    jug_process("execute", "big.py")
    jug_process("invalidate", "--name", "len", "big.py")
    (file,) = (p for p in folder.glob("big.jugdata/**/*") if p.stat().st_size > 1e6)
    file.chmod(0o600)
    file.write_bytes(file.read_bytes()[:-1000])

    result = jug_process("execute", "big.py")

    assert "is damaged" in result.stderr
    assert jug_process("check", "--verify", "big.py").stdout == ""


def test_an_unknown_command_and_an_unknown_option(jug: Jug) -> None:
    assert "there is no command 'stauts': is 'status' meant?" in jug("stauts", status=2).stderr
    assert "No such option" in jug("status", "--shrt", "primes.py", status=2).stderr
    assert "No such option" in jug("--shrt", status=2).stderr
