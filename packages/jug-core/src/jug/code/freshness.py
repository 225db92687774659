"""Knowing at a glance that no result is stale, as mostly none is.

A store says what code ever made results in it.  Where all of that is code of now, nothing has to
be compared, and no record to be read (`jug.code.comparison`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from jug.code.codes import code_of
from jug.code.kept import KeptCode
from jug.code.sources import remember
from jug.records import without_collector

if TYPE_CHECKING:
    from jug.backends.base import BaseStore

__all__ = ["are_all_fresh", "are_all_of_now", "one_of_each"]


def are_all_fresh(tasks: Iterable[Any], store: BaseStore) -> bool:
    """Return whether all code that ever made results in a store is that of some tasks now."""
    remember()
    store.poll()
    with without_collector():
        return are_all_of_now(KeptCode(store.kept_code()), tasks)


def are_all_of_now(kept: KeptCode, tasks: Iterable[Any]) -> bool:
    """Return whether all code that made results is that of some tasks now, as far as is kept."""
    made_by = kept.reaches()
    return bool(made_by) and made_by <= {code_of(task).reach for task in one_of_each(tasks)}


def one_of_each(tasks: Iterable[Any]) -> Iterable[Any]:
    """Return one task of each function."""
    return {id(task.f): task for task in tasks}.values()
