"""Which results came from older code, and what has changed since.

Many functions may reach one helper that was changed.  So what changed is gathered once,
and beside it are the names whose results it concerns.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from jug.code import Answer, Change, Comparison, NameCode, PartChange, compare, find_stale
from jug.task.graph import Graph

if TYPE_CHECKING:
    from jug.jugfile import Jugspace

__all__ = ["StaleCode", "stale_code", "stale_numbers"]


class StaleCode(NamedTuple):
    """What `jug stale` tells."""

    comparison: Comparison
    made_from: int
    """How many other results were made from those that came from older code."""

    @property
    def changes(self) -> list[Change]:
        """What changed, by the names of the tasks that it concerns."""
        return [change for one in self.comparison.stale for change in one.changes]

    @property
    def parts(self) -> list[PartChange]:
        """The parts that changed, each once."""
        parts = (part for change in self.changes for part in change.parts)
        return list({(part.name, part.old, part.new): part for part in parts}.values())

    def total(self, answer: Answer) -> int:
        """Return of how many results that is the answer."""
        return sum(one.counts[answer] for one in self.comparison.names.values())

    @property
    def unseen(self) -> dict[str, list[str]]:
        """What jug can't see, with the names whose results are unseen for it."""
        found: dict[str, list[str]] = {}
        for one in self.comparison.names.values():
            for what in one.unseen if one.counts[Answer.UNSEEN] else ():
                found.setdefault(what, []).append(one.name)
        return found

    def as_dict(self) -> dict[str, Any]:
        """Return it for ``--json``."""
        return {
            "stale": self.total(Answer.STALE),
            "made_from_stale": self.made_from,
            "names": [_name_as_dict(one) for one in self.comparison.names.values()],
        }


def _name_as_dict(one: NameCode) -> dict[str, Any]:
    return {
        "name": one.name,
        **{answer.value.replace(" ", "_"): one.counts[answer] for answer in Answer},
        "changes": [_change_as_dict(change) for change in one.changes],
        "not_seen": list(one.unseen),
    }


def _change_as_dict(change: Change) -> dict[str, Any]:
    return {
        "own": change.is_own,
        "then": change.old,
        "now": change.new,
        "first_end": change.first,
        "last_end": change.last,
        "hashes": [digest.hex() for digest in change.digests],
        "parts": [
            {"name": part.name, "then": part.old, "now": part.new, "diff": part.diff()}
            for part in change.parts
        ],
    }


def stale_code(jugspace: Jugspace, graph: Graph, numbers: Iterable[int]) -> StaleCode:
    """Return which results of these tasks came from older code, after a poll of the store.

    >>> from jug import set_jugdir, Task
    >>> from jug.jugfile import Jugspace
    >>> store, task = set_jugdir("dict_store"), Task(abs, -1)
    >>> _ = task.run()
    >>> stale_code(Jugspace(store, [task]), Graph([task]), [0]).total(Answer.STALE)
    0
    """
    store = jugspace.store
    store.poll()
    comparison = compare([graph.tasks[number] for number in numbers], store)
    stale = {graph.numbers[digest] for one in comparison.stale for digest in _digests(one)}
    others = [graph.tasks[number].digest for number in graph.with_dependants(stale) - stale]
    return StaleCode(comparison, sum(store.exists(others)) if others else 0)


def stale_numbers(jugspace: Jugspace, graph: Graph, numbers: Iterable[int]) -> list[int]:
    """Return those of these tasks whose results came from older code, after a poll of the store."""
    jugspace.store.poll()
    comparison = find_stale([graph.tasks[number] for number in numbers], jugspace.store)
    return sorted(graph.numbers[digest] for one in comparison.stale for digest in _digests(one))


def _digests(one: NameCode) -> list[bytes]:
    return one.tasks[Answer.STALE]
