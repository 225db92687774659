"""Graphs that would break recursion, through every command, within time and memory."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

LIMIT = 1 << 30
"""Bytes of address space that a command may use."""

CHAIN = """
from jug import TaskGenerator

@TaskGenerator
def step(x):
    return x + 1

task = 0
for _ in range({count}):
    task = step(task)
"""

FAN = """
from jug import TaskGenerator

@TaskGenerator
def part(x):
    return x

@TaskGenerator
def total(parts):
    return sum(parts)

task = total([part(i) for i in range({count})])
"""


def limited() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT, LIMIT))


def processor_time() -> float:
    """Return how long the commands that have ended kept a processor busy, in seconds."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def jug(*arguments: str) -> tuple[int, str]:
    """Run a command of jug under the limit; return its exit status and output."""
    began = processor_time()
    done = subprocess.run(
        [sys.executable, "-m", "jug", *arguments],
        capture_output=True,
        text=True,
        env=os.environ | {"JUG_PROGRESS": "none"},
        preexec_fn=limited,
    )
    assert done.stderr == ""
    assert processor_time() - began < 60
    return done.returncode, done.stdout


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("count", [2_000, 100_000])
@pytest.mark.parametrize("text", [CHAIN, FAN], ids=["chain", "fan"])
def test_every_command_takes_it(text, count, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("jugfile.py").write_text(text.format(count=count))
    total = count + (text is FAN)
    name = "step" if text is CHAIN else "part"

    assert jug("check")[0] == 1
    assert sum(map(int, jug("status")[1].splitlines()[-1].split()[:-1])) == total
    assert jug("execute")[0] == 0
    assert jug("check")[0] == 0
    assert jug("status", "--short")[1] == f"All tasks complete ({total} tasks).\n"
    assert jug("invalidate", "--name", name)[1].splitlines()[-1].split() == [str(total), "Total"]
    assert jug("status", "--short")[1].startswith(f"{total} tasks waiting to be run, 0 failed")
    assert jug("check")[0] == 1
