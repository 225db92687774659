"""Jug 2.x itself, from PyPI and in an environment of its own: what it computed is adopted."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import numpy
import pandas
import pyarrow
import pytest
from tests.adopt.conftest import SAMPLE, Jug
from tests.adopt.test_adopt import counted

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[1] / "examples"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


class Release(NamedTuple):
    """A version of jug and what it runs with."""

    jug: str
    needs: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join((self.jug, *self.needs))


# Frames of pandas are pickled for their hashes, so they are found again with the same pandas.
SAME = (
    f"numpy=={numpy.__version__}",
    f"pandas=={pandas.__version__}",
    f"pyarrow=={pyarrow.__version__}",
)
RELEASES = [
    Release("2.7.0", SAME),
    Release("2.7.0", ("numpy==1.26.4", "pandas==2.2.3")),
    Release("2.5.0", SAME),
    Release("2.3.1", ("numpy==1.26.4", "pandas==2.2.3")),
]

Former = Callable[..., str]


@pytest.fixture(scope="session")
def environments(
    tmp_path_factory: pytest.TempPathFactory,
    pythons: list[Path],
    unavailable: Callable[[str], NoReturn],
) -> Callable[[Release], Path]:
    """Call with a release: returns the folder of its programs, made once."""
    made: dict[Release, Path] = {}

    def make(release: Release) -> Path:
        if release not in made:
            folder = tmp_path_factory.mktemp("release")
            uv = [sys.executable, "-m", "uv", "--quiet"]
            install = [*uv, "pip", "install", "--python", folder, f"jug=={release.jug}"]
            runs_it = sys.executable if release.needs == SAME else pythons[0]
            subprocess.run([*uv, "venv", "--python", runs_it, folder], check=True)
            if subprocess.run([*install, *release.needs, "six"], capture_output=True).returncode:
                unavailable(f"jug {release} from the package index")
            made[release] = folder / "bin"
        return made[release]

    return make


@pytest.fixture(params=RELEASES, ids=lambda r: f"{r.jug} {r.needs[0]}")
def release(request: pytest.FixtureRequest) -> Release:
    found: Release = request.param
    return found


@pytest.fixture
def former(release: Release, environments: Callable[[Release], Path], folder: Path) -> Former:
    """Call with the words of a command line: jug 2.x runs it."""
    programs = environments(release)
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def run(*words: str) -> str:
        ended = subprocess.run(
            [programs / "jug", *words], capture_output=True, text=True, env=environ, timeout=300
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    return run


def executed(jugfile: str) -> str:
    command = [sys.executable, "-m", "jug", "execute", "--short", jugfile]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_primes_are_adopted(former: Former, folder: Path, jug: Jug) -> None:
    text = (EXAMPLES / "primes.py").read_text().replace("sleep(1.0)", "pass")
    (folder / "primes.py").write_text(text)
    former("execute", "primes.py")

    assert counted(jug("adopt", "primes.py", "--json")) == {"adopted": 101}

    jug("check", "primes.py")
    assert executed("primes.py").startswith("0 tasks executed, 101 loaded")


@pytest.mark.parametrize("packed", [False, True], ids=["files", "packed"])
def test_a_task_of_every_kind_is_adopted(
    packed: bool, release: Release, former: Former, folder: Path, jug: Jug
) -> None:
    if release.jug == "2.3.1":
        pytest.skip("the sample uses what jug 2.3 did not have")
    if packed and release.jug == "2.5.0":
        pytest.skip("the `jug pack` of jug 2.5.0 fails itself")
    shutil.copy(SAMPLE / "jugfile.py", folder)
    former("execute")
    if packed:
        former("pack")

    assert counted(jug("adopt", "--json")) == {"adopted": 59}

    jug("check")
    assert executed("jugfile.py").startswith("0 tasks executed, 59 loaded")


def test_arguments_of_many_kinds_are_adopted(
    release: Release, former: Former, folder: Path, jug: Jug
) -> None:
    shutil.copy(HERE / "jugfiles" / "kinds.py", folder)
    (folder / "data.txt").write_text("hello")
    former("execute", "kinds.py")
    has_same_pandas = release.needs == SAME

    result = jug("adopt", "kinds.py", "--json")

    if has_same_pandas:
        assert counted(result) == {"adopted": 54}
        jug("check", "kinds.py")
        assert executed("kinds.py").startswith("0 tasks executed, 54 loaded")
    else:  # all but the task whose argument is a frame of pandas
        not_there = {row["name"]: row["not_there"] for row in json.loads(result.stdout)["tasks"]}
        assert {name: count for name, count in not_there.items() if count} == {"kinds.frame_sum": 1}


def test_the_hashes_that_are_kept_are_those_of_the_release(
    release: Release, environments: Callable[[Release], Path], folder: Path
) -> None:
    for name in ("every_kind.py", "list_former_hashes.py"):
        shutil.copy(HERE / "jugfiles" / name, folder)
    python = environments(release) / "python"
    version = subprocess.run([python, "-V"], capture_output=True, text=True, check=True).stdout
    if not version.startswith("Python 3.11."):
        pytest.skip("the hashes that are kept are those on Python 3.11")
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    listed = subprocess.run(
        [python, "list_former_hashes.py"], capture_output=True, text=True, check=True, env=environ
    )

    kept = json.loads((HERE / "former_hashes.json").read_text())
    number = release.needs[0].partition("==")[2]
    name = f"{release.jug} on numpy {'2' if number.startswith('2') else '1.26'}"
    assert json.loads(listed.stdout) == kept["2.7.0 on numpy 2"] | kept[name]


MANY = """
from jug import TaskGenerator

@TaskGenerator
def square(n):
    return {"n": n, "square": n * n, "text": str(n) * 10}

@TaskGenerator
def total(squares):
    return len(squares)

total([square(n) for n in range(20_000)])
"""

COMPUTE = """
import jug

store, names = jug.init("many.py", "many.jugdata")
for task in jug.task.alltasks:
    task.run()
"""

LOAD = """
import jug

store, names = jug.init("many.py", "many.jugdata")
for task in jug.task.alltasks:
    task.load()
"""


def test_adopting_20_000_results_takes_less_than_three_times_as_long_as_loading_them(
    environments: Callable[[Release], Path], folder: Path
) -> None:
    python = environments(RELEASES[0]) / "python"
    (folder / "many.py").write_text(MANY)
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run([python, "-c", COMPUTE], check=True, env=environ)

    def seconds(*command: str | Path, **options: Any) -> float:
        began = time.monotonic()
        subprocess.run(command, check=True, capture_output=True, **options)
        return time.monotonic() - began

    loading, adopting = [], []
    for number in range(3):
        loading.append(seconds(python, "-c", LOAD, env=environ))
        words = ["adopt", "many.jugdata", "many.py", "--jugdir", f"new{number}"]
        adopting.append(seconds(sys.executable, "-m", "jug", *words))
        if min(adopting) < 3 * min(loading):
            break  # else the machine may have been busy, and a further try tells

    assert min(adopting) < 3 * min(loading), (adopting, loading)
