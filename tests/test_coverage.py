"""A file that the tests hardly run does not hide behind the total."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from coverage import CoverageData

SCRIPT = Path(__file__).parents[1] / "scripts" / "check_coverage.py"


def measured(folder: Path, **lines_run: int) -> None:
    """Put four lines into each file, and note how many of them were run."""
    data = CoverageData(str(folder / ".coverage"))
    for name, count in lines_run.items():
        path = folder / f"{name}.py"
        path.write_text("a = 1\nb = 2\nc = 3\nd = 4\n")
        data.add_lines({str(path): range(1, count + 1)})
    data.write()


def check(folder: Path) -> subprocess.CompletedProcess[str]:
    outer = {name for name in os.environ if name.startswith("COVERAGE_")}  # measures this test
    return subprocess.run(
        [sys.executable, SCRIPT],
        cwd=folder,
        env={name: os.environ[name] for name in os.environ.keys() - outer},
        capture_output=True,
        text=True,
    )


def test_each_file_below_the_floor_is_named(tmp_path: Path) -> None:
    measured(tmp_path, whole=4, most=3, hardly=1)

    done = check(tmp_path)

    assert done.returncode == 1
    assert done.stderr == (
        "hardly.py: 25.0 % is less than 85 %\nmost.py: 75.0 % is less than 85 %\n"
    )


def test_nothing_is_said_where_there_is_none(tmp_path: Path) -> None:
    measured(tmp_path, whole=4)

    done = check(tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
