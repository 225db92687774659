"""The fingerprints of the sample project, which no process, folder or Python may change.

Where `jug.code` is changed so that these differ, all records of before say another thing: then
`SCHEME` in `jug/code/fingerprint.py` gets another number, so that they are not compared, and
`python tests/core/jugfiles/code_prints.py tests/core/jugfiles/code_sample` prints the new ones.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SAMPLE = HERE / "jugfiles" / "code_sample"
VECTORS = json.loads((HERE / "code_vectors.json").read_text())
SOURCES = HERE.parents[1] / "packages" / "jug-core" / "src"


def prints(python: Path | str, folder: Path = SAMPLE, seed: str = "random") -> dict[str, str]:
    """Return the fingerprints of a sample project as a new process finds them."""
    environment = {**os.environ, "PYTHONPATH": str(SOURCES), "PYTHONHASHSEED": seed}
    run = subprocess.run(
        [python, HERE / "jugfiles" / "code_prints.py", folder],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, str] = json.loads(run.stdout)
    return found


def test_the_fingerprints_are_what_they_always_were() -> None:
    assert prints(sys.executable) == VECTORS


def test_another_folder_has_the_same_fingerprints(tmp_path: Path) -> None:
    shutil.copytree(SAMPLE, tmp_path / "else where")

    assert prints(sys.executable, tmp_path / "else where") == VECTORS


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_the_fingerprints_are_the_same_under_any_hash_seed(seed: int) -> None:
    assert prints(sys.executable, seed=str(seed)) == VECTORS


@pytest.mark.slow
def test_the_fingerprints_are_the_same_on_every_python_here(pythons: list[Path]) -> None:
    for python in pythons:
        assert prints(python) == VECTORS, python
