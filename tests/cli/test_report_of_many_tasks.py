"""How large the page is, and what it takes to make it, for very many tasks.

How far the tasks are, what they took and by which code is found as for `jug status`,
`jug timings` and `jug stale`, which have bars of their own: a million tasks take longer to look
at than to draw.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.made_runs import make_run

MEASURE = """
import json, sys, time
from jug.cli.reading import traceless
from jug.execution import Job
from jug.report import findings
from jug.report.page import page
from jug.task.graph import Graph

def timed(name):
    function = getattr(findings, name)
    def call(*given):
        began = time.process_time()
        try:
            return function(*given)
        finally:
            spent[name] = time.process_time() - began
    setattr(findings, name, call)

class Onlooker(findings.Onlooker):
    def look(self):
        began = time.process_time()
        try:
            return super().look()
        finally:
            spent["look"] = time.process_time() - began

spent = {}
findings.Onlooker = Onlooker
timed("timings"), timed("compare")
jugfile, jugdir = sys.argv[1:]
with traceless(jugfile):
    _, jugspace = Job(jugfile, [], jugdir).begin()
    graph = Graph(jugspace.tasks)  # the tasks are hashed, as for any command
    jugspace.store.poll()
    measured = []
    for _ in range(3):
        began = time.process_time()
        text = page(findings.find(jugspace, findings.Subject(jugfile, jugdir), graph))
        spent["all"] = time.process_time() - began
        measured.append(dict(spent))
least = {name: min(one[name] for one in measured) for name in spent}
print(json.dumps([least, len(text.encode()), text.count("<") - text.count("</")]))
"""


@pytest.mark.slow
@pytest.mark.clock
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    ("tasks", "seconds", "size", "views"),
    [
        (100_000, 1.0, 300_000, ["compare"]),
        (1_000_000, 5.0, 500_000, ["compare", "timings", "look"]),
    ],
)
def test_a_page_of_many_tasks_is_made_soon_and_small(
    tmp_path: Path, tasks: int, seconds: float, size: int, views: list[str]
) -> None:
    made = make_run(tmp_path, tasks, workers=64, failing=0.002)

    done = subprocess.run(
        [sys.executable, "-c", MEASURE, *made], capture_output=True, text=True, timeout=600
    )

    assert done.returncode == 0, done.stderr
    spent, length, elements = json.loads(done.stdout.splitlines()[-1])
    assert length < size and elements < 20_000
    assert spent["all"] - sum(spent[view] for view in views) < seconds, spent
