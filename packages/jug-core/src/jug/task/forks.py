"""A process that user code forks, and that comes back out of it.

It is a copy of the worker, and must not go on as one: two processes would write to
one file, or to one connection.  So it ends where the user's code does, as a program
would.  Forks are counted, since asking for the process id is a system call.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress

_forks = 0


def _count() -> None:
    global _forks
    _forks += 1


def _flush() -> None:
    """Write out what was printed, or both processes would."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):  # none, full or closed: its own process will see
            stream.flush()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_flush, after_in_child=_count)


def count() -> int:
    """Return how many forks lie between this process and the one that was started."""
    return _forks


def end_if_forked(before: int) -> None:
    """End this process, by what it raised, if it was forked since `before` was counted."""
    if before != _forks:
        _end()


class ended_here:  # noqa: N801 -- it reads as a verb, and a generator would cost twice as much
    """A context at whose end a process that was forked in it ends, by what it raised.

    >>> with ended_here():
    ...     pass
    """

    __slots__ = ("_before",)

    def __enter__(self) -> None:
        self._before = count()

    def __exit__(self, *raised: object) -> None:
        end_if_forked(self._before)


def _end() -> None:
    status = 1
    try:
        status = _status_of(sys.exception())
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(status)


def _status_of(error: BaseException | None) -> int:
    """Return the exit status of a program that ends in this way, after it has said why."""
    if error is None:
        return 0
    if not isinstance(error, SystemExit):
        sys.excepthook(type(error), error, error.__traceback__)
        return 1
    if error.code is None or isinstance(error.code, int):
        return error.code or 0
    print(error.code, file=sys.stderr)
    return 1
