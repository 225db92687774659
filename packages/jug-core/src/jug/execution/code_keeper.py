"""Seeing to it that the code behind each task that is run is in the store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jug.backends.base import BaseStore
from jug.code import all_codes_of, code_of, codes_of, keep
from jug.task import Task


class CodeKeeper:
    """What of the code behind the tasks of one worker is in the store, as far as it has put it."""

    def __init__(self, store: BaseStore) -> None:
        self._store = store
        self._kept: set[str] = set()
        """The fingerprints of the code that is in the store."""

    def keep(self, task: Task[Any], tasks: Sequence[Task[Any]]) -> None:
        """See to it that the code behind a task is in the store, and at once that of all others.

        Mostly it is one for each function.  Where it is not, all tasks are looked at, so that
        the store is written to twice and not for each of them.
        """
        code = code_of(task)
        if code.reach in self._kept:
            return
        others = all_codes_of if self._kept else codes_of
        codes = [code, *others(tasks)]
        keep(self._store, codes)
        self._kept.update(code.reach for code in codes)
