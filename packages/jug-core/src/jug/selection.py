"""Choosing tasks: by names, calls and tags, by what has failed, and all that depends on these.

A selection is a plain object rather than a closure, since it goes to other processes.
What it means is found out where the tasks are known, by `Selection.numbers`: a worker and
a command that looks on choose alike.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Sequence, Set
from dataclasses import dataclass, field
from fnmatch import translate
from itertools import islice
from typing import Any, Final

from jug.errors import OptionError
from jug.task import Task
from jug.task.graph import Graph
from jug.task.short_form import call_form, short_form

__all__ = ["ByName", "ByPattern", "Selection", "selection"]

_CALL: Final = re.compile(r"([^()]+)\((.*)\)", re.DOTALL)
_PLACE: Final = re.compile(r"(.+)\[([0-9]+)\]")
_LOOKED_AT: Final = 10_000  # calls among which one that is like another is looked for


@dataclass(frozen=True, init=False)
class ByName:
    """Whether a task is called so: in full or from a dot on, with the wildcards of a shell.

    >>> chosen = ByName("is_*")
    >>> chosen("primes.is_prime"), chosen("primes.this_prime")
    (True, False)

    A call means the tasks with these arguments, written as `jug log` shows them or as
    Python would take them.

    >>> chosen = ByName("is_*(7,)")
    >>> chosen("primes.is_prime", "7"), chosen("primes.is_prime", "8")
    (True, False)
    """

    text: str
    """What the user wrote."""
    wanted: re.Pattern[str] = field(repr=False)
    called: re.Pattern[str] | None = field(repr=False)
    """The name alone, where the text looks like a call."""
    arguments: str = field(repr=False)

    def __init__(self, name: str) -> None:
        if not name:
            raise OptionError("the name of the tasks is empty: give one, or '*' for all", name=name)
        call = _CALL.fullmatch(name)
        object.__setattr__(self, "text", name)
        object.__setattr__(self, "wanted", _from_a_dot_on(name))
        object.__setattr__(self, "called", _from_a_dot_on(call[1]) if call else None)
        object.__setattr__(self, "arguments", _as_shown(call[2]) if call else "")

    def __call__(self, name: str, arguments: str | None = None) -> bool:
        """Return whether a task of this name, with these arguments in short, is meant."""
        if self.wanted.match(name) is not None:
            return True
        return arguments == self.arguments and self.may_mean(name)

    def may_mean(self, name: str) -> bool:
        """Return whether it is a call of this name, with whatever arguments."""
        return self.called is not None and self.called.match(name) is not None


def _from_a_dot_on(name: str) -> re.Pattern[str]:
    return re.compile(f"{translate(name)}|{translate('*.' + name)}")


def _as_shown(arguments: str) -> str:
    """Return literals as `short_form` shows them, anything else as it is."""
    import ast  # most names are no calls

    try:
        call = ast.parse(f"f({arguments})", mode="eval").body
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name)):
            return arguments
        named = {word.arg or "": ast.literal_eval(word.value) for word in call.keywords}
        return short_form(tuple(map(ast.literal_eval, call.args)), named)
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        return arguments


@dataclass(frozen=True, init=False)
class ByPattern:
    """Whether a task's name contains a text, or something that fits a regular /expression/.

    >>> [ByPattern(pattern)("primes.is_prime") for pattern in ("rimes.i", "/^is/", "/p.i/")]
    [True, False, True]
    """

    text: str
    """What the user wrote."""
    wanted: re.Pattern[str] = field(repr=False)

    def __init__(self, pattern: str) -> None:
        object.__setattr__(self, "text", pattern)
        is_expression = len(pattern) > 1 and pattern[0] == pattern[-1] == "/"
        expression = pattern[1:-1] if is_expression else re.escape(pattern)
        if not expression:
            raise OptionError(
                f"the pattern {pattern!r} is empty: give a part of the tasks' names, "
                "or '/./' for all",
                pattern=pattern,
            )
        try:
            object.__setattr__(self, "wanted", re.compile(expression))
        except re.error as error:
            raise OptionError(
                f"{pattern!r} is no regular expression ({error}): mend it, "
                "or leave out the slashes to look for a plain text",
                pattern=pattern,
            ) from None

    def __call__(self, name: str, arguments: str | None = None) -> bool:
        """Return whether a task of this name is meant, whatever its arguments are."""
        return self.wanted.search(name) is not None

    def may_mean(self, name: str) -> bool:
        """Return that it is no call."""
        return False


@dataclass(frozen=True)
class Selection:
    """Which tasks are meant.

    >>> first = Task(abs, -1); total = Task(sum, [first])
    >>> graph = Graph([total])
    >>> selection("abs").numbers(graph), selection("abs", downstream=True).numbers(graph, ())
    ([0], [0, 1])
    """

    parts: tuple[ByName | ByPattern, ...] = ()
    """One of these is to fit the task; every task fits if there is none."""
    failed: bool = False
    """Whether only tasks that have failed are meant."""
    downstream: bool = False
    """Whether all that depends on these tasks is meant, too."""
    tags: frozenset[str] = frozenset()
    """The task is to have one of these tags, if there are any."""
    without_tags: frozenset[str] = frozenset()
    """No task is meant that has one of these, whatever it depends on."""

    def __call__(self, name: str, arguments: str | None = None) -> bool:
        """Return whether one of the parts fits this name, with these arguments in short."""
        return not self.parts or any(part(name, arguments) for part in self.parts)

    def means(self, task: Task[Any], name: str) -> bool:
        """Return whether one of the parts fits a task of this name, and its tags do."""
        if not self._fits_tags(task):
            return False
        return not self.parts or any(_fits(part, task, name) for part in self.parts)

    def _fits_tags(self, task: Task[Any]) -> bool:
        has = task.needs.tags
        return not (self.tags and self.tags.isdisjoint(has)) and self.without_tags.isdisjoint(has)

    def numbers(self, graph: Graph, failed: Container[bytes] | None = None) -> list[int]:
        """Return the numbers of the tasks of a graph that are meant.

        Which have failed is asked of their stores if it is not given.
        """
        chosen = [
            number
            for number, (task, name) in enumerate(zip(graph.tasks, graph.names(), strict=True))
            if self.means(task, name)
        ]
        if self.failed:
            known = failed_of(graph.tasks) if failed is None else failed
            chosen = [number for number in chosen if graph.tasks[number].digest in known]
        return self._downstream_of(chosen, graph) if self.downstream else chosen

    def _downstream_of(self, chosen: list[int], graph: Graph) -> list[int]:
        tasks, excluded = graph.tasks, self.without_tags
        numbers = sorted(graph.with_dependants(chosen))
        return [number for number in numbers if excluded.isdisjoint(tasks[number].needs.tags)]

    def no_match(self, graph: Graph) -> str:
        """Return what to say of a name that fits no task, with those that may be meant.

        It is empty if each name, pattern or tag fits a task, failed or not.

        >>> selection("ab").no_match(Graph([Task(abs, -1)]))
        "no task matches 'ab': is 'builtins.abs' meant?"
        """
        names = set(graph.names())
        unfit = next((part for part in self.parts if not _fits_any(part, graph)), None)
        if unfit is None:
            return _no_tag(self.tags, graph)
        return f"no task matches {unfit.text!r}: {_advice(unfit, names, graph)}"


def _no_tag(wanted: Set[str], graph: Graph) -> str:
    """Return what to say of a tag that no task has, empty if each is had by one."""
    there = frozenset[str]().union(*(task.needs.tags for task in graph.tasks)) if wanted else wanted
    unknown = next(iter(sorted(wanted - there)), None)
    if unknown is None:
        return ""
    known = f"the tags are {', '.join(map(repr, sorted(there)))}" if there else "none has a tag"
    return f"no task has the tag {unknown!r}: {known}"


def _fits_any(part: ByName | ByPattern, graph: Graph) -> bool:
    return any(
        _fits(part, task, name) for task, name in zip(graph.tasks, graph.names(), strict=True)
    )


def _fits(part: ByName | ByPattern, task: Task[Any], name: str) -> bool:
    if part(name):
        return True
    return part.may_mean(name) and part(name, short_form(task.args, task.kwargs))


def failed_of(tasks: Iterable[Task[Any]]) -> set[bytes]:
    """Return which of the tasks have failed, after a poll of their stores."""
    by_store: dict[Any, list[bytes]] = {}
    for task in tasks:
        by_store.setdefault(task.store, []).append(task.digest)
    failed: set[bytes] = set()
    for store, digests in by_store.items():
        store.poll()
        failed.update(store.failures().keys() & set(digests))
    return failed


def selection(
    name: str | Sequence[str] | None = None,
    pattern: str | Sequence[str] | None = None,
    *,
    failed: bool = False,
    downstream: bool = False,
    tag: str | Sequence[str] | None = None,
    without_tag: str | Sequence[str] | None = None,
) -> Selection | None:
    """Return what selects tasks, None if nothing is given that would choose.

    Raises `OptionError` for what can't be meant.
    """
    if name is not None and pattern is not None:
        raise OptionError("a name and a pattern are given: choose tasks by one of them")
    parts: list[ByName | ByPattern] = [ByName(text) for text in _texts(name)]
    parts += [ByPattern(text) for text in _texts(pattern)]
    tags, without = _tags(tag), _tags(without_tag)
    if downstream and not (parts or failed or tags):
        raise OptionError(
            "all that depends on what? beside 'downstream' choose tasks by a name, a pattern or "
            "a tag, or those that have failed"
        )
    chosen = Selection(tuple(parts), failed, downstream, tags, without)
    return None if chosen == Selection() else chosen


def _texts(given: str | Sequence[str] | None) -> Sequence[str]:
    return [given] if isinstance(given, str) else given or ()


def _tags(given: str | Sequence[str] | None) -> frozenset[str]:
    tags = frozenset(_texts(given))
    if "" in tags:
        raise OptionError("the tag of the tasks is empty: give one that tasks have")
    return tags


def _advice(part: ByName | ByPattern, names: set[str], graph: Graph) -> str:
    place = _PLACE.fullmatch(part.text)
    there = _at_place(graph, place[1], int(place[2])) if place else ""
    if there and isinstance(part, ByName):
        return f"is {there!r} meant?"
    called = {name for name in names if part.may_mean(name)}
    if called:
        tasks = islice((task for task in graph.tasks if task.name in called), _LOOKED_AT)
        calls = list(map(call_form, tasks))
        near = _nearest(part.text, set(calls))
        named = " or ".join(map(repr, sorted(called)))
        advice = f"{named} has other arguments, such as {calls[0]!r}"
    else:
        near = _nearest(part.text.partition("(")[0] or part.text, names)
        advice = "`jug count` lists the names"
    return f"is {' or '.join(map(repr, near))} meant?" if near else advice


def _at_place(graph: Graph, name: str, place: int) -> str:
    """Return the call of the task in a place among those of a name, empty if there is none."""
    is_meant = ByName(name)
    named = (task for task, full in zip(graph.tasks, graph.names(), strict=True) if is_meant(full))
    task = next(islice(named, place, None), None)
    return call_form(task) if task is not None else ""


def _nearest(text: str, names: set[str]) -> list[str]:
    """Return the names that are like a text, in full or from a dot on, the most alike first."""
    from difflib import get_close_matches

    ends = {end.lower(): name for name in sorted(names) for end in _ends(name)}
    close = get_close_matches(text.strip("/*").lower(), ends)
    return list(dict.fromkeys(ends[end] for end in close))


def _ends(name: str) -> list[str]:
    """Return the name in full, and from each of its dots on."""
    parts = name.split(".")
    return [".".join(parts[begin:]) for begin in range(len(parts))]
