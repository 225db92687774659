"""jug 2.7.0, run by mistake on a jugdir of today: it stops, and touches nothing.

TEST_FORMER_JUG names its `jug`; without it, it is installed for the tests.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

COMMANDS = (
    "status", "check", "execute", "cleanup", "cleanup --locks-only", "pack", "invalidate --target f"
)  # fmt: skip


@pytest.fixture(scope="session")
def former_jug(
    tmp_path_factory: pytest.TempPathFactory, unavailable: Callable[[str], NoReturn]
) -> str:
    """Return the command of jug 2.7.0."""
    if given := os.environ.get("TEST_FORMER_JUG"):
        return given
    folder = tmp_path_factory.mktemp("former")
    uv = [sys.executable, "-m", "uv", "--quiet"]
    try:
        subprocess.run([*uv, "venv", "--python", sys.executable, folder], check=True)
        install = [*uv, "pip", "install", "--python", folder, "jug==2.7.0"]
        subprocess.run(install, check=True, timeout=240)
    except (subprocess.SubprocessError, OSError):
        unavailable("jug 2.7.0, which can't be installed here,")
    return str(folder / "bin" / "jug")


@pytest.mark.parametrize("command", COMMANDS)
def test_the_former_release_stops_before_it_touches_anything(
    former_jug: str,
    folder: Path,
    write: Callable[[str], None],
    jug: Callable[..., tuple[int, str, str]],
    command: str,
) -> None:
    write("from jug import Task\ndef f(x): return x\nTask(f, 1), Task(f, Task(f, 2))\n")
    assert jug("execute")[0] == 0
    before = files(folder / "jugfile.jugdata")

    words = [former_jug, *command.split(), "jugfile.py"]
    ended = subprocess.run(words, capture_output=True, text=True)

    assert ended.returncode == 1 and "packs/jugpack" in ended.stderr
    assert files(folder / "jugfile.jugdata") == before
    assert jug("check")[0] == 0


def files(folder: Path) -> dict[Path, bytes | None]:
    return {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}
