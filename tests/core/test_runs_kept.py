"""How many runs of a task are remembered is told by a store, or by the environment."""

from __future__ import annotations

import pytest

from jug.backends.runs_kept import DEFAULT, VARIABLE, runs_kept
from jug.errors import OptionError


@pytest.mark.parametrize("said, count", [("", DEFAULT), ("0", 0), ("7", 7)])
def test_the_environment_is_asked_where_nothing_is_given(
    monkeypatch: pytest.MonkeyPatch, said: str, count: int
) -> None:
    monkeypatch.setenv(VARIABLE, said)

    assert runs_kept(None) == count
    assert runs_kept(2) == 2


@pytest.mark.parametrize("said", ["many", "-1", "1.5"])
def test_what_is_no_number_is_an_error_that_names_where_it_was_said(
    monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    monkeypatch.setenv(VARIABLE, said)

    with pytest.raises(OptionError, match=f"{VARIABLE} is '{said}': give a number"):
        runs_kept(None)


def test_so_is_a_number_below_none() -> None:
    with pytest.raises(OptionError, match="the number of runs to keep is -1"):
        runs_kept(-1)
