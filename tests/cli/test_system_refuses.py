"""What the system refuses is one message, whichever command meets it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest


def run_jug(*words: str, before: tuple[str, ...] = (), **options: object) -> tuple[int, str]:
    """Run a command; return its exit status and what it said on the standard error."""
    command = [*before, sys.executable, "-m", "jug", *words]
    options = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True, **options}
    done: Any = subprocess.run(command, timeout=60, **options)  # type: ignore[call-overload]
    return done.returncode, done.stderr


def the_only_line(told: str) -> str:
    (line,) = told.splitlines()
    return line


# Folders that may not be entered


@pytest.fixture
def closed(folder: Path) -> Iterator[Path]:
    """A folder that nobody may enter, which holds a jugfile."""
    closed = folder / "closed"
    closed.mkdir()
    (closed / "primes.py").write_text((folder / "primes.py").read_text())
    closed.chmod(0)
    yield closed
    closed.chmod(0o700)


@pytest.fixture
def unprivileged(program: Callable[[str], str]) -> tuple[str, ...]:
    """Return what to put before a command so that permissions hold for it, also for root."""
    if os.getuid():
        return ()
    without = "-dac_override,-dac_read_search"
    return (program("setpriv"), f"--inh-caps={without}", f"--bounding-set={without}")


@pytest.mark.parametrize(
    "words",
    [
        "status --jugdir closed/below/jd primes.py",
        "execute --jugdir closed/jd primes.py",
        "execute -j 2 --jugdir closed/jd primes.py",
        "pack --jugdir closed/jd primes.py",
        "copy closed/jd other",
        "status --jugdir dict_store:closed/file primes.py",
    ],
)
def test_a_jugdir_below_a_folder_that_may_not_be_entered(
    closed: Path, unprivileged: tuple[str, ...], words: str
) -> None:
    status, told = run_jug(*words.split(), before=unprivileged)

    assert status == 1
    assert "ermission denied" in the_only_line(told)
    assert "choose another" in told


@pytest.mark.parametrize("words", ["execute", "execute -j 2"])
def test_a_jugdir_in_a_folder_that_may_only_be_passed_through(
    closed: Path, unprivileged: tuple[str, ...], words: str
) -> None:
    closed.chmod(0o700)
    (closed / "jd").mkdir()
    closed.chmod(0o100)

    for command in (*words.split(), "--jugdir", "closed/jd"), ("status", "--jugdir", "closed/jd"):
        status, told = run_jug(*command, "primes.py", before=unprivileged)
        assert (status, "denied" in told) == (0, False)


def test_a_jugfile_in_a_folder_that_may_not_be_entered(
    closed: Path, unprivileged: tuple[str, ...]
) -> None:
    status, told = run_jug("status", "closed/primes.py", before=unprivileged)

    assert status == 1
    assert "there is no jugfile 'closed/primes.py' (Permission denied)" in the_only_line(told)


def test_a_home_that_may_not_be_entered_holds_no_configuration(
    closed: Path, unprivileged: tuple[str, ...]
) -> None:
    environ = os.environ | {"HOME": str(closed)}

    assert run_jug("count", "primes.py", before=unprivileged, env=environ) == (0, "")


# A working directory that was removed


@pytest.mark.parametrize("words", ["status ../primes.py", "execute ../primes.py", "copy a b"])
def test_a_working_directory_that_was_removed(folder: Path, words: str) -> None:
    (folder / "gone").mkdir()
    removing = ("sh", "-c", 'cd gone && rmdir ../gone && exec "$@"', "sh")

    status, told = run_jug(*words.split(), before=removing)

    assert status == 1
    assert "the working directory can't be used" in the_only_line(told)


# Output that can't be written


@pytest.fixture(params=["", "1"], ids=["buffered", "unbuffered"])
def environ(request: pytest.FixtureRequest) -> dict[str, str]:
    return os.environ | {"PYTHONUNBUFFERED": request.param}


@pytest.mark.parametrize(
    "words", ["status primes.py", "execute primes.py", "status --help", "--version"]
)
def test_a_standard_output_that_is_full(folder: Path, words: str, environ: dict[str, str]) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full")
    with open("/dev/full", "w") as full:
        status, told = run_jug(*words.split(), stdout=full, env=environ)

    assert status == 1
    assert the_only_line(told) == "Error: the output can't be written: No space left on device"


def test_what_a_jugfile_prints_to_one_who_stops_reading_is_no_error(folder: Path) -> None:
    (folder / "talks.py").write_text("print('read')\n")
    buffered = os.environ | {"PYTHONUNBUFFERED": ""}
    reader, writer = os.pipe()
    os.close(reader)

    status, told = run_jug("status", "talks.py", stdout=writer, env=buffered)
    os.close(writer)

    assert (status, told) == (1, "")
