"""Choosing tasks by their names."""

from __future__ import annotations

import pickle
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jug.errors import OptionError
from jug.selection import AnyOf, ByName, ByPattern, no_match, selection

words = st.text(alphabet="abc_[]*?.", min_size=1, max_size=6)


@pytest.mark.parametrize("name", ["a.b.f", "b.f", "f", "a.*", "*.f", "?", "[fg]", "*"])
def test_a_name_is_the_full_one_or_its_end_with_wildcards(name: str) -> None:
    assert ByName(name)("a.b.f")


@pytest.mark.parametrize("name", ["a", "a.b", ".f", "ff", "F", "g", "a.?", "a.b.f.g"])
def test_nothing_else_is_that_name(name: str) -> None:
    assert not ByName(name)("a.b.f")


@given(st.text(alphabet="abcxyz_", min_size=1), st.text(alphabet="abcxyz_.", min_size=1))
def test_a_plain_name_chooses_itself_alone_and_after_any_module(name: str, module: str) -> None:
    assert ByName(name)(name)
    assert ByName(name)(f"{module}.{name}")
    assert not ByName(name)(f"{module}{name}x")


@given(words, words)
def test_a_pattern_is_found_wherever_it_stands(pattern: str, around: str) -> None:
    assert ByPattern(pattern)(around + pattern + around)


def test_a_pattern_between_slashes_is_an_expression() -> None:
    assert ByPattern("/^a.*f$/")("a.b.f")
    assert not ByPattern("/^b/")("a.b.f")
    assert ByPattern("a/b")("xa/by")


def test_several_names_or_patterns_choose_what_one_of_them_chooses() -> None:
    chosen = selection(["f", "g*"])

    assert chosen is not None and [*map(chosen, ("a.f", "a.gg", "a.h"))] == [True, True, False]
    assert selection(["f"]) == selection("f") == ByName("f")
    assert selection(pattern=["f", "g"]) == AnyOf((ByPattern("f"), ByPattern("g")))
    assert selection([]) is None


def test_each_of_several_must_fit() -> None:
    chosen = AnyOf((ByName("f"), ByName("gg"), ByName("h")))

    assert no_match(chosen, ["a.f", "a.gg", "a.h"]) == ""
    assert no_match(chosen, ["a.f", "a.gh", "a.h"]).startswith("no task matches 'gg'")


def test_selections_go_to_other_processes() -> None:
    for chosen in (ByName("f*"), ByPattern("/f/"), AnyOf((ByName("f*"), ByName("g")))):
        assert pickle.loads(pickle.dumps(chosen)) == chosen
        assert pickle.loads(pickle.dumps(chosen))("a.f")


@pytest.mark.parametrize(
    ("name", "pattern", "complaint"),
    [
        ("", None, "the name of the tasks is empty: give one, or '*' for all"),
        (None, "", "the pattern '' is empty: give a part of the tasks' names, or '/./' for all"),
        (None, "//", "the pattern '//' is empty"),
        (None, "/[/", "'/[/' is no regular expression (unterminated character set"),
        ("f", "g", "a name and a pattern are given: choose tasks by one of them"),
    ],
)
def test_what_chooses_nothing_is_an_error(
    name: str | None, pattern: str | None, complaint: str
) -> None:
    with pytest.raises(OptionError, match=re.escape(complaint)):
        selection(name, pattern)


def test_without_name_and_pattern_there_is_no_selection() -> None:
    assert selection() is None
