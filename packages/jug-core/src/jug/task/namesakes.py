"""Functions of one name, whose equal calls are one task.

A task is found again by the name of its function, so where a jugfile defines a second function
of a name, a call of it with arguments that the first had too gets the first one's result.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import CodeType
from typing import Any

from jug.messages import Log

__all__ = ["are_namesakes", "warn_of_namesakes"]

log = Log("task")


def are_namesakes(one: Any, other: Any) -> bool:
    """Return whether two functions that make the same task have other code.

    >>> are_namesakes(lambda x: x, lambda x: x + 1), are_namesakes(len, len)
    (True, False)
    """
    return one is not other and _code(one) != _code(other)


def warn_of_namesakes(found: Mapping[str, tuple[Any, Any]], told: set[str]) -> None:
    """Warn of names of which two functions have made one task, but for those that were told."""
    for name in found.keys() - told:
        told.add(name)
        log.warning(
            "two functions are called %s (%s): their calls with equal arguments are one task, "
            "which the first of them computes: rename one",
            name,
            " and ".join(map(_place, found[name])),
        )


def _code(function: Any) -> CodeType | None:
    code = getattr(function, "__code__", None)
    return code if isinstance(code, CodeType) else None


def _place(function: Any) -> str:
    code = _code(function)
    return f"line {code.co_firstlineno}" if code is not None else type(function).__qualname__
