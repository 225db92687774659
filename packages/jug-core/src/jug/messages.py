"""What jug tells while it runs: that a task failed, that it waits, what was damaged.

In a program of the user's jug is a library, and tells by the loggers ``jug.…`` of
`logging`, as libraries do.  A command of jug's tells by itself, on the standard error
that it began with: there `logging` belongs to the jugfile and the tasks, and whatever
they do to it, or turn off, neither silences jug nor has it say things twice.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TextIO

if TYPE_CHECKING:
    from logging import Logger

LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
"""As `logging` has them."""
_INFO: Final = LEVELS["info"]


# The least level that a command tells, and where; None where jug is a library.
_command: tuple[int, TextIO | None] | None = None


@contextmanager
def telling_by_itself() -> Iterator[None]:
    """Tell on the standard error meanwhile, from warnings on."""
    global _command
    before, _command = _command, (LEVELS["warning"], sys.stderr)
    try:
        yield
    finally:
        _command = before


# What takes the place of that stream, in one process.
_write: Callable[[bytes], None] | None = None


@contextmanager
def telling_through(write: Callable[[bytes], None]) -> Iterator[None]:
    r"""Let a function write what a command tells meanwhile, beside what it draws.

    >>> with telling_by_itself(), telling_through(print):
    ...     Log("worker").warning("%s tasks are left", 2)
    b'jug: 2 tasks are left\n'
    """
    global _write
    before, _write = _write, write
    try:
        yield
    finally:
        _write = before


def told_to() -> int | None:
    """Return the descriptor on which a command tells; None if that is none, or jug a library."""
    if _command is None or _command[1] is None:
        return None
    with suppress(OSError, ValueError, AttributeError):  # it is no file, or closed
        return _command[1].fileno()
    return None


def tell_directly() -> None:
    """Tell on the standard error itself again, in a process that was forked."""
    global _write
    _write = None


def set_level(level: str) -> None:
    """Tell what has this level or a higher one, on the standard error."""
    global _command
    _command = (LEVELS[level], sys.stderr if _command is None else _command[1])


class Log:
    """What one part of jug tells; `name` is that of its logger without ``jug.``."""

    def __init__(self, name: str) -> None:
        self._name = f"jug.{name}"

    @cached_property
    def _logger(self) -> Logger:
        import logging  # `import jug` stays light

        return logging.getLogger(self._name)

    def debug(self, message: str, *args: Any) -> None:
        """Tell what helps to find out how jug itself works."""
        self._tell(10, message, args)

    def info(self, message: str, *args: Any) -> None:
        """Tell what goes on as it should."""
        if _command is None or _command[0] <= _INFO:  # each task tells, and few want to know
            self._tell(_INFO, message, args)

    def warning(self, message: str, *args: Any) -> None:
        """Tell what the user may want to know."""
        self._tell(30, message, args)

    def error(self, message: str, *args: Any) -> None:
        """Tell what went wrong."""
        self._tell(40, message, args)

    def critical(self, message: str, *args: Any) -> None:
        """Tell what ends the program."""
        self._tell(50, message, args)

    def _tell(self, level: int, message: str, args: tuple[Any, ...]) -> None:
        if _command is None:
            if self._logger.isEnabledFor(level):
                self._logger.log(level, message, *args, stacklevel=3)
            return
        least, stream = _command
        if level < least:
            return
        line = f"jug: {message % args}\n"
        with suppress(OSError, ValueError):  # a standard error that is full, or closed
            if _write is not None:
                _write(line.encode("utf-8", "backslashreplace"))
            elif stream is not None:
                stream.write(line)
                stream.flush()
