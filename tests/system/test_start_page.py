"""The start page, word by word, in an empty environment, from the wheels that are built here."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.system.pages import check_page

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a wheel of each distribution."""
    folder = tmp_path_factory.mktemp("wheels")
    build = [sys.executable, "-m", "uv", "build", "--quiet", "--wheel", "--out-dir", folder]
    for package in sorted(ROOT.glob("packages/*")):
        subprocess.run([*build, package], check=True)
    return folder


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_start_page_works_as_it_is_written(wheels: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bin"
    bare.mkdir()
    (bare / "python3").symlink_to(Path(sys.base_prefix, "bin", "python3"))
    (tmp_path / "work").mkdir()
    hidden = ("PYTHONPATH", "VIRTUAL_ENV", "PYTHONDONTWRITEBYTECODE")
    environment = {name: given for name, given in os.environ.items() if name not in hidden}
    path = [folder for folder in os.get_exec_path() if Path(folder) != Path(sys.executable).parent]

    check_page(
        ROOT / "docs" / "start.md",
        tmp_path / "work",
        environment
        | {"PATH": os.pathsep.join([str(bare), *path]), "PIP_FIND_LINKS": str(wheels)}
        | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        timeout=500,
    )
