"""Who is measured: this project, the former release of jug, joblib.Memory, and other programs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from measure import Command

PROGRAMS = Path(__file__).parent / "programs"
FORMER = "jug 2.7.0"
REQUIREMENTS = ("jug==2.7.0", "joblib>=1.4", "numpy>=2", "redis>=5")


@dataclass(frozen=True)
class Contender:
    """One Python with a jug, and maybe more, installed."""

    name: str
    python: Path

    def jug(self, *arguments: str | os.PathLike[str]) -> Command:
        """Return a command of its jug."""
        return [self.python.with_name("jug"), *arguments]

    def on(self, jugfile: str, jugdir: Path | str, subcommand: str, *options: str) -> Command:
        """Return a command of its jug on one of the programs."""
        return self.jug(subcommand, PROGRAMS / f"{jugfile}.py", "--jugdir", jugdir, *options)

    def program(self, name: str, *arguments: str | os.PathLike[str]) -> Command:
        """Return a command that runs one of the programs with its Python."""
        return [self.python, PROGRAMS / f"{name}.py", *arguments]


def ours() -> Contender:
    """Return this project, as it is installed beside the Python that runs this."""
    return Contender("this project", Path(sys.executable))


def former(python: Path | None, cache: Path) -> Contender:
    """Return the former release with joblib, installed into a folder if no Python is given."""
    return Contender(FORMER, python or installed(cache / "former", REQUIREMENTS))


def installed(folder: Path, requirements: Sequence[str]) -> Path:
    """Return a Python in a folder that has these distributions, which are installed if need be."""
    python = folder / "bin" / "python"
    ready = folder / "ready"
    if not ready.exists() or ready.read_text() != "\n".join(requirements):
        print(f"installing {', '.join(requirements) or 'nothing'} into {folder}", file=sys.stderr)
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip = [python, "-m", "pip", "--quiet", "--disable-pip-version-check"]
        if requirements:
            subprocess.run([*pip, "install", *requirements], check=True)
        ready.write_text("\n".join(requirements))
    return python
