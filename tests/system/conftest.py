"""Running whole programs: a folder of their own, `jug` as a command, and a journal of what ran."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

collect_ignore = ["nfs"]  # programs for other machines, which tests start

HOW_FAR = r"(?m:^jug: \d+ of \d+\+? tasks done\b.*\n)"

Journal = Callable[[], list[list[str]]]

JOURNAL = '''
"""What tasks did, in a file to which each line is added in one step."""

import os
import time
from pathlib import Path

def log(*words):
    file = os.open("log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    os.write(file, (" ".join(map(str, words)) + "\\n").encode())
    os.close(file)

def wait_for_file(name):
    while not Path(name).exists():
        time.sleep(0.002)
'''


def on_host(name: str) -> dict[str, str]:
    """Return the environment of processes that believe to run on a host of this name."""
    folder = Path(__file__).parent / "jugfiles" / "other_host"
    path = [str(folder), os.environ.get("PYTHONPATH", "")]
    return os.environ | {"TEST_HOST": name, "PYTHONPATH": os.pathsep.join(filter(None, path))}


def is_running(pid: int) -> bool:
    """Return whether a process has not ended; a zombie has."""
    if sys.platform == "linux":
        try:
            text = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            return False
        return text.rpartition(")")[2].split()[0] not in "ZX"
    asked = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return asked.stdout.strip()[:1] not in ("", "Z")


def children_of(pid: int) -> list[int]:
    """Return the processes that a process has started and not waited for."""
    if sys.platform == "linux":
        return [*map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
    asked = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True)
    pairs = [map(int, line.split()) for line in asked.stdout.splitlines()]
    return [child for child, parent in pairs if parent == pid]


@pytest.fixture(autouse=True)
def killed_workers_are_missed_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the dead noticed within seconds where no system tells that a process is gone."""
    if sys.platform != "linux":
        monkeypatch.setenv("JUG_LEASE_SECONDS", "5")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def journal(folder: Path) -> Journal:
    """Have jugfiles find `log` and `wait_for_file` in `journal`; call to read what was logged."""
    Path("journal.py").write_text(JOURNAL)

    def read() -> list[list[str]]:
        path = Path("log")
        return [line.split() for line in path.read_text().splitlines()] if path.exists() else []

    return read


@pytest.fixture
def write(folder: Path) -> Callable[..., None]:
    """Call with the text of a jugfile, or of another file."""

    def write(text: str, name: str = "jugfile.py") -> None:
        Path(name).write_text(text)

    return write


@pytest.fixture(scope="session")
def wait_for() -> Callable[..., Any]:
    """Call with a function: returns what it gives as soon as that is true."""

    def wait(what: Callable[[], Any], seconds: float = 20.0) -> Any:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if found := what():
                return found
            time.sleep(0.005)
        raise AssertionError(f"{what} did not come true within {seconds} s")

    return wait


@pytest.fixture
def launch(folder: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Call with the arguments of Python: starts it, with its output in pipes."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str, **options: Any) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="surrogateescape",
            start_new_session=True,
            **options,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)  # with its workers, who have the pipes too
        process.communicate()


@pytest.fixture
def start(launch: Callable[..., subprocess.Popen[str]]) -> Callable[..., subprocess.Popen[str]]:
    """Call with arguments of `jug`: starts it, with its output in pipes."""
    return partial(launch, "-m", "jug")


@pytest.fixture
def jug(start: Callable[..., subprocess.Popen[str]]) -> Callable[..., tuple[int, str, str]]:
    """Call with arguments of `jug`: returns its exit status, output and errors.

    The errors are without the lines that say every ten seconds how far a run is: a busy
    machine takes as long.
    """

    def run(*arguments: str, **options: Any) -> tuple[int, str, str]:
        process = start(*arguments, **options)
        out, err = process.communicate(timeout=100)
        return process.returncode, out, re.sub(HOW_FAR, "", err)

    return run
