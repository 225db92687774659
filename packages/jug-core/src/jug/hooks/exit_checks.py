"""Ending a worker early: after so many tasks, so much time, or when something is there.

A jugfile calls these; `jug execute` calls `exit_env_vars` by itself.  A task in
progress is always finished and saved, and a worker that ends so has succeeded:
its exit status is 0.  Each worker counts for itself, from the call on.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping
from typing import Any

from jug.errors import OptionError
from jug.hooks import register_hook

__all__ = [
    "exit_after_n_tasks",
    "exit_after_time",
    "exit_env_vars",
    "exit_if_file_exists",
    "exit_when_true",
]

log = logging.getLogger("jug.hooks")


def exit_when_true(f: Callable[..., Any], function_takes_Task: bool = False) -> None:  # noqa: N803
    """Have the worker end after the first task at which the function returns something true.

    The function is called without arguments, or with the task that was run.

    >>> from pathlib import Path
    >>> exit_when_true(Path("enough").exists)
    >>> from jug.hooks import reset_all_hooks; reset_all_hooks()
    """
    if not callable(f):
        raise OptionError(f"exit_when_true needs a function, not {f!r}", f=f)

    def look(task: Any) -> None:
        if f(task) if function_takes_Task else f():
            _exit(f"{getattr(f, '__name__', f)} says so")

    register_hook("execute.task-executed1", look)


def exit_after_n_tasks(n: int) -> None:
    """Have the worker end after so many tasks.

    >>> exit_after_n_tasks(1000)
    >>> from jug.hooks import reset_all_hooks; reset_all_hooks()
    """
    left = _whole(n, "the number of tasks")

    def count(task: Any) -> None:
        nonlocal left
        left -= 1
        if left <= 0:
            _exit(f"{n} tasks were run")

    register_hook("execute.task-executed1", count)


def exit_after_time(hours: float = 0, minutes: float = 0, seconds: float = 0) -> None:
    """Have the worker end after the first task that ends past so much time from now.

    >>> exit_after_time(hours=2, minutes=30)
    >>> from jug.hooks import reset_all_hooks; reset_all_hooks()
    """
    try:
        total = 3600 * hours + 60 * minutes + seconds
    except TypeError:
        raise OptionError(
            f"hours, minutes and seconds must be numbers, not {hours!r}, {minutes!r}, {seconds!r}"
        ) from None
    end = time.monotonic() + total

    def look(task: Any) -> None:
        if time.monotonic() >= end:
            _exit(f"{total:g} s are over")

    register_hook("execute.task-executed1", look)


def exit_if_file_exists(fname: str | os.PathLike[str]) -> None:
    """Have the worker end before the first task at which the file is there.

    >>> exit_if_file_exists("please.stop")
    >>> from jug.hooks import reset_all_hooks; reset_all_hooks()
    """
    path = os.fspath(fname)

    def look(task: Any) -> None:
        if os.path.exists(path):
            _exit(f"the file {path!r} is there")

    register_hook("execute.task-pre-execute", look)


def exit_env_vars(environ: Mapping[str, str] = os.environ) -> None:
    """Have the worker end when variables in its environment say so.

    JUG_MAX_TASKS, JUG_MAX_HOURS, JUG_MAX_MINUTES and JUG_MAX_SECONDS, which add up,
    are whole numbers; JUG_EXIT_IF_FILE_EXISTS names a file.

    >>> exit_env_vars({"JUG_MAX_HOURS": "1", "JUG_MAX_MINUTES": "30"})
    >>> from jug.hooks import reset_all_hooks; reset_all_hooks()
    """
    if "JUG_MAX_TASKS" in environ:
        exit_after_n_tasks(_variable(environ, "JUG_MAX_TASKS"))
    units = {unit: f"JUG_MAX_{unit.upper()}" for unit in ("hours", "minutes", "seconds")}
    times = {u: _variable(environ, name) for u, name in units.items() if name in environ}
    if times:
        exit_after_time(**times)
    if "JUG_EXIT_IF_FILE_EXISTS" in environ:
        exit_if_file_exists(environ["JUG_EXIT_IF_FILE_EXISTS"])


def _variable(environ: Mapping[str, str], name: str) -> int:
    return _whole(environ[name], f"the variable {name}")


def _whole(given: Any, what: str) -> int:
    try:
        return int(given)
    except (TypeError, ValueError):
        raise OptionError(f"{what} must be a whole number, not {given!r}") from None


def _exit(why: str) -> None:
    log.info("this worker ends: %s", why)
    raise SystemExit(0)
