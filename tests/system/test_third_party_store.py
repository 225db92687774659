"""The store of docs/writing-a-store.md, made of that page alone and installed as others would."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "writing-a-store.md"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def files_of(page: str) -> dict[str, str]:
    """Return the files whose parts the blocks of a page are, each headed by the file's name."""
    files: dict[str, str] = defaultdict(str)
    for block in re.findall(r"^```\w+\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
        head = re.match(r" *# (\w+\.\w+)(, further)?\n", block)
        if head:
            files[head[1]] += block[head.end() :] + "\n"
    return files


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the distribution, which is installed in its folder `installed`."""
    folder = tmp_path_factory.mktemp("jug-sqlite")
    for name, text in files_of(PAGE.read_text()).items():
        (folder / name).write_text(text)
    subprocess.run(
        [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-deps",
         "--target", folder / "installed", folder], check=True,
    )  # fmt: skip
    (folder / "jug_sqlite.py").unlink()  # what runs is what was installed
    return folder


def run(project: Path, *words: str) -> str:
    path = [str(project / "installed"), os.environ.get("PYTHONPATH", "")]
    done = subprocess.run(
        [sys.executable, *words],
        cwd=project, env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, path))},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_it_keeps_every_promise_of_a_store(project: Path) -> None:
    told = run(project, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_jug_sqlite.py")

    last = told.splitlines()[-1]
    passed, skipped = (int(re.findall(rf"(\d+) {what}", last)[0]) for what in ("passed", "skipped"))
    assert passed > 200
    assert skipped <= 1  # what only some stores can do


def test_it_counts_the_primes_by_several_workers(project: Path) -> None:
    example = (ROOT / "examples" / "primes.py").read_text()
    (project / "primes.py").write_text(example.replace("sleep(1.0)", "sleep(0.01)"))
    words = ["--jugdir", "sqlite:primes.sqlite", "primes.py"]

    executed = run(project, "-m", "jug", "execute", "-j", "3", *words)
    status = run(project, "-m", "jug", "status", *words)

    assert re.search(r"^ +101 +0 +Total$", executed, re.MULTILINE)
    assert re.search(r"^ +0 +0 +0 +101 +0 +Total$", status, re.MULTILINE)
    assert (project / "output.txt").read_text() == "Found 25 primes <= 100.\n"
    assert {path.name for path in project.glob("primes*")} == {"primes.py", "primes.sqlite"}
