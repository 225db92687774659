"""`jug demo`."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from jug.cli.demo import JUGFILE, command

EXAMPLE = Path(__file__).parents[2] / "examples" / "primes.py"


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a folder of this test's own."""
    monkeypatch.chdir(tmp_path)


def demo() -> Result:
    return CliRunner().invoke(command)


def test_it_makes_the_primes_example_and_says_what_to_do_with_it() -> None:
    result = demo()

    assert result.exit_code == 0
    assert Path("jug-demo/primes.py").read_text() == JUGFILE
    for step in ("cd jug-demo", "jug status primes.py", "jug execute primes.py", "jug shell"):
        assert f"    {step}" in result.output


def test_the_example_of_the_repository_is_the_same_file() -> None:
    assert EXAMPLE.read_text() == JUGFILE


def test_a_second_time_changes_nothing() -> None:
    demo()
    Path("jug-demo/primes.jugdata").mkdir()

    result = demo()

    assert result.exit_code == 0
    assert Path("jug-demo/primes.jugdata").is_dir()
    assert result.output.startswith("jug-demo/primes.py is there already, and stays as it is")
    assert "    jug status primes.py" in result.output


def test_a_file_that_was_changed_is_not_overwritten() -> None:
    demo()
    Path("jug-demo/primes.py").write_text("mine = 1\n")

    result = demo()

    assert result.exit_code == 1
    assert result.output == (
        "Error: 'jug-demo/primes.py' is there and is not the demo: rename it, "
        "or work in another folder\n"
    )
    assert Path("jug-demo/primes.py").read_text() == "mine = 1\n"


def test_a_file_that_is_no_utf_8_is_not_overwritten_either() -> None:
    demo()
    Path("jug-demo/primes.py").write_bytes(b"name = '\xff'\n")

    result = demo()

    assert result.exit_code == 1
    assert "is there and is not the demo" in result.output


def test_a_folder_that_cannot_be_made_is_named() -> None:
    Path("jug-demo").write_text("a file")

    result = demo()

    assert result.exit_code == 1
    assert "'jug-demo/primes.py' can't be written (File exists)" in result.output
