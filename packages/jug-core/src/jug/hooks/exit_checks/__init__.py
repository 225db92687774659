"""Ending a worker early: after a number of tasks, after some time, or when a file is there.

A jugfile calls these; `jug execute` calls `exit_env_vars`, and `exit_if_file_exists`
for ``__jug_please_stop_running.txt``.  A task in progress is always finished and saved,
and a worker that ends so has succeeded: its exit status is 0.  Each worker counts for itself.

A jugfile is read again after its first barrier.  A condition that is there already is
not added a second time: its count and its clock go on.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any, Final

from jug.errors import OptionError
from jug.hooks import register_hook_once
from jug.messages import Log
from jug.wording import counted

__all__ = [
    "exit_after_n_tasks",
    "exit_after_time",
    "exit_env_vars",
    "exit_if_file_exists",
    "exit_when_true",
]

log = Log("hooks")

_BEFORE_TASK: Final = "execute.task-pre-execute"
_AFTER_TASK: Final = "execute.task-executed1"
_IN_A_WAIT: Final = "execute.waiting"
_LOOK: Final = 0.01  # seconds for which a look for a file counts


def exit_after_n_tasks(n: int) -> None:
    """End the worker after this number of tasks.

    >>> exit_after_n_tasks(1000)
    >>> from jug.hooks import reset_all_hooks; reset_all_hooks()
    """
    register_hook_once(_AFTER_TASK, _TaskLimit(_whole(n, "the number of tasks", least=1)))


def exit_after_time(hours: float = 0, minutes: float = 0, seconds: float = 0) -> None:
    """End the worker after this time from now, if a task is in progress once that has ended.

    >>> exit_after_time(hours=2, minutes=30)
    >>> from jug.hooks import reset_all_hooks; reset_all_hooks()
    """
    try:
        total = 3600 * hours + 60 * minutes + seconds
    except TypeError:
        raise OptionError(
            f"hours, minutes and seconds must be numbers, not {hours!r}, {minutes!r}, {seconds!r}"
        ) from None
    if not total >= 0:
        raise OptionError(f"the time to run must be 0 seconds or more, not {total!r}")
    limit = _TimeLimit(total)
    register_hook_once(_AFTER_TASK, limit)
    register_hook_once(_IN_A_WAIT, limit)


def exit_if_file_exists(fname: str | os.PathLike[str]) -> None:
    """End the worker before the first task at which the file exists, or while it waits.

    A look counts for a hundredth of a second, in which further short tasks may begin.
    A relative name is one in the working directory of this call.

    >>> exit_if_file_exists("please.stop")
    >>> from jug.hooks import reset_all_hooks; reset_all_hooks()
    """
    check = _FileCheck(os.path.abspath(fname))
    register_hook_once(_BEFORE_TASK, check)
    register_hook_once(_IN_A_WAIT, check)


def exit_when_true(f: Callable[..., Any], function_takes_Task: bool = False) -> None:  # noqa: N803
    """End the worker after the first task at which the function returns something true.

    The function is called without arguments, or with the task that was run.

    >>> from pathlib import Path
    >>> exit_when_true(Path("enough").exists)
    >>> from jug.hooks import reset_all_hooks; reset_all_hooks()
    """
    if not callable(f):
        raise OptionError(f"exit_when_true needs a function, not {f!r}", f=f)
    register_hook_once(_AFTER_TASK, _Check(_same_when_read_again(f), function_takes_Task, f))


def exit_env_vars(environ: Mapping[str, str] | None = None) -> None:
    """End the worker as variables say, those in its environment unless others are given.

    JUG_MAX_TASKS, JUG_MAX_HOURS, JUG_MAX_MINUTES and JUG_MAX_SECONDS, which add up,
    are whole numbers; JUG_EXIT_IF_FILE_EXISTS names a file.

    >>> exit_env_vars({"JUG_MAX_HOURS": "1", "JUG_MAX_MINUTES": "30"})
    >>> from jug.hooks import reset_all_hooks; reset_all_hooks()
    """
    environ = os.environ if environ is None else environ
    if "JUG_MAX_TASKS" in environ:
        exit_after_n_tasks(_variable(environ, "JUG_MAX_TASKS", least=1))
    units = {unit: f"JUG_MAX_{unit.upper()}" for unit in ("hours", "minutes", "seconds")}
    times = {u: _variable(environ, name, 0) for u, name in units.items() if name in environ}
    if times:
        exit_after_time(**times)
    if "JUG_EXIT_IF_FILE_EXISTS" in environ:
        exit_if_file_exists(environ["JUG_EXIT_IF_FILE_EXISTS"])


def _variable(environ: Mapping[str, str], name: str, least: int) -> int:
    return _whole(environ[name], f"the variable {name}", least)


def _whole(given: Any, what: str, least: int) -> int:
    try:
        number = int(given)
        is_whole = isinstance(given, str) or number == given
    except (TypeError, ValueError, OverflowError):
        number, is_whole = least, False
    if number < least or not is_whole:
        raise OptionError(f"{what} must be a whole number from {least} up, not {given!r}")
    return number


# The conditions.  Those that are equal are one, whatever each has counted.


class _Condition:
    def __init__(self, *identity: Any) -> None:
        self._identity = identity

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other._identity == self._identity

    __hash__ = None  # type: ignore[assignment]


class _TaskLimit(_Condition):
    def __init__(self, most: int) -> None:
        super().__init__(most)
        self.most = most
        self.run = 0

    def __call__(self, task: Any) -> None:
        self.run += 1
        if self.run >= self.most:
            _exit(f"{counted(self.most, 'task')} run")


class _TimeLimit(_Condition):
    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds
        self.start = time.monotonic()

    def __call__(self, task: Any = None) -> None:
        if time.monotonic() - self.start >= self.seconds:
            _exit(f"{self.seconds:g} s are over")


class _FileCheck(_Condition):
    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path
        self.next_look = 0.0

    def __call__(self, task: Any = None) -> None:
        now = time.monotonic()
        if now >= self.next_look:
            self.next_look = now + _LOOK
            if os.path.exists(self.path):
                _exit(f"the file {self.path!r} is there")


class _Check(_Condition):
    def __init__(self, identity: Any, takes_task: bool, f: Callable[..., Any]) -> None:
        super().__init__(identity, takes_task)
        self.takes_task = takes_task
        self.f = f

    def __call__(self, task: Any) -> None:
        if self.f(task) if self.takes_task else self.f():
            _exit(f"{getattr(self.f, '__name__', self.f)} says so")


def _same_when_read_again(f: Callable[..., Any]) -> Any:
    """Return what is equal for a function and for that which a second reading makes of it.

    A function that took something from where it was made is equal to itself alone.
    """
    if not isinstance(f, FunctionType) or f.__closure__ or f.__defaults__ or f.__kwdefaults__:
        return f
    return (f.__module__, f.__qualname__, f.__code__)


def _exit(why: str) -> None:
    log.info("this worker ends: %s", why)
    raise SystemExit(0)
