"""A folder to work in, and the command `jug` in this process or in one of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from jug.cli import main

PRIMES = """
from jug import TaskGenerator


@TaskGenerator
def is_prime(n):
    return all(n % divisor for divisor in range(2, n))


@TaskGenerator
def count_primes(flags):
    return sum(flags)


n_primes = count_primes([is_prime(n) for n in range(2, 8)])
"""

FAILING = """
from jug import TaskGenerator


@TaskGenerator
def good():
    return 1


@TaskGenerator
def bad():
    raise ValueError("no such luck")


@TaskGenerator
def after(x):
    return x


good()
after(bad())
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder of the test's own, with the jugfiles primes.py and failing.py."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "primes.py").write_text(PRIMES)
    (tmp_path / "failing.py").write_text(FAILING)
    return tmp_path


@pytest.fixture
def jug(folder: Path) -> Callable[..., Result]:
    """Call with the words of a command line that starts no workers: runs it in this process."""

    def run(*words: str, status: int = 0) -> Result:
        result = CliRunner().invoke(main, list(words), prog_name="jug")
        assert result.exit_code == status, result.output
        return result

    return run


@pytest.fixture
def jug_process(folder: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Call with the words of a command line: runs it as a process of its own."""

    def run(*words: str, status: int = 0, **environ: str) -> subprocess.CompletedProcess[str]:
        result = subprocess.run(
            [sys.executable, "-m", "jug", *words],
            cwd=folder, env=os.environ | environ, text=True, capture_output=True, timeout=60,
        )  # fmt: skip
        assert result.returncode == status, result.stdout + result.stderr
        return result

    return run


@pytest.fixture
def executed(folder: Path) -> Callable[..., None]:
    """Call with a jugfile: runs its tasks by a worker in this process."""

    def run(
        jugfile: str = "primes.py",
        jugdir: str = "",
        arguments: Sequence[str] = (),
        **settings: bool,
    ) -> None:
        from jug.cli.reading import traceless
        from jug.execution import Job, execute
        from jug.execution.settings import Settings

        job = Job(jugfile, [*arguments], jugdir or jugfile.removesuffix(".py") + ".jugdata")
        job.read_settings = lambda: Settings(**settings)
        with traceless(jugfile):
            execute(job, in_process=True)

    return run
