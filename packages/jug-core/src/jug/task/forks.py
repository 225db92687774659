"""A process that a task forks, and that comes back out of the task's function.

It is a copy of the worker, and must not go on as one: two processes would write to
one file, or to one connection.  So it ends where the function does, as a program would.
Forks are counted, since asking for the process id is a system call.
"""

from __future__ import annotations

import os
import sys

_forks = 0


def _count() -> None:
    global _forks
    _forks += 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_count)


def generation() -> int:
    """Return a number that is another one in what is forked from this process."""
    return _forks


def end_if_forked(before: int) -> None:
    """End this process, by what it raised, if it was forked since `generation` gave this number."""
    if before == _forks:
        return
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
