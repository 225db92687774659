"""Hooks: functions of the user's that are called as tasks run.

| name                             | called with | when                               |
| -------------------------------- | ----------- | ---------------------------------- |
| `execute.task-loadable`          | the task    | it was found done                  |
| `execute.task-pre-execute`       | the task    | it is about to run                 |
| `execute.task-executed1`         | the task    | it has run and its result is saved |
| `execute.waiting`                | nothing     | a worker waits, each second or so  |
| `execute.finished_pre_status`    | nothing     | a worker has ended                 |
| `execute.finished_post_status`   | nothing     | the same, after all of the former  |

All of them are called in the worker.  The table at the end of `jug execute` is that
of all workers together, and comes when each of them has ended.

A hook of the first four may raise SystemExit to end its worker, once the task in
progress is saved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Final, TypeVar, overload

from jug._former import tell_what_is_gone
from jug.errors import OptionError

__all__ = ["jug_hook", "register_hook", "register_hook_once", "reset_all_hooks"]

KNOWN: Final = (
    "execute.task-loadable",
    "execute.task-pre-execute",
    "execute.task-executed1",
    "execute.waiting",
    "execute.finished_pre_status",
    "execute.finished_post_status",
)

F = TypeVar("F", bound=Callable[..., Any])

_hooks: dict[str, list[Callable[..., Any]]] = {}
_codes: dict[str, list[Any]] = {}
"""What each registration is known by: the function itself unless another code was given."""


@overload
def register_hook(name: str, f: F) -> F: ...
@overload
def register_hook(name: str, f: None = None) -> Callable[[F], F]: ...
def register_hook(name: str, f: Any = None) -> Any:
    """Call the function `f` whenever the hook is called; without one this is a decorator.

    >>> @register_hook("execute.task-executed1")
    ... def tell(task):
    ...     print("done:", task.name)
    >>> reset_all_hooks()
    """
    if f is None:
        return partial(register_hook, name)
    return _register(name, f, f)


@overload
def register_hook_once(name: str, code: F) -> F: ...
@overload
def register_hook_once(name: str, code: Any, f: F) -> F: ...
def register_hook_once(name: str, code: Any, f: Any = None) -> Any:
    """Call the function `f` once whenever the hook is called, however often it is registered.

    What has the same `code` is the same registration; where a function stands alone it
    is its own code.  A jugfile is read again after its first barrier; this is the form to
    use in one.

    >>> for reading in range(2):
    ...     _ = register_hook_once("execute.finished_pre_status", print)
    >>> _ = jug_hook("execute.finished_pre_status", ["once"])
    once
    >>> reset_all_hooks()
    """
    function = code if f is None else f
    if code in _codes.get(name, ()):
        return function
    return _register(name, code, function)


def _register(name: str, code: Any, function: F) -> F:
    if name not in KNOWN:
        raise OptionError(f"unknown hook {name!r}: the hooks are {', '.join(KNOWN)}", name=name)
    if not callable(function):
        raise OptionError(f"the hook {name!r} needs a function, not {function!r}", name=name)
    _hooks.setdefault(name, []).append(function)
    _codes.setdefault(name, []).append(code)
    return function


def is_hooked(name: str) -> bool:
    """Return whether any function is registered for the hook."""
    return name in _hooks


def jug_hook(
    name: str, args: Iterable[Any] = (), kwargs: dict[str, Any] | None = None
) -> list[Any]:
    """Call the functions registered for a hook, in order; return what they return.

    >>> _ = register_hook("execute.finished_pre_status", lambda: print("the worker has ended"))
    >>> _ = jug_hook("execute.finished_pre_status")
    the worker has ended
    >>> reset_all_hooks()
    """
    return [function(*args, **(kwargs or {})) for function in _hooks.get(name, ())]


def reset_all_hooks() -> None:
    """Forget every function that was registered.

    >>> reset_all_hooks()
    """
    _hooks.clear()
    _codes.clear()


tell_what_is_gone(__name__)
