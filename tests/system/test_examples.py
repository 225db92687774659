"""The examples, as they are, by several workers at once."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path
from sysconfig import get_path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
LIBRARY = Path(get_path("stdlib"))


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a folder of this test's own."""
    monkeypatch.chdir(tmp_path)


def jug(*arguments: str, status: int = 0) -> str:
    done = subprocess.run([sys.executable, "-m", "jug", *arguments], capture_output=True, text=True)
    assert done.returncode == status, done.stderr
    return done.stdout


def execute(workers: int, *arguments: str) -> list[int]:
    """Run several `jug execute` at once; return how many tasks each executed."""
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "jug", "execute", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(workers)
    ]
    told = [worker.communicate()[0] for worker in running]
    assert [worker.returncode for worker in running] == [0] * workers, "\n".join(told)
    return [total(text) for text in told]


def total(table: str) -> int:
    """Return the first number of a table's last row."""
    found = re.search(r"(\d+) .*Total$", table, re.MULTILINE)
    return int(found[1]) if found else 0


def test_the_primes_are_counted_each_number_once() -> None:
    text = (EXAMPLES / "primes.py").read_text()
    Path("primes.py").write_text(text.replace("sleep(1.0)", "sleep(0.01)"))

    before = jug("status", "primes.py", status=1)
    executed = execute(3, "primes.py")

    rows = [line.split() for line in before.splitlines()]
    assert ["0", "0", "99", "0", "0", "primes.is_prime"] in rows
    assert ["0", "1", "0", "0", "0", "primes.count_primes"] in rows
    assert ["0", "1", "0", "0", "0", "primes.write_output"] in rows
    assert sum(executed) == 101
    assert Path("output.txt").read_text() == "Found 25 primes <= 100.\n"


@pytest.mark.slow
def test_the_census_of_some_packages() -> None:
    packages = ["json", "email", "textwrap"]
    shutil.copy(EXAMPLES / "stdlib_census.py", ".")
    files = [*(LIBRARY / "json").glob("*.py"), LIBRARY / "textwrap.py"]
    files += (LIBRARY / "email").rglob("*.py")

    executed = execute(3, "stdlib_census.py", "--", *packages)

    assert sum(executed) == len(files) + 5
    check_summary(files)


@pytest.mark.slow
def test_the_census_of_the_whole_library() -> None:
    shutil.copy(EXAMPLES / "stdlib_census.py", ".")

    execute(3, "stdlib_census.py")

    lines = Path("census.txt").read_text().splitlines()
    assert int(lines[0].split()[0]) > 400
    assert any(line.endswith(" sys") for line in lines)


def check_summary(files: list[Path]) -> None:
    """Compare the summary with what is counted here in another way."""
    texts = [file.read_text(encoding="utf-8") for file in files]
    lines = [file.read_bytes().count(b"\n") for file in files]
    nodes = [node for text in texts for node in ast.walk(ast.parse(text))]
    functions = [n for n in nodes if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))]
    longest = max(len(ast.unparse(function).splitlines()) for function in functions)

    summary = Path("census.txt").read_text()

    head, largest, longest_functions, imported = summary.split("\n\n")
    assert head == (f"{len(files)} modules\n{sum(lines)} lines in {len(functions)} functions")
    assert int(largest.split()[3]) == max(lines)
    assert int(longest_functions.split()[3]) >= longest
    assert " times  re\n" in imported
