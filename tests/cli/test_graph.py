"""`jug graph`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from jug.cli import main

JUGFILE = """
from jug import Task

biggest = Task(max, 2, 3)
total = Task(sum, [biggest])
"""


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a folder of this test's own, with a jugfile."""
    monkeypatch.chdir(tmp_path)
    Path("pair.py").write_text(JUGFILE)


@pytest.fixture
def no_graphviz(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Hide graphviz; return a folder in which programs are found."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    (tmp_path / "bin").mkdir()
    return tmp_path / "bin"


def graph(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["graph", *arguments])


def fake_dot(folder: Path, script: str) -> None:
    """Put a program `dot` into a folder."""
    program = folder / "dot"
    program.write_text(f"#!{sys.executable}\n{script}")
    program.chmod(0o755)


def test_the_picture_and_its_text_lie_beside_the_jugfile(program: Callable[[str], str]) -> None:
    program("dot")

    result = graph("pair.py")

    assert result.output == "pair.dot written\npair.png written\n"
    assert Path("pair.png").read_bytes().startswith(b"\x89PNG")
    assert Path("pair.dot").read_text().startswith("digraph {")


def test_the_text_lies_beside_a_jugfile_that_changes_the_folder(no_graphviz: Path) -> None:
    Path("moves.py").write_text("import os\nos.makedirs('out')\nos.chdir('out')\n" + JUGFILE)

    assert graph("moves.py").exit_code == 0

    assert Path("moves.dot").exists()


def test_another_format(program: Callable[[str], str]) -> None:
    program("dot")

    assert graph("--file-format", "svg", "pair.py").exit_code == 0

    assert "builtins.max(2, 3)" in Path("pair.svg").read_text()
    assert not Path("pair.png").exists()


def test_an_unknown_format_is_named(program: Callable[[str], str]) -> None:
    program("dot")

    result = graph("--file-format", "holo", "pair.py")

    assert result.exit_code == 1
    assert "could not draw it as 'holo'" in result.output
    assert Path("pair.dot").exists()
    assert not Path("pair.holo").exists()


def test_without_graphviz_the_text_is_written_all_the_same(no_graphviz: Path) -> None:
    result = graph("pair.py")

    assert result.exit_code == 0
    assert result.output == (
        "pair.dot written\nNo picture was made: install graphviz for its program dot\n"
    )


def test_a_picture_that_takes_too_long_is_given_up(
    no_graphviz: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_dot(no_graphviz, "import time; time.sleep(600)")
    monkeypatch.setattr("jug.cli.graph._PATIENCE", 0.1)

    result = graph("pair.py")

    assert result.exit_code == 1
    assert "the picture is too large" in result.output
    assert not Path("pair.png").exists()


def test_each_task_shows_its_state(no_graphviz: Path) -> None:
    graph("pair.py")

    text = Path("pair.dot").read_text()
    assert r"builtins.max(2, 3)\nready" in text
    assert r"builtins.sum(…)\nwaiting" in text
    assert "fillcolor" in text


def test_no_status_leaves_the_states_out(no_graphviz: Path) -> None:
    graph("--no-status", "pair.py")

    text = Path("pair.dot").read_text()
    assert "builtins.max(2, 3)" in text
    assert "ready" not in text
    assert "fillcolor" not in text


def test_it_does_not_make_a_jugdir(no_graphviz: Path) -> None:
    graph("pair.py")

    assert not Path("pair.jugdata").exists()


def test_a_place_that_is_taken_by_a_folder_is_named(no_graphviz: Path) -> None:
    Path("pair.dot").mkdir()

    result = graph("pair.py")

    assert result.exit_code == 1
    assert "'pair.dot' can't be written: Is a directory" in result.output


def test_a_jugfile_that_stops_at_a_barrier_is_drawn_as_far_as_it_is_read(no_graphviz: Path) -> None:
    Path("pair.py").write_text(
        JUGFILE + "from jug import barrier\nbarrier()\nTask(len, 'beyond')\n"
    )

    result = graph("pair.py")

    assert "The jugfile stops at a barrier: there may be more tasks beyond it." in result.output
    assert "builtins.max(2, 3)" in Path("pair.dot").read_text()
