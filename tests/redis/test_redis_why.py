"""What would run, and why, where results are on a server."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("jug.cli.why", reason="jug-cli is not installed", exc_type=ImportError)

JUGFILE = """
import sys, time
from jug import TaskGenerator

@TaskGenerator
def measure(n):
    time.sleep(0.011)
    return n

@TaskGenerator
def fit(measured):
    raise ValueError("too much")

fit(measure(int(sys.argv[1])))
"""


@pytest.mark.slow
def test_the_history_of_a_server_tells_why(
    server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("fits.py").write_text(JUGFILE)
    url = server.url("why")

    def jug(*words: str) -> str:
        command = [sys.executable, "-m", "jug", *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=60).stdout

    def ahead(*words: str) -> dict[str, tuple[str, str]]:
        said = json.loads(jug("execute", "--dry-run", "--json", "--jugdir", url, *words))
        return {one["name"]: (one["reason"], one["detail"]) for one in said["tasks"]}

    assert {reason for reason, _ in ahead("fits.py", "1").values()} == {"never run"}
    jug("execute", "--jugdir", url, "fits.py", "1")
    keys = sorted(server.client().keys())

    same, other = ahead("fits.py", "1"), ahead("fits.py", "2")
    named = jug("why", "measure", "--jugdir", url, "fits.py", "2")
    chosen = jug("count", "--short", "--failed", "--downstream", "--jugdir", url, "fits.py", "1")

    assert same.keys() == {"fits.fit"}
    assert same["fits.fit"][0] == "failed before"
    assert same["fits.fit"][1].startswith("ValueError: too much, ")
    assert other["fits.measure"][0] == "an argument differs"
    assert "n is 2, was 1; the nearest earlier run is fits.measure(1)" in named
    assert chosen == "1 task\n"
    assert sorted(server.client().keys()) == keys
