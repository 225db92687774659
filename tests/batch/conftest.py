"""Programs of batch systems that are not there, and what they were asked."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.conftest import executed, folder, jug, jug_process  # noqa: F401
from tests.system.conftest import wait_for  # noqa: F401

FAKE = """#!/bin/bash
printf '%s\\n' "$*" >> {calls}
cat >> {calls}.stdin
{script}
"""


class Programs:
    """A folder with programs that stand in for those of a batch system."""

    def __init__(self, place: Path) -> None:
        self.folder = place

    def add(self, name: str, script: str = "") -> None:
        """Have a program of this name, which does what the lines of shell say."""
        path = self.folder / name
        path.write_text(FAKE.format(calls=self.folder / f"{name}.calls", script=script))
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def calls(self, name: str) -> list[str]:
        """Return the arguments of each call of a program."""
        path = self.folder / f"{name}.calls"
        return path.read_text().splitlines() if path.exists() else []

    def stdin(self, name: str) -> str:
        """Return what a program was given to read."""
        return (self.folder / f"{name}.calls.stdin").read_text()


@pytest.fixture
def programs(
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    program: Callable[[str], str],
) -> Programs:
    """Programs that are found before all others; no batch system but these is there."""
    here = tmp_path_factory.mktemp("programs")
    tools = tmp_path_factory.mktemp("tools")
    for name in ("bash", "cat", "date", "echo", "env", "printf", "sleep"):
        (tools / name).symlink_to(program(name))
    monkeypatch.setenv("PATH", f"{here}{os.pathsep}{tools}")
    return Programs(here)


@pytest.fixture
def slurm(programs: Programs) -> Callable[[str], None]:
    """A Slurm that takes what it is given; call with the lines of its queue."""

    def have(queue: str = "") -> None:
        (programs.folder / "queue").write_text(queue)

    programs.add("sbatch", "echo 1234")
    programs.add("squeue", f"cat {programs.folder}/queue")
    programs.add("scancel")
    programs.add("scontrol", "echo 'MaxArraySize            = 1001'")
    have()
    return have
