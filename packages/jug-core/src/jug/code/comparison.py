"""Results beside the code of now: which of them it would still make so, as far as is seen.

Each record says what code made its result.  Results of one name that were made by the same code
have the same answer, so that is found once for them all, and the sources that the store keeps
are read only where some code is another one.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from itertools import compress
from typing import TYPE_CHECKING, Any, NamedTuple

from jug.code.changes import PartChange, difference
from jug.code.codes import Call, brings_nothing, code_of
from jug.code.fingerprint import NOT_SEEN, Code, split
from jug.code.freshness import is_of_now, kept_unless_fresh, one_of_each
from jug.code.kept import Accepted, KeptCode, accept_code
from jug.code.sources import remember
from jug.collector import without_collector
from jug.hash.names import task_names
from jug.records import Record

if TYPE_CHECKING:
    from jug.backends.base import BaseStore

__all__ = [
    "Answer",
    "Change",
    "Comparison",
    "NameCode",
    "accept",
    "accepted",
    "compare",
    "find_stale",
    "find_unseen",
]


class Answer(StrEnum):
    """What is known of a result and the code of now."""

    FRESH = "fresh"
    """The code that jug can see is the same, or the change was accepted."""
    STALE = "stale"
    """The code has changed since."""
    UNSEEN = "unseen"
    """What can be seen is the same, but not all can be seen."""
    NOT_KNOWN = "not known"
    """The record does not say what code it was, or not in a way that can be compared."""


@dataclass(slots=True)
class Change:
    """A change of code since results of one name were made."""

    name: str
    """The name of their tasks."""
    old: str
    """The code then, as the records have it."""
    new: str
    """The code now."""
    parts: list[PartChange]
    """The parts that differ; none if the store does not have the sources of then."""
    digests: list[bytes] = field(default_factory=list)
    """The tasks whose results are stale."""
    first: float = 0.0
    """When the first of these results was made, in seconds since the epoch."""
    last: float = 0.0
    """When the last of them was made."""

    @property
    def is_own(self) -> bool:
        """Whether the function itself was changed, not only what it reaches."""
        own = [fingerprints[0] if (fingerprints := split(text)) else text
               for text in (self.old, self.new)]  # fmt: skip
        return own[0] != own[1]


@dataclass(slots=True)
class NameCode:
    """What is known of the results of one name."""

    name: str
    tasks: dict[Answer, list[bytes]] = field(
        default_factory=lambda: {answer: [] for answer in Answer}
    )
    """The digests of the tasks that have a result, by the answer."""
    changes: list[Change] = field(default_factory=list)
    """What changed since its stale results were made, the latest of these first."""
    unseen: tuple[str, ...] = ()
    """What can't be seen of the code of now, each with the reason."""

    @property
    def counts(self) -> dict[Answer, int]:
        """How many results have which answer."""
        return {answer: len(digests) for answer, digests in self.tasks.items()}


@dataclass(repr=False)
class Comparison:
    """All results of some tasks beside the code of now.

    >>> from jug import Task, run, set_jugdir
    >>> store, task = set_jugdir("dict_store"), Task(max, 2, 3)
    >>> run(task), compare([task], store)
    (3, Comparison({'builtins.max': {'fresh': 1}}))
    """

    names: dict[str, NameCode] = field(default_factory=dict)
    """The names that have results, in the order of the tasks."""

    @property
    def stale(self) -> list[NameCode]:
        """The names that have stale results."""
        return [one for one in self.names.values() if one.changes]

    @property
    def has_stale(self) -> bool:
        """Whether any result is stale."""
        return any(one.changes for one in self.names.values())

    @property
    def stale_counts(self) -> dict[str, int]:
        """How many results are stale, by name."""
        return {one.name: len(one.tasks[Answer.STALE]) for one in self.stale}

    def answer(self, digest: bytes) -> Answer | None:
        """Return the answer for one task, None if it has no result."""
        return self._answers.get(digest)

    def rows(self) -> dict[str, list[int]]:
        """Return for each name how many results have each `Answer`, in their order."""
        return {name: [*one.counts.values()] for name, one in self.names.items()}

    def __repr__(self) -> str:
        """Show how many results of each name have which answer."""
        counts = {name: {str(a): n for a, n in one.counts.items() if n}
                  for name, one in self.names.items()}  # fmt: skip
        return f"Comparison({counts})"

    def _repr_html_(self) -> str:
        from jug import html  # of use in notebooks alone

        return html.table([answer.capitalize() for answer in Answer], self.rows())

    @cached_property
    def _answers(self) -> dict[bytes, Answer]:
        return {
            digest: answer
            for one in self.names.values()
            for answer, digests in one.tasks.items()
            for digest in digests
        }


class _Verdicts:
    """What is to be said of pairs of code, each found once."""

    def __init__(self, kept: KeptCode) -> None:
        self.kept = kept
        self._known: dict[tuple[str, str], Answer | list[PartChange]] = {}

    def of(self, old: str, code: Code) -> Answer | list[PartChange]:
        """Return the answer, for stale results the parts that changed."""
        key = old, code.reach
        if key not in self._known:
            self._known[key] = self._find(old, code)
        return self._known[key]

    def _find(self, old: str, new: Code) -> Answer | list[PartChange]:
        fingerprints = split(old)
        if fingerprints is None:
            return Answer.NOT_KNOWN
        own, reach = fingerprints
        same = Answer.UNSEEN if new.unseen else Answer.FRESH
        if reach == new.reach or self.kept.is_same(old, new.text):
            return same
        then = self.kept.code(old)
        if then is not None:
            found = difference(then, new)
            return found.parts or (Answer.UNSEEN if found.is_hidden else same)
        if own == new.own or NOT_SEEN in (own, new.own):
            return Answer.NOT_KNOWN
        return []


def compare(tasks: Iterable[Any], store: BaseStore) -> Comparison:
    """Return what is known of the results of tasks in a store, after a poll."""
    there = _with_results(tasks, store)
    with without_collector():
        return _compare(there, store, KeptCode(store.kept_code()))


def find_stale(tasks: Iterable[Any], store: BaseStore) -> Comparison:
    """Return of `compare` no more than is needed to know which results are stale.

    No task is looked at where all code that ever made results in this store is code of now, by
    itself or with what tasks bring along.
    """
    tasks = list(tasks)
    kept = kept_unless_fresh(tasks, store)
    if kept is None:
        return Comparison()
    with without_collector():
        there = _with_results(tasks, store)
        return Comparison() if is_of_now(kept, _codes(there)) else _compare(there, store, kept)


def find_unseen(tasks: Iterable[Any]) -> dict[str, tuple[str, ...]]:
    """Return by name what can't be seen of the code behind tasks, each with the reason.

    >>> from jug import Task
    >>> find_unseen([Task(max, 2, 3)])
    {}
    """
    codes = {task.name: code_of(task) for task in one_of_each(tasks)}
    return {name: code.unseen for name, code in codes.items() if code.unseen}


def _with_results(tasks: Iterable[Any], store: BaseStore) -> list[Any]:
    """Return those of the tasks that have results, each once, after a poll."""
    remember()
    unique = {task.digest: task for task in tasks}
    return [*compress(unique.values(), store.exists_after_poll([*unique]))]


def _compare(tasks: list[Any], store: BaseStore, kept: KeptCode) -> Comparison:
    found, verdicts = Comparison(), _Verdicts(kept)
    for (name, old), code, digests, records in _groups(tasks, store):
        told = verdicts.of(old, code)
        of_name = found.names.setdefault(name, NameCode(name, unseen=code.unseen))
        of_name.tasks[told if isinstance(told, Answer) else Answer.STALE] += digests
        if not isinstance(told, Answer):
            ends = [record.end for record in records if record is not None]
            of_name.changes.append(
                Change(name, old, code.text, told, digests, min(ends), max(ends))
            )
    for of_name in found.names.values():
        of_name.changes.sort(key=lambda change: change.last, reverse=True)
    return found


class _Group(NamedTuple):
    """Results of one name that were made by the same code, and would be by the same code of now."""

    made_by: tuple[str, str]
    """The name, and the code then."""
    code: Code
    digests: list[bytes]
    records: list[Record | None]


def _groups(tasks: list[Any], store: BaseStore) -> Iterable[_Group]:
    """Return the results of some tasks by their names and code."""
    records = store.records([task.digest for task in tasks])
    groups: dict[tuple[str, str, str], _Group] = {}
    each = zip(tasks, task_names(tasks), _codes(tasks), records, strict=True)
    for task, name, code, record in each:
        old = "" if record is None else record.code
        key = name, old, code.reach
        group = groups.get(key)
        if group is None:
            group = groups[key] = _Group((name, old), code, [], [])
        group.digests.append(task.digest)
        group.records.append(record)
    return groups.values()


def _codes(tasks: Iterable[Any]) -> Iterator[Code]:
    """Yield the code behind each task; most of them bring none along."""
    of_function: dict[int, Code] = {}
    for task in tasks:
        if not brings_nothing(task):
            yield code_of(task)
            continue
        code = of_function.get(id(task.f))
        if code is None:
            code = of_function[id(task.f)] = code_of(task)
        yield code


def compare_record(task: Call, record: Record, store: BaseStore) -> Change | Answer:
    """Return what changed since a task had a run, or the answer if it is not stale."""
    code = code_of(task)
    told = _Verdicts(KeptCode(store.kept_code())).of(record.code, code)
    if isinstance(told, Answer):
        return told
    return Change(record.name, record.code, code.text, told, [], record.end, record.end)


def accept(store: BaseStore, changes: Iterable[Change]) -> int:
    """Let results count as made by the code of now; return how many these are."""
    changes = list(changes)
    now = time.time()
    if changes:
        accept_code(store, [Accepted(one.old, one.new, one.name, now) for one in changes])
    return sum(len(one.digests) for one in changes)


def accepted(store: BaseStore) -> list[Accepted]:
    """Return the changes that were accepted in a store, the earliest first."""
    return KeptCode(store.kept_code()).accepted()
