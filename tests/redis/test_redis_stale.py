"""Results that came from older code, where they are on a server."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("jug.cli.stale", reason="jug-cli is not installed", exc_type=ImportError)

from click.testing import CliRunner

from jug.backends._redis.follower import Follower
from jug.cli import main

JUGFILE = """
from jug import TaskGenerator

@TaskGenerator
def measure(n):
    return 2 * n

@TaskGenerator
def fit(measured):
    return sum(measured)

fit([measure(n) for n in range(20)])
"""


def test_that_all_is_done_and_fresh_is_told_without_what_else_is_there(
    server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("fits.py").write_text(JUGFILE)
    options = ["--jugdir", server.url("fresh"), "fits.py"]
    assert CliRunner().invoke(main, ["execute", *options]).exit_code == 0
    reads: list[object] = []
    monkeypatch.setattr(Follower, "_read_index", reads.append)

    status = CliRunner().invoke(main, ["status", *options])

    assert status.exit_code == 0 and "21" in status.stdout
    assert reads == []


@pytest.mark.slow
def test_a_server_tells_shows_accepts_and_invalidates(
    server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JUG_JUGDIR", server.url("stale"))
    Path("fits.py").write_text(JUGFILE)

    def jug(*words: str, status: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "jug", *words, "fits.py"],
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    jug("execute")
    jug("stale")
    Path("fits.py").write_text(JUGFILE.replace("2 * n", "2 * n + 1"))

    shown = jug("stale", status=1)
    assert "-    return 2 * n\n+    return 2 * n + 1\n" in shown
    assert "20 results came from older code; 1 other was made from these.\n" in shown
    assert json.loads(jug("status", "--json"))["total"]["stale"] == 20
    assert "20 results of fits.measure" in jug("execute", "-j", "2", "--strict-code", status=1)
    assert jug("accept", "--short") == "20 tasks accepted\n"
    jug("check", "--strict-code")

    Path("fits.py").write_text(JUGFILE.replace("2 * n", "2 * n + 2"))
    assert jug("invalidate", "--stale", "--short") == "21 tasks invalidated\n"
    jug("execute", "--strict-code")
    jug("stale")
