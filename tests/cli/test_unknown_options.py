"""What looks like an option behind the jugfile's name, and is none of the command's."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Jug = Callable[..., Result]
JugProcess = Callable[..., subprocess.CompletedProcess[str]]
Executed = Callable[..., None]


@pytest.mark.parametrize(
    ("words", "option", "meant"),
    [
        ("cleanup primes.py --dryrun", "--dryrun", "is --dry-run meant?"),
        ("cleanup primes.py --dry", "--dry", "is --dry-run meant?"),
        ("cleanup primes.py --Force", "--Force", "is --force meant?"),
        ("cleanup --force primes.py --epochs 3", "--epochs", ""),
        ("cleanup --force primes.py -n", "-n", ""),
        (
            "invalidate primes.py --name is_prime --keep-locks",
            "--keep-locks",
            "jug cleanup has --keep-locks",
        ),
        ("pack primes.py --jugdri=elsewhere", "--jugdri", "is --jugdir meant?"),
        ("check --verify --remove-damaged primes.py --jugd x", "--jugd", "is --jugdir meant?"),
    ],
)
def test_a_command_that_removes_or_changes_refuses_it(
    jug: Jug, executed: Executed, words: str, option: str, meant: str
) -> None:
    executed()
    command = words.split()[0]

    result = jug(*words.split(), status=2)

    assert result.stdout == ""
    assert f"jug {command} has no option {option}" in result.stderr
    assert meant in result.stderr
    assert "behind --" in result.stderr
    assert jug("status", "--short", "primes.py").stdout == "All tasks complete (7 tasks).\n"


@pytest.mark.parametrize("words", ["-- --epochs 3", "-1", "-", "5", "-0.5e-3"])
def test_what_is_behind_two_dashes_or_is_a_number_is_the_jugfiles(
    jug: Jug, folder: Path, words: str
) -> None:
    (folder / "shows.py").write_text("import sys\nprint(sys.argv[1:])\n")

    result = jug("cleanup", "shows.py", *words.split())

    assert result.stdout.startswith(repr(words.removeprefix("-- ").split()))
    assert result.stderr == ""


@pytest.mark.parametrize(
    ("words", "warning"),
    [
        ("--jugd abc", "jug status has no option --jugd: is --jugdir meant?"),
        ("--jugdri=abc", "jug status has no option --jugdri: is --jugdir meant?"),
        ("--sho", "jug status has no option --sho: is --short meant?"),
        ("--keep-g", "jug status has no option --keep-g: jug execute has --keep-going"),
        ("--dry-run", "jug status has no option --dry-run: jug execute has --dry-run"),
    ],
)
def test_other_commands_warn_in_one_line_where_it_is_like_an_option_of_jug(
    jug: Jug, words: str, warning: str
) -> None:
    result = jug("status", "primes.py", *words.split(), status=1)

    assert result.stderr == (
        f"jug: {warning} (it goes to the jugfile; behind -- without a warning)\n"
    )


@pytest.mark.parametrize(
    "words", ["--epochs 3", "-n 3", "--n 3", "--sh", "--lr=0.1", "-- --jugd x"]
)
def test_what_is_not_like_one_goes_to_the_jugfile_without_a_word(jug: Jug, words: str) -> None:
    assert jug("status", "primes.py", *words.split(), status=1).stderr == ""


def test_workers_do_not_repeat_the_warning(jug_process: JugProcess) -> None:
    result = jug_process("execute", "-j", "2", "primes.py", "--keep-goin")

    assert result.stderr.count("--keep-going") == 1


def test_one_before_the_jugfile_is_told_where_the_jugfiles_own_belong(jug: Jug) -> None:
    result = jug("status", "--epochs", "3", "primes.py", status=2)

    assert "No such option: --epochs (what is for the jugfile stands behind its name)" in (
        result.stderr
    )


@pytest.mark.parametrize("option", ["--workers", "--threads=4"])
def test_a_word_of_other_tools_is_answered_with_the_option(jug: Jug, option: str) -> None:
    said = jug("execute", option, "4", "primes.py", status=2).stderr

    assert f"No such option: {option.partition('=')[0]}" in said
    assert ": is --jobs meant? (what" in said
    assert "is --jobs meant?" not in jug("status", option, "4", "primes.py", status=2).stderr


@pytest.mark.parametrize("words", [("--jugdir", "x"), ("-j", "2")])
def test_an_option_before_the_command_is_told_where_it_belongs(
    jug: Jug, words: tuple[str, ...]
) -> None:
    said = jug(*words, "execute", "primes.py", status=2).stderr

    assert f"No such option: {words[0]} (those of a command stand behind its name)." in said


def test_a_second_jugfile_is_told_to_be_an_argument(jug: Jug) -> None:
    result = jug("status", "primes.py", "9", "failing.py", status=1)

    assert result.stderr == (
        "jug: failing.py is given to primes.py as an argument: one command takes one jugfile\n"
    )


@pytest.mark.parametrize("words", ["-- failing.py", "nowhere.py", "--epochs=failing.py"])
def test_other_arguments_are_not(jug: Jug, words: str) -> None:
    assert jug("status", "primes.py", *words.split(), status=1).stderr == ""
