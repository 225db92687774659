"""How far one reading of a jugfile has come, and who works at its barriers.

A worker that reads the jugfile is asked, at a barrier, to work until that is open.  Then
the reading goes on where it stands, so that what it costs grows with the tasks, however
many barriers there are.  What was found done at one barrier of a reading is not looked at
again at the next.

Nobody is asked in another thread than that which reads, or while a module is imported,
whose lock a thread of a task could wait for: there the reading ends, as it does where
nobody works.  So it does in an `except` block, where what a task raises would seem to come
of what the jugfile has caught, and deep in a recursion, which would leave tasks too little
of the stack.  While tasks run there is no reading.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import get_ident
from typing import Any, Final

from jug.task import Task, alltasks

__all__ = ["Passage", "count_done", "note_done", "pass_by"]

_DEEP: Final = 64  # calls between the jugfile and a barrier


class Passage:
    """One reading, in this thread, of the jugfile with these names.

    `work` is given the tasks that must be done, works, and returns whether to read on.
    """

    def __init__(
        self, names: dict[str, Any], work: Callable[[list[Task[Any]]], bool] | None = None
    ) -> None:
        self.done = 0
        """How many of `alltasks` were found done."""
        self._names = names
        self._work = work
        self._thread = get_ident()

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Have this as the reading of now."""
        with _having(self):
            yield

    def pass_by(self, tasks: list[Task[Any]]) -> bool:
        """Have somebody work until these tasks are done; return whether to read on."""
        if self._work is None or self._thread != get_ident() or not self._can_stand_still():
            return False
        with _having(None):
            return self._work(tasks)

    def _can_stand_still(self) -> bool:
        """Return whether tasks find all here as they would after the reading."""
        from inspect import currentframe  # `import jug` stays light

        frame, left = currentframe(), _DEEP
        while frame is not None and frame.f_code.co_name != "<module>" and left:
            frame, left = frame.f_back, left - 1
        is_jugfile_itself = frame is not None and frame.f_globals is self._names
        return is_jugfile_itself and left > 0 and sys.exception() is None


_now: list[Passage | None] = [None]


@contextmanager
def _having(passage: Passage | None) -> Iterator[None]:
    _now.append(passage)
    try:
        yield
    finally:
        _now.pop()


def count_done() -> int:
    """Return how many of `alltasks`, from the first on, are known to be done."""
    return 0 if _now[-1] is None else _now[-1].done


def note_done() -> None:
    """Note that all tasks made so far are done."""
    if _now[-1] is not None:
        _now[-1].done = len(alltasks)


def pass_by(tasks: list[Task[Any]]) -> bool:
    """Have who reads the jugfile work until these tasks are done; return whether to read on."""
    return _now[-1] is not None and _now[-1].pass_by(tasks)
