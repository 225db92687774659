"""A jugfile with a task of every kind gives what the former release gave."""

from __future__ import annotations

import json
import pickle
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest

SAMPLE = Path(__file__).parent / "jugfiles" / "jug27_sample"

READ_BACK = """
import pickle, sys
import jug

store, names = jug.init("jugfile.py", "jugfile.jugdata")
values = {name: jug.value(names[name]) for name in sys.argv[1:]}
tasks = [store.record(digest).name for digest in store.digests()]
pickle.dump((values, tasks), sys.stdout.buffer)
"""


@pytest.fixture
def computed(
    folder: Path, start: Callable[..., subprocess.Popen[str]], jug: Callable[..., Any]
) -> tuple[dict[str, Any], list[str]]:
    """Values by name, and the names of all tasks, after two workers ran in a new folder."""
    shutil.copy(SAMPLE / "jugfile.py", folder)
    workers = [start("execute", "jugfile.py") for _ in range(2)]
    told = [worker.communicate(timeout=60) for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0], told

    status, out, err = jug("check", "jugfile.py")
    assert status == 0, out + err

    read_back = [sys.executable, "-c", READ_BACK, *expected_values()]
    found: tuple[dict[str, Any], list[str]] = pickle.loads(
        subprocess.run(read_back, check=True, capture_output=True).stdout
    )
    return found


def expected_values() -> dict[str, Any]:
    values: dict[str, Any] = pickle.loads((SAMPLE / "expected-values.pickle").read_bytes())
    return values


@pytest.mark.slow
def test_two_workers_compute_every_value_that_the_former_release_did(
    computed: tuple[dict[str, Any], list[str]],
) -> None:
    values, tasks = computed

    for name, expected in expected_values().items():
        assert is_same(values[name], expected), f"{name} is {values[name]!r}, not {expected!r}"
    # Names and arguments of the helpers' tasks are those by which old results are found.
    # What a compound function makes is left over in the store; it need not be made again.
    expected_tasks = json.loads((SAMPLE / "expected-tasks.json").read_text())
    assert Counter(tasks) - Counter({"jugfile.half": 2}) == (
        Counter(name for name, _ in expected_tasks)
    )


def is_same(one: Any, other: Any) -> bool:
    """Return whether two values are equal and of the same types throughout."""
    if type(one) is not type(other):
        return False
    if isinstance(one, numpy.ndarray):
        return (
            one.dtype == other.dtype
            and one.shape == other.shape
            and is_same(one.tolist(), other.tolist())
        )
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(is_same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(is_same, one, other))
    return bool(one == other)
