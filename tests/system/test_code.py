"""All processes come to the same code: workers however they begin, and who looks at results."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from jug.backends.file_store import FileStore

CORE = Path(__file__).parents[1] / "core"
SAMPLE = CORE / "jugfiles" / "code_sample"
VECTORS = json.loads((CORE / "code_vectors.json").read_text())


@pytest.fixture
def sample(folder) -> None:
    """The sample project in the working folder."""
    for path in SAMPLE.glob("*.py"):
        shutil.copy(path, path.name)


def codes() -> dict[str, str]:
    """Return what the records say of the code, by name."""
    with FileStore("jugfile.jugdata") as store:
        store.poll()
        return {run.record.name: run.record.code for run in store.each_run()}


@pytest.mark.slow
@pytest.mark.parametrize("jobs", ["1", "3"])
@pytest.mark.parametrize("beginning", ["", "import torch\n"], ids=["forked", "spawned"])
def test_workers_record_the_same_code_however_they_begin(sample, write, jug, jobs, beginning):
    write("", "torch.py")  # a library that has workers started anew
    write(beginning + Path("jugfile.py").read_text())

    assert jug("execute", "-j", jobs)[0] == 0

    assert codes() == VECTORS


@pytest.mark.slow
def test_a_helper_that_is_edited_while_workers_run_is_not_what_made_their_results(write, jug):
    write("def helper(x): return x\n", "helper.py")
    write(
        "import pathlib\nfrom jug import TaskGenerator\nimport helper\n"
        "@TaskGenerator\ndef edit(x):\n"
        "    pathlib.Path('helper.py').write_text('def helper(x): return -x\\n')\n    return x\n"
        "@TaskGenerator\ndef use(x):\n    return helper.helper(x)\n"
        "last = use(edit(1))\n"
    )

    assert jug("execute")[0] == 0

    write(
        "import jug\nfrom jug.code import compare\nfrom jug.task import alltasks\n"
        "store, _ = jug.init()\nstore.poll()\n"
        "print([one.name for one in compare(alltasks, store).stale])\n",
        "look.py",
    )
    assert look("look.py") == "['jugfile.use']\n"


def look(script: str) -> str:
    """Return what a script prints."""
    run = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    return run.stdout
