"""Names that are not ASCII, and locales that know nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from jug.jugfile import module_name

JUGFILE = """
from jug import TaskGenerator, barrier

@TaskGenerator
def größe(x):
    return "ü"

first = größe("ö")
barrier()
größe([first])
"""

LOCALES = {
    "ASCII": {
        "LC_ALL": "C",
        "PYTHONCOERCECLOCALE": "0",
        "PYTHONUTF8": "0",
        "PYTHONIOENCODING": "ascii:strict",
    },
    "UTF-8": {"LC_ALL": "C.UTF-8", "PYTHONIOENCODING": "utf-8:strict"},
}

NAMES = {"früh".encode(): "früh", b"j\xff": "j\\xff"}


@pytest.fixture(params=NAMES, ids=["UTF-8", "not UTF-8"])
def stem(request: pytest.FixtureRequest, folder: Path) -> bytes:
    """The name of a jugfile without .py, in bytes."""
    stem: bytes = request.param
    try:
        (folder / os.fsdecode(stem + b".py")).write_text(JUGFILE, encoding="utf-8")
    except OSError:
        if sys.platform == "linux":
            raise
        pytest.skip("names of files are UTF-8 here")
    return stem


def run_jug(locale: str, *words: bytes) -> tuple[int, str, str]:
    """Run a command in a locale; return its exit status, output and errors."""
    command = [sys.executable, "-m", "jug", *map(os.fsdecode, words)]
    environ = os.environ | LOCALES[locale]
    done = subprocess.run(command, env=environ, capture_output=True, timeout=60)
    return done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode()


@pytest.mark.parametrize("jobs", [b"1", b"2"])
def test_a_jugfile_of_any_name_is_executed_in_any_locale_and_found_again_in_others(
    stem: bytes, jobs: bytes
) -> None:
    jugfile = stem + b".py"

    assert run_jug("ASCII", b"execute", b"-j", jobs, jugfile)[::2] == (0, "")
    status, shown, told = run_jug("UTF-8", b"count", jugfile)
    assert (status, told) == (0, "")
    assert f"2  {NAMES[stem]}.größe\n" in shown
    assert run_jug("UTF-8", b"check", jugfile) == (0, "", "")


@pytest.mark.parametrize("locale", LOCALES)
def test_a_jugfile_of_any_name_is_drawn(
    stem: bytes, locale: str, program: Callable[[str], str]
) -> None:
    program("dot")
    assert run_jug(locale, b"graph", stem + b".py")[0] == 0

    text = Path(os.fsdecode(stem + b".dot")).read_text(encoding="utf-8")
    assert "größe" in text


@pytest.mark.parametrize("stem", NAMES)
def test_the_module_of_a_jugfile_is_named_by_its_bytes(stem: bytes) -> None:
    assert module_name(os.fsdecode(stem + b".py")) == NAMES[stem]


@pytest.mark.parametrize("own,other", [("ASCII", "UTF-8"), ("UTF-8", "ASCII")])
def test_runs_of_another_locale_are_listed(stem: bytes, own: str, other: str) -> None:
    assert run_jug(other, b"execute", stem + b".py")[0] == 0

    status, shown, told = run_jug(own, b"log", stem + b".py")

    assert (status, told) == (0, "")
    assert shown.count("finished") == 2
