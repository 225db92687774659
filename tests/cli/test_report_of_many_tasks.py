"""How large the page is, and what it takes to make it, for very many tasks.

A quiet machine takes about 5 s of CPU for a million tasks, of which `timings` takes half.
Here it may be half as fast as that.
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
from jug.report.findings import Subject, find
from jug.report.page import page
from jug.task.graph import Graph

jugfile, jugdir, enough = sys.argv[1:]
with traceless(jugfile):
    _, jugspace = Job(jugfile, [], jugdir).begin()
    graph = Graph(jugspace.tasks)  # the tasks are hashed, as for any command
    jugspace.store.poll()
    spent = []
    for _ in range(3):
        began = time.process_time()
        text = page(find(jugspace, Subject(jugfile, jugdir), graph))
        spent.append(time.process_time() - began)
        if spent[-1] < float(enough):
            break  # others were in the way at most before
print(json.dumps([min(spent), len(text.encode()), text.count("<") - text.count("</")]))
"""


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    ("tasks", "seconds", "size"), [(100_000, 2.0, 300_000), (1_000_000, 10.0, 500_000)]
)
def test_a_page_of_many_tasks_is_made_soon_and_small(
    tmp_path: Path, tasks: int, seconds: float, size: int
) -> None:
    made = make_run(tmp_path, tasks, workers=64, failing=0.002)

    done = subprocess.run(
        [sys.executable, "-c", MEASURE, *made, str(seconds)],
        capture_output=True,
        text=True,
        timeout=600,
    )

    assert done.returncode == 0, done.stderr
    spent, length, elements = json.loads(done.stdout.splitlines()[-1])
    assert length < size and elements < 20_000
    assert spent < seconds
