"""How a command ends that has run none of the user's code in its process."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PROGRAM = """
import atexit, os, sys

class Kept:
    def __del__(self, write=os.write):
        write(2, b"torn down\\n")

sys.kept = Kept()
atexit.register(print, "the end")
from jug.cli import main
sys.exit(main())
"""

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(folder: Path) -> Run:
    """Call with the name of a program that calls jug, and its words: runs it."""

    def run(
        name: str, *words: str, under: tuple[str, ...] = ()
    ) -> subprocess.CompletedProcess[str]:
        (folder / name).write_text(PROGRAM)
        command = [sys.executable, *under, name, *words]
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)

    return run


def test_the_program_jug_ends_without_teardown_but_calls_exit_functions(run: Run) -> None:
    ended = run("jug", "execute", "primes.py")

    assert ended.returncode == 0
    assert "Executed" in ended.stdout and ended.stdout.endswith("Total\nthe end\n")
    assert "torn down" not in ended.stderr


def test_the_exit_status_is_kept(run: Run, folder: Path) -> None:
    (folder / "broken.py").write_text("from jug import Task\nTask(int, 'none')\n")

    assert run("jug", "execute", "broken.py").returncode == 1
    assert run("jug", "execute", "--name", "no_such", "primes.py").returncode == 2


@pytest.mark.parametrize("words", [("count", "primes.py"), ("execute", "-j", "2", "primes.py")])
def test_where_user_code_has_run_python_ends_as_always(run: Run, words: tuple[str, ...]) -> None:
    assert "torn down" in run("jug", *words).stderr


def test_a_program_that_calls_jug_goes_on(run: Run) -> None:
    assert "torn down" in run("other.py", "execute", "primes.py").stderr


def test_a_profiler_tells_what_it_found(run: Run) -> None:
    profiled = run("jug", "execute", "primes.py", under=("-m", "cProfile"))

    assert "function calls" in profiled.stdout


def test_a_program_that_exec_runs_goes_on(folder: Path) -> None:
    program = f"exec({PROGRAM!r}, {{}})"  # and has no name

    ended = subprocess.run(
        [sys.executable, "-c", program, "execute", "primes.py"],
        cwd=folder, capture_output=True, text=True, timeout=60,
    )  # fmt: skip

    assert (ended.returncode, ended.stderr) == (0, "torn down\n")
