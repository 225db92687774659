"""`jug invalidate`: what matches, and all that depends on it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Jug = Callable[..., Result]

ALL_GONE = """\
Invalidated  Task name
--------------------------------
          1  primes.count_primes
          6  primes.is_prime
................................
          7  Total
"""

LAST_GONE = """\
Invalidated  Task name
--------------------------------
          1  primes.count_primes
................................
          1  Total
"""

NOTHING_GONE = """\
Invalidated  Task name
----------------------
......................
          0  Total
"""


@pytest.fixture
def done(executed: Callable[..., None]) -> None:
    """Have all primes computed."""
    executed()


@pytest.mark.usefixtures("done")
@pytest.mark.parametrize(
    "selector",
    [
        ["--name", "is_prime"],
        ["--name", "primes.is_prime"],
        ["--name", "is_*"],
        ["--target", "is_prime"],
        ["--invalid", "is_prime"],
        ["--pattern", "s_pri"],
        ["--pattern", "/is_.*e$/"],
        ["--name", "is_prime", "--downstream"],
    ],
)
def test_what_depends_on_a_match_goes_too(jug: Jug, selector: list[str]) -> None:
    assert jug("invalidate", *selector, "primes.py").stdout == ALL_GONE
    assert "0 complete" in jug("status", "--short", "primes.py", status=1).stdout


@pytest.mark.usefixtures("done")
def test_what_a_match_depends_on_stays(jug: Jug) -> None:
    assert jug("invalidate", "primes.py", "--name", "count_primes").stdout == LAST_GONE
    assert "6 complete" in jug("status", "--short", "primes.py", status=1).stdout


@pytest.mark.usefixtures("done")
def test_one_call_goes_and_what_was_made_from_it(jug: Jug) -> None:
    output = jug("invalidate", "primes.py", "--short", "--name", "is_prime(7)").stdout

    assert output == "2 tasks invalidated\n"


@pytest.mark.usefixtures("done")
def test_a_result_that_is_gone_is_not_counted_again(jug: Jug) -> None:
    jug("invalidate", "--name", "is_prime", "primes.py")

    assert jug("invalidate", "--name", "is_prime", "primes.py").stdout == NOTHING_GONE


@pytest.mark.usefixtures("done")
@pytest.mark.parametrize("name", ["prime", "rimes.is_prime", "is_", "IS_PRIME"])
def test_a_name_is_not_a_part_of_a_name(jug: Jug, name: str) -> None:
    result = jug("invalidate", "--name", name, "primes.py", status=2)

    assert result.stdout == ""
    assert result.stderr.startswith(f"Error: no task matches '{name}': ")
    assert jug("status", "--short", "primes.py").stdout == "All tasks complete (7 tasks).\n"


@pytest.mark.usefixtures("done")
@pytest.mark.parametrize(
    ("selector", "advice"),
    [
        (["--name", "is_prim"], "is 'primes.is_prime' meant?"),
        (["--name", "prime.is_prime"], "is 'primes.is_prime' or 'primes.count_primes' meant?"),
        (["--pattern", "/Count_primes.*/"], "is 'primes.count_primes' meant?"),
        (["--pattern", "xyz"], "`jug count` lists the names"),
    ],
)
def test_what_fits_nothing_is_an_error_that_shows_the_nearest_names(
    jug: Jug, selector: list[str], advice: str
) -> None:
    told = f"no task matches {selector[1]!r}: {advice}"

    refused = jug("invalidate", *selector, "primes.py", status=2)
    allowed = jug("invalidate", *selector, "--allow-none", "primes.py")

    assert refused.stderr == f"Error: {told} (--allow-none accepts it)\n"
    assert (allowed.stderr, allowed.stdout) == (f"jug: {told}\n", NOTHING_GONE)


@pytest.mark.usefixtures("done")
@pytest.mark.parametrize(
    "selector",
    [
        ["--name", "count_primes", "--name", "is_prime"],
        ["--name", "is_prime", "--target", "count_primes"],
        ["--pattern", "s_pri", "--pattern", "count"],
    ],
)
def test_all_names_and_patterns_that_are_given_count(jug: Jug, selector: list[str]) -> None:
    assert jug("invalidate", *selector, "primes.py").stdout == ALL_GONE


@pytest.mark.usefixtures("done")
def test_one_name_of_several_that_fits_nothing_is_an_error_and_nothing_is_removed(jug: Jug) -> None:
    result = jug("invalidate", "--name", "is_prime", "--name", "cout_primes", "primes.py", status=2)

    assert "no task matches 'cout_primes': is 'primes.count_primes' or" in result.stderr
    assert jug("status", "--short", "primes.py").stdout == "All tasks complete (7 tasks).\n"


def test_what_may_fit_beyond_a_barrier_is_no_error(jug: Jug, folder: Path) -> None:
    (folder / "stage.py").write_text(
        "from jug import Task, bvalue\nfirst = Task(abs, -2)\nTask(divmod, 7, bvalue(first))\n"
    )

    result = jug("invalidate", "--name", "divmod", "stage.py")

    assert result.stdout == NOTHING_GONE
    assert "barrier" in result.stderr


def test_a_failure_is_forgotten(jug: Jug, executed: Callable[..., None]) -> None:
    executed("failing.py", keep_failed=True)

    jug("invalidate", "--name", "bad", "failing.py")

    assert " 0 failed" in jug("status", "--short", "failing.py", status=1).stdout


def test_only_what_has_failed_is_forgotten_when_asked(
    jug: Jug, executed: Callable[..., None]
) -> None:
    executed("failing.py", keep_going=True)

    assert jug("invalidate", "--short", "--failed", "failing.py").stdout == "1 task invalidated\n"
    assert "1 complete" in jug("status", "--short", "failing.py", status=1).stdout


@pytest.mark.usefixtures("done")
def test_short_is_one_line(jug: Jug) -> None:
    output = jug("invalidate", "--short", "--name", "is_prime", "primes.py").stdout

    assert output == "7 tasks invalidated\n"


@pytest.mark.usefixtures("done")
def test_json_says_how_many(jug: Jug) -> None:
    said = json.loads(jug("invalidate", "--name", "count_primes", "--json", "primes.py").stdout)

    assert said == {"tasks": [{"name": "primes.count_primes", "invalidated": 1}], "total": 1}


@pytest.mark.usefixtures("done")
@pytest.mark.parametrize(
    ("selector", "complaint"),
    [
        ([], "say which tasks: --name NAME, --pattern PATTERN, --tag TAG, --failed or --stale"),
        (["--name", ""], "the name of the tasks is empty: give one, or '*' for all"),
        (["--pattern", "/(/"], "'/(/' is no regular expression"),
        (["--pattern", ""], "the pattern '' is empty"),
        (["--name", "a", "--pattern", "b"], "choose tasks by one of them"),
    ],
)
def test_without_a_clear_choice_nothing_is_removed(
    jug: Jug, folder: Path, selector: list[str], complaint: str
) -> None:
    result = jug("invalidate", *selector, "primes.py", status=2)

    assert complaint in result.stderr
    assert jug("status", "--short", "primes.py").stdout == "All tasks complete (7 tasks).\n"
