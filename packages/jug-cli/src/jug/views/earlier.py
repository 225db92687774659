"""Earlier runs of a function, and the one whose arguments are most like those of a task.

Arguments are compared as their short forms stand in records, position by position.  A
run that differs in one argument is looked up; one that differs in more is looked for
among the latest, so that a hundred thousand tasks are compared with as many runs.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import zip_longest
from typing import Any, Final, NamedTuple

from jug.records import Run
from jug.task import Task
from jug.task.short_form import arguments_in, short_form

__all__ = ["Difference", "EarlierRuns", "differences"]

Arguments = tuple[str, ...]

_LATEST: Final = 50


class Difference(NamedTuple):
    """One argument that differs between two calls."""

    argument: str
    """Its name, or its number from 1."""
    before: str
    """What it was, in short; empty if it was not given."""
    now: str
    """What it is."""


def differences(task: Task[Any], before: Arguments) -> list[Difference]:
    """Return in which arguments a task differs from an earlier call.

    >>> differences(Task(max, 2, 3), ("2", "4"))
    [Difference(argument='2', before='4', now='3')]
    """
    names = _parameters(task.f)
    old, new = _by_name(before, names), _by_name(arguments_of(task), names)
    return [
        Difference(name, old.get(name, ""), new.get(name, ""))
        for name in dict.fromkeys([*new, *old])
        if old.get(name) != new.get(name)
    ]


def arguments_of(task: Task[Any]) -> Arguments:
    """Return the arguments of a task, each in short."""
    return arguments_in(short_form(task.args, task.kwargs))


def _parameters(f: Any) -> tuple[str, ...]:
    code = getattr(f, "__code__", None)
    return () if code is None else code.co_varnames[: code.co_argcount]


def _by_name(arguments: Arguments, names: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for place, (text, name) in enumerate(zip_longest(arguments, names, fillvalue=""), start=1):
        if not text:
            break
        key, equals, value = text.partition("=")
        if equals and key.isidentifier():
            found[key] = value
        else:
            found[name or str(place)] = text
    return found


class EarlierRuns:
    """The earlier runs of one name, each with its arguments, None where they were not noted."""

    def __init__(self, runs: Iterable[tuple[Arguments | None, Run]]) -> None:
        known: list[tuple[Arguments, Run]] = []
        self.latest_unknown: Run | None = None
        """The latest run of those that did not note their arguments, if there are any."""
        self._same: dict[Arguments, Run] = {}
        self._but_one: dict[tuple[int, Arguments], tuple[Arguments, Run]] = {}
        for arguments, run in sorted(runs, key=lambda pair: pair[1].record.end):
            if arguments is None:
                self.latest_unknown = run
                continue
            known.append((arguments, run))
            self._same[arguments] = run
            for key in _all_but_one(arguments):
                self._but_one[key] = arguments, run
        self._latest = known[: -_LATEST - 1 : -1]

    def may_have(self, arguments: Arguments) -> bool:
        """Return whether there is a run whose arguments look the same, as far as is known."""
        return arguments in self._same or not self._same

    def nearest(self, arguments: Arguments) -> tuple[Arguments, Run] | None:
        """Return the run with the most equal arguments, of several the latest."""
        if arguments in self._same:
            return arguments, self._same[arguments]
        but_one = [self._but_one[key] for key in _all_but_one(arguments) if key in self._but_one]
        if but_one:
            return max(but_one, key=lambda known: known[1].record.end)
        return max(self._latest, key=lambda known: _equal(known[0], arguments), default=None)


def _all_but_one(arguments: Arguments) -> Iterable[tuple[int, Arguments]]:
    return ((at, arguments[:at] + arguments[at + 1 :]) for at in range(len(arguments)))


def _equal(some: Arguments, others: Arguments) -> int:
    return sum(one == other for one, other in zip(some, others, strict=False))
