"""Running one program and measuring what it takes."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

Command = Sequence[str | os.PathLike[str]]


@dataclass(frozen=True)
class Sample:
    """What was measured once: the value that counts, and the processor time behind it."""

    value: float
    cpu: float | None = None


@dataclass(frozen=True)
class Usage:
    """What programs took, with all processes that they started."""

    seconds: float
    cpu: float
    memory: int
    """The most bytes that one of the processes had resident."""
    output: str

    def timed(self) -> Sample:
        """Return the time, with the processor time beside it."""
        return Sample(self.seconds, self.cpu)


def run(*commands: Command, **environment: object) -> Usage:
    """Run programs at the same time to their end."""
    with tempfile.TemporaryFile() as output:
        began = time.perf_counter()
        started = [
            subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, env=_environment(environment)
            )
            for command in commands
        ]
        ends = [_end(process) for process in started]
        seconds = time.perf_counter() - began
        output.seek(0)
        text = output.read().decode()
    cpu = sum(end.ru_utime + end.ru_stime for end in ends)
    return Usage(seconds, cpu, max(end.ru_maxrss for end in ends) * 1024, text)


def run_timed(command: Command, **environment: object) -> Sample:
    """Run a program that prints itself how long its work took, and how much processor time."""
    seconds, cpu = run(command, **environment).output.split()
    return Sample(float(seconds), float(cpu))


def count_system_calls(command: Command, **environment: object) -> int:
    """Return how many system calls a program makes, with all processes that it starts."""
    with tempfile.NamedTemporaryFile("r") as counts:
        run(["strace", "-f", "-c", "-o", counts.name, *command], **environment)
        return sum(int(calls) for calls in _CALLS.findall(counts.read()))


_CALLS = re.compile(r"^ *[\d.]+ +[\d.]+ +\d+ +(\d+) .*(?<!total)$", re.MULTILINE)


def can_count_system_calls() -> bool:
    """Return whether strace is there."""
    return shutil.which("strace") is not None


def count_files(folder: Path) -> int:
    """Return how many files a folder and the folders in it have."""
    return sum(len(files) for _, _, files in os.walk(folder))


def _end(process: subprocess.Popen[bytes]) -> os.struct_rusage:  # type: ignore[name-defined]
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, process.args)
    return usage


def _environment(given: Mapping[str, object]) -> dict[str, str]:
    """Return the environment without what would change how either jug or Python works."""
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("JUG", "PYTHON", "XDG_"))}
    return {**kept, "HOME": "/nonexistent", **{name: str(value) for name, value in given.items()}}
