"""The examples, as they are, by several workers at once."""

from __future__ import annotations

import ast
import csv
import re
import shutil
import subprocess
import sys
from collections import Counter
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


@pytest.mark.slow
def test_of_two_thresholds_one_is_better_on_each_image() -> None:
    shutil.copy(EXAMPLES / "segmentation.py", ".")

    executed = execute(2, "segmentation.py")

    head, mean, otsu = Path("segmentation.txt").read_text().splitlines()
    assert sum(executed) == 12 + 12 + 2 * (12 + 12) + 1
    assert head.split()[:3] == ["method", "mean", "worst"]
    assert (mean.split()[0], otsu.split()[0]) == ("mean", "otsu")
    assert float(mean.split()[2]) < float(mean.split()[1]) < 0.8
    assert 0.9 < float(otsu.split()[2]) < float(otsu.split()[1]) < 1


@pytest.mark.slow
def test_the_clusters_are_the_kinds_of_images() -> None:
    shutil.copy(EXAMPLES / "clusters.py", ".")

    execute(2, "clusters.py")

    *criteria, _, _, sizes = Path("clusters.txt").read_text().splitlines()
    assert [line.split()[2] for line in criteria] == list("2345678")
    assert [line.split()[2] for line in criteria if line.endswith("*")] == ["4"]
    assert sizes == "15 15 15 15"


@pytest.mark.slow
def test_the_sweep_ends_in_a_table_and_a_plot() -> None:
    shutil.copy(EXAMPLES / "sweep.py", ".")

    executed = execute(2, "sweep.py")

    head, *rows = csv.reader(Path("sweep.csv").read_text().splitlines())
    shares = {(row[0], row[1]): float(row[2]) for row in rows}
    assert sum(executed) == 5 * 4 * (6 + 1) + 2
    assert head == ["contact", "days_ill", "share", "deviation", "peak_day"]
    assert len(rows) == 5 * 4
    assert shares["0.1", "2"] < 0.1 < 0.9 < shares["0.5", "8"] < 1
    assert Path("sweep.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_a_program_runs_again_only_where_its_file_has_changed() -> None:
    shutil.copy(EXAMPLES / "external_program.py", ".")

    first = execute(2, "external_program.py")
    Path("texts/000.txt").write_text("lease lease\nmost\n")
    second = execute(1, "external_program.py")

    words = Counter(
        word for path in Path("texts").glob("*.txt") for word in path.read_text().split()
    )
    table = [line.split() for line in Path("words.txt").read_text().splitlines()]
    assert (sum(first), sum(second)) == (20 + 1, 1 + 1)
    assert {word: int(count) for count, word in table} == words
    assert not [*Path("texts").glob("*.part")]


def test_each_example_is_in_the_list_of_them() -> None:
    listed = re.findall(r"^\| \[(.*)\]\((.*)\)", (EXAMPLES / "README.md").read_text(), re.MULTILINE)
    names = {path.name for path in EXAMPLES.glob("*.*")} - {"README.md"}

    assert {name for name, _ in listed} == {target for _, target in listed} == names


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
