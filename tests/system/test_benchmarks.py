"""The program that measures: a few of its rows, small, without the former release."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[2] / "benchmarks" / "run.py"

ROWS = ["flat", "files", "making", "records-million", "floor", "progress"]

Measure = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def measure(tmp_path: Path) -> Measure:
    """Call with the options of a quick run; its results are saved in `out`."""
    given = ["--quick", "--no-peer", "--no-picture", "--cache", tmp_path / "cache"]

    def run(*options: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, PROGRAM, *given, "--output", tmp_path / "out", *options]
        return subprocess.run([*map(str, command)], capture_output=True, text=True)

    return run


@pytest.mark.slow
def test_chosen_rows_are_measured_and_saved_with_the_machine(
    measure: Measure, tmp_path: Path
) -> None:
    ended = measure("--rounds", 2, "--rows", *ROWS)

    assert ended.returncode == 0, ended.stderr
    saved = json.loads((tmp_path / "out" / "results.json").read_text())
    assert [row["key"] for row in saved["rows"]] == ROWS
    rows = saved["rows"][:4]  # the others are differences of small times
    assert all(sample["value"] > 0 for row in rows for sample in row["samples"]["ours"])
    assert len(saved["rows"][0]["samples"]["ours"]) == 2
    assert "median" in saved["rows"][4]["ratio"]
    assert saved["machine"]["kernel"]
    assert ended.stdout in (tmp_path / "out" / "results.md").read_text()


@pytest.mark.slow
def test_rows_can_be_added_to_those_that_are_saved(measure: Measure, tmp_path: Path) -> None:
    measure("--rounds", 1, "--rows", "making")

    ended = measure("--rounds", 1, "--add", "--rows", "files")

    assert ended.returncode == 0, ended.stderr
    saved = json.loads((tmp_path / "out" / "results.json").read_text())
    assert [row["key"] for row in saved["rows"]] == ["files", "making"]


@pytest.mark.slow
def test_nothing_is_left_but_what_later_runs_use(measure: Measure, tmp_path: Path) -> None:
    ended = measure("--rounds", 1, "--rows", "status", "memory")

    assert ended.returncode == 0, ended.stderr
    assert list((tmp_path / "cache").iterdir()) == []


def test_an_unknown_row_is_refused_with_those_that_there_are(measure: Measure) -> None:
    ended = measure("--rows", "flat", "sideways")

    assert ended.returncode == 1
    assert "there is no row sideways: choose from flat layers" in ended.stderr


def test_every_limit_of_the_results_that_are_kept_was_judged() -> None:
    for path in (PROGRAM.parent / "results").rglob("results.json"):
        rows = json.loads(path.read_text())["rows"]
        limited = [row for row in rows if row["limit"] is not None]

        assert [row["key"] for row in limited if row["is_reached"] is None] == []
