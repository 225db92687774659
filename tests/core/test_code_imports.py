"""What a task imports while it runs may have been edited since the jugfile was read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EDITS = """
from pathlib import Path

from jug import TaskGenerator


@TaskGenerator
def edits(n):
    Path("late.py").write_text("def more(n):\\n    return n + 22\\n")
    import late
    return late.more(n)


@TaskGenerator
def comes_after(n):
    import late
    return late.more(n)


edited = edits(1)
after = comes_after(edited)
"""

BEFORE, AFTER = "def more(n):\n    return n + 1\n", "def more(n):\n    return n + 22\n"


def jug(folder: Path, *words: str) -> str:
    command = [sys.executable, "-B", "-m", "jug", *words, "edits.py"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
def test_what_was_edited_before_a_task_imported_it_is_what_made_its_result(
    tmp_path: Path, workers: str
) -> None:
    (tmp_path / "edits.py").write_text(EDITS)
    (tmp_path / "late.py").write_text(BEFORE)
    jug(tmp_path, "execute", "-j", workers)

    assert "is the same" in jug(tmp_path, "stale", "--short")
    (tmp_path / "late.py").write_text(BEFORE)
    told = jug(tmp_path, "stale")
    assert "edits.edits: 1 result" in told
    assert "edits.comes_after: 1 result" in told
    assert "-    return n + 22\n+    return n + 1\n" in told
