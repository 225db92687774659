"""The scripts on the pages of batch systems: read by the shell, and run as far as they can be."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.system.test_docs import blocks

DOCS = Path(__file__).parents[2] / "docs"
SYSTEMS = ["clusters", "slurm", "sge", "pbs", "lsf", "htcondor"]

TASKS = """
from jug import TaskGenerator
tasks = [TaskGenerator(abs)(-number) for number in range(20)]
"""


def scripts(page: str) -> list[str]:
    """Return the scripts of jobs on a page."""
    return [text for language, text in blocks(DOCS / f"{page}.md")
            if language == "sh" and text.startswith("#!/bin/bash\n")]  # fmt: skip


@pytest.fixture
def shell(write):
    """Call with a script: runs it as a job would, and returns its status, output and errors."""
    write(TASKS, "train.py")
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

    def run(script, *options):
        write(script, "jobs.sh")
        done = subprocess.run(
            ["bash", *options, "jobs.sh"], capture_output=True, text=True, timeout=60,
            env=os.environ | {"PATH": programs, "PBS_O_WORKDIR": os.getcwd()}, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout, done.stderr

    return run


@pytest.mark.parametrize("page", SYSTEMS)
def test_a_script_does_all_and_knows_when_its_job_ends(page, shell):
    script, *others = scripts(page)

    status, out, err = shell(script)

    assert (status, err) == (0, "") and "      20       0  " in out
    assert "\nexec jug execute -j 0 " in script
    hours = re.search(r"^#\S+ .*?\b4:00(:00)?$", script, re.MULTILINE)
    assert hours or page == "htcondor"
    assert "export JUG_END_TIME=$(( $(date +%s) + 4 * 3600 ))\n" in script
    assert all(shell(other, "-n") == (0, "", "") for other in others)


def test_the_description_for_htcondor_asks_for_the_script():
    (text,) = [text for language, text in blocks(DOCS / "htcondor.md") if language == "text"]
    *lines, last = text.splitlines()

    said = dict(map(str.strip, line.split("=", 1)) for line in lines)

    assert (said["executable"], last) == ("jobs.sh", "queue 50")
    assert said["allowed_job_duration"] == str(4 * 3600)


@pytest.mark.parametrize("version", ["1.31", "1.34"])
def test_the_manifest_fits_the_schema_of_kubernetes(version):
    import yaml

    validation = pytest.importorskip("kubernetes_validate")
    (text,) = [text for language, text in blocks(DOCS / "kubernetes.md") if language == "yaml"]

    validation.validate(yaml.safe_load(text), version, strict=True)


# Clusters of other engines


def recipe(engine: str) -> str:
    (text,) = [text for language, text in blocks(DOCS / "clusters.md")
               if language == "python" and f"{engine}" in text]  # fmt: skip
    return text


@pytest.mark.parametrize("engine", ["dask", "ray"])
def test_a_recipe_has_six_lines(engine):
    assert len(ast.parse(recipe(engine)).body) == 6


@pytest.mark.slow
def test_workers_live_on_a_dask_cluster(write, jug):
    """Run by `hatch run dask:test`, as dask is no part of what jug is tested with."""
    distributed = pytest.importorskip("distributed")
    write(TASKS, "train.py")
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with distributed.LocalCluster(**options, host="127.0.0.1") as cluster:
        text = recipe("dask").replace("tcp://scheduler:8786", cluster.scheduler_address)
        text = text.replace('["jug"', '[sys.executable, "-m", "jug"').replace("/shared/", "")
        write("import sys\n" + text.replace("range(20)", "range(2)"), "recipe.py")
        done = subprocess.run(
            [sys.executable, "recipe.py"], capture_output=True, text=True, timeout=60, check=False
        )

    assert done.stdout == "[0, 0]\n", done.stderr
    assert jug("status", "--short", "train.py")[1] == "All tasks complete (20 tasks).\n"
