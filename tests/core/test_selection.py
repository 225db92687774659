"""Choosing tasks by their names."""

from __future__ import annotations

import pickle
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jug import Task
from jug.errors import OptionError
from jug.jugfile import set_jugdir
from jug.selection import ByName, ByPattern, Selection, selection
from jug.session import use_store
from jug.task.graph import Graph
from jug.task.run_options import RunOptions

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


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("f(7)", "7"),
        ("b.f(7)", "7"),
        ("?(7)", "7"),
        ("f( 7, )", "7"),
        ('f("a",b = 2)', "'a', b=2"),
        ("f([1,2,3,4,5])", "[1, 2, 3, 4, …]"),
        ("f([1, 2, 3, 4, …])", "[1, 2, 3, 4, …]"),
        ("f(primes.is_prime())", "primes.is_prime()"),
        ("f(<ndarray (3,) float64>)", "<ndarray (3,) float64>"),
        ("f()", ""),
        ("f(x)(2)", "x)(2"),
        ("f(", None),
    ],
)
def test_a_call_means_the_tasks_with_these_arguments(text: str, arguments: str | None) -> None:
    chosen = ByName(text)

    assert not chosen("a.b.f")
    assert not chosen("a.b.f", "8") and not chosen("a.b.gf", arguments)
    assert arguments is None or chosen("a.b.f", arguments)


def test_a_name_that_was_given_to_a_task_may_look_like_a_call() -> None:
    assert ByName("fit(a)")("fit(a)") and ByName("fit(*)")("b.fit(a)")


def test_several_names_or_patterns_choose_what_one_of_them_chooses() -> None:
    chosen = selection(["f", "g*"])

    assert chosen is not None and [*map(chosen, ("a.f", "a.gg", "a.h"))] == [True, True, False]
    assert selection(["f"]) == selection("f") == Selection((ByName("f"),))
    assert selection(pattern=["f", "g"]) == Selection((ByPattern("f"), ByPattern("g")))
    assert selection([]) is None


def double(x: int) -> int:
    return 2 * x


def add(*numbers: int) -> int:
    return sum(numbers)


@pytest.fixture
def graph() -> Iterator[Graph]:
    """0 double(1), 1 double(x=2), 2 adds both, which has failed, 3 adds to the first."""
    set_jugdir("dict_store")
    first, second = Task(double, 1), Task(double, x=2)
    graph = Graph([first, second, Task(add, first, second), Task(add, first, 1)])
    for task in (*graph.tasks[:2], graph.tasks[3]):
        task.run()
    assert graph.tasks[2].lock()
    graph.tasks[2].fail()
    yield graph
    use_store(None)


@pytest.mark.parametrize(
    ("name", "more", "numbers"),
    [
        (["double"], {}, [0, 1]),
        (["double(1)"], {}, [0]),
        (["double(x=2)"], {}, [1]),
        (["double(1)", "double(x=2)"], {}, [0, 1]),
        (["double(2)"], {}, []),
        (["double(1)"], {"downstream": True}, [0, 2, 3]),
        (["double(x=2)"], {"downstream": True}, [1, 2]),
        (None, {"failed": True}, [2]),
        (["double"], {"failed": True}, []),
        (["add"], {"failed": True, "downstream": True}, [2]),
    ],
)
def test_tasks_of_a_graph_are_chosen(
    graph: Graph, name: list[str] | None, more: dict[str, bool], numbers: list[int]
) -> None:
    chosen = selection(name, **more)

    assert chosen is not None and chosen.numbers(graph) == numbers


def test_what_has_failed_may_be_known_better_than_the_store_does(graph: Graph) -> None:
    chosen = Selection(failed=True, downstream=True)

    assert chosen.numbers(graph, {graph.tasks[0].digest}) == [0, 2, 3]
    assert chosen.numbers(graph, ()) == []


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (["double", "add"], ""),
        (["double(1)"], ""),
        (["add", "doubel"], "no task matches 'doubel': is 'tests.core.test_selection.double'"),
        (["double(3)"], "no task matches 'double(3)': is 'tests.core.test_selection.double(1)'"),
        (["add(1, 2, 3, 4, 5, 6, 7)"], "test_selection.add' has other arguments, such as 'tests.c"),
        (["double[0]"], "no task matches 'double[0]': is 'tests.core.test_selection.double(1)' me"),
        (["double[9]"], "no task matches 'double[9]': is 'tests.core.test_selection.double' me"),
        (["doubel(1)"], "no task matches 'doubel(1)': is 'tests.core.test_selection.double' me"),
        (["xyz"], "no task matches 'xyz': `jug count` lists the names"),
    ],
)
def test_each_of_several_must_fit(graph: Graph, name: list[str], told: str) -> None:
    chosen = selection(name, failed=True)

    assert chosen is not None
    assert told in chosen.no_match(graph) if told else chosen.no_match(graph) == ""


def no_match(graph: Graph, **chosen: Any) -> str:
    found = selection(**chosen)
    assert found is not None
    return found.no_match(graph)


def test_tags_choose(store: object) -> None:
    tasks = [Task(abs, 1), Task(abs, 2), Task(abs, 3)]
    for task, tags in zip(tasks, ((), ("gpu",), ("gpu", "licence")), strict=True):
        task.options = RunOptions(tags=tags)
    graph = Graph([*tasks, Task(sum, [tasks[0], tasks[2]])])

    def numbers(**chosen: Any) -> list[int]:
        found = selection(**chosen)
        assert found is not None
        return found.numbers(graph)

    assert numbers(tag="gpu") == [1, 2]
    assert numbers(tag=["licence", "other"]) == [2]
    assert numbers(without_tag="licence") == [0, 1, 3]
    assert numbers(tag="gpu", without_tag="licence") == [1]
    assert numbers(tag="licence", downstream=True) == [2, 3]
    assert numbers(name="abs", downstream=True, without_tag=("gpu",)) == [0, 3]
    assert no_match(graph, tag="cpu").startswith("no task has the tag 'cpu': the tags")
    assert no_match(Graph(tasks[:1]), tag="cpu").endswith("none has a tag")
    assert no_match(graph, without_tag="cpu") == ""


def test_selections_go_to_other_processes() -> None:
    for chosen in (ByName("f*"), ByPattern("/f/"), Selection((ByName("f*"), ByName("g(1)")), True)):
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


def test_what_depends_on_nothing_that_is_chosen_is_an_error() -> None:
    with pytest.raises(OptionError, match="all that depends on what"):
        selection(downstream=True)
    with pytest.raises(OptionError, match="the tag of the tasks is empty"):
        selection(tag="")


def test_without_name_and_pattern_there_is_no_selection() -> None:
    assert selection() is None
