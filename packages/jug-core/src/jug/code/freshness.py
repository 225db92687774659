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

__all__ = ["are_all_fresh", "is_of_now", "one_of_each"]


def are_all_fresh(tasks: Iterable[Any], store: BaseStore) -> bool:
    """Return whether all code that ever made results in a store is that of some tasks now."""
    remember()
    store.poll()
    with without_collector():
        made_by = KeptCode(store.kept_code()).reaches()
        return is_of_now(made_by, map(code_of, one_of_each(tasks)))


def is_of_now(made_by: set[str], codes: Iterable[Code]) -> bool:
    """Return whether all code that made results is among the code of now, each under its names.

    Where two functions have one name, as those that another makes, it isn't told which made what.
    """
    now = {code.reach: code for code in codes} if made_by else {}
    if not made_by or not made_by <= now.keys():
        return False
    names = {frozenset(part.name for part in code.reached) for code in now.values()}
    return len(names) == len(now)


def one_of_each(tasks: Iterable[Any]) -> Iterable[Any]:
    """Return one task of each function."""
    return {id(task.f): task for task in tasks}.values()
