"""Results beside the code of now: which of them it would still make so, as far as is seen.

Each record says what code made its result.  Results of one name that were made by the same code
have the same answer, so that is found once for them all, and the sources that the store keeps
are read only where some code is another one.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any

from jug.code.changes import PartChange, changed_parts
from jug.code.codes import Call, code_of
from jug.code.fingerprint import NOT_SEEN, Code, split
from jug.code.kept import Accepted, KeptCode, accept_code
from jug.code.sources import remember
from jug.hash.names import task_names
from jug.records import Record, without_collector

if TYPE_CHECKING:
    from jug.backends.base import BaseStore

__all__ = ["Answer", "Change", "Comparison", "NameCode", "accept", "accepted", "compare"]


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

    def note(self, digest: bytes, record: Record) -> None:
        """Note one of the results."""
        end = record.end
        self.first = min(self.first, end) if self.digests else end
        self.last = max(self.last, end)
        self.digests.append(digest)


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


@dataclass(slots=True)
class Comparison:
    """All results of some tasks beside the code of now."""

    names: dict[str, NameCode] = field(default_factory=dict)
    """The names that have results, in the order of the tasks."""
    _answers: dict[bytes, Answer] = field(default_factory=dict)

    @property
    def stale(self) -> list[NameCode]:
        """The names that have stale results."""
        return [one for one in self.names.values() if one.changes]

    @property
    def has_stale(self) -> bool:
        """Whether any result is stale."""
        return any(one.changes for one in self.names.values())

    def answer(self, digest: bytes) -> Answer | None:
        """Return the answer for one task, None if it has no result."""
        return self._answers.get(digest)


class _Verdicts:
    """What is to be said of pairs of code, each found once."""

    def __init__(self, store: BaseStore) -> None:
        self._store = store
        self._known: dict[tuple[str, str], Answer | list[PartChange]] = {}

    @cached_property
    def kept(self) -> KeptCode:
        """What the store keeps, read when it is first needed."""
        return KeptCode(self._store.kept_code())

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
            return changed_parts(then, new) or (Answer.UNSEEN if then.unseen else same)
        if own == new.own or NOT_SEEN in (own, new.own):
            return Answer.NOT_KNOWN
        return []


def compare(tasks: Iterable[Any], store: BaseStore) -> Comparison:
    """Return what is known of the results of tasks in a store that was polled."""
    remember()
    found, verdicts = Comparison(), _Verdicts(store)
    changes: dict[tuple[str, str, str], Change] = {}
    unique = list({task.digest: task for task in tasks}.values())
    is_there = store.exists([task.digest for task in unique])
    tasks = [task for task, is_done in zip(unique, is_there, strict=True) if is_done]
    records = store.records([task.digest for task in tasks])
    with without_collector():
        for task, name, record in zip(tasks, task_names(tasks), records, strict=True):
            code, digest = code_of(task), task.digest
            told = verdicts.of("" if record is None else record.code, code)
            answer = told if isinstance(told, Answer) else Answer.STALE
            of_name = found.names.get(name)
            if of_name is None:
                of_name = found.names[name] = NameCode(name, unseen=code.unseen)
            of_name.tasks[answer].append(digest)
            found._answers[digest] = answer
            if record is None or isinstance(told, Answer):
                continue
            key = name, record.code, code.text
            change = changes.get(key)
            if change is None:
                change = changes[key] = Change(name, record.code, code.text, told)
                of_name.changes.append(change)
            change.note(digest, record)
    for of_name in found.names.values():
        of_name.changes.sort(key=lambda change: change.last, reverse=True)
    return found


def compare_record(task: Call, record: Record, store: BaseStore) -> Change | Answer:
    """Return what changed since a task had a run, or the answer if it is not stale."""
    code = code_of(task)
    told = _Verdicts(store).of(record.code, code)
    if isinstance(told, Answer):
        return told
    change = Change(record.name, record.code, code.text, told)
    change.first = change.last = record.end
    return change


def accept(store: BaseStore, changes: Iterable[Change]) -> int:
    """Have results count as made by the code of now; return how many these are."""
    changes = list(changes)
    now = time.time()
    accept_code(store, [Accepted(one.old, one.new, one.name, now) for one in changes])
    return sum(len(one.digests) for one in changes)


def accepted(store: BaseStore) -> list[Accepted]:
    """Return the changes that were accepted in a store, the earliest first."""
    return KeptCode(store.kept_code()).accepted()
