"""Knowing at a glance that no result is stale, as mostly none is.

A store says what code ever made results in it.  Where all of that is code of now, nothing has to
be compared, and no record to be read (`jug.code.comparison`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from jug.code.codes import code_of
from jug.code.fingerprint import Code
from jug.code.kept import KeptCode
from jug.code.sources import remember
from jug.collector import without_collector

if TYPE_CHECKING:
    from jug.backends.base import BaseStore

__all__ = ["are_all_fresh", "is_of_now", "kept_unless_fresh", "one_of_each"]


def are_all_fresh(tasks: Iterable[Any], store: BaseStore) -> bool:
    """Return whether all code that ever made results in a store is that of some tasks now."""
    return kept_unless_fresh(tasks, store) is None


def kept_unless_fresh(tasks: Iterable[Any], store: BaseStore) -> KeptCode | None:
    """Return what a store keeps of code, None if all of that is the code of some tasks now."""
    remember()
    with without_collector():
        kept = KeptCode(store.kept_code(), store.lacks_code)
        return None if is_of_now(kept, map(code_of, one_of_each(tasks))) else kept


def is_of_now(kept: KeptCode, codes: Iterable[Code]) -> bool:
    """Return whether all code that made results is among the code of now, each under its names.

    Where two functions have one name, as those that another makes, it isn't told which made what;
    nor is it known what was kept and is damaged.
    """
    made_by = set[str]() if kept.is_partial else kept.reaches()
    now = {code.reach: code for code in codes} if made_by else {}
    if not made_by or not made_by <= now.keys():
        return False
    names = {frozenset(part.name for part in code.reached) for code in now.values()}
    return len(names) == len(now)


def one_of_each(tasks: Iterable[Any]) -> Iterable[Any]:
    """Return one task of each function."""
    found, last = dict[int, Any](), None
    for task in tasks:
        if task.f is not last:  # mostly many of one stand together
            last = task.f
            found[id(last)] = task
    return found.values()
