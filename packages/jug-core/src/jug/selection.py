"""Choosing tasks by their names.

Selections are plain objects rather than closures, since they go to other processes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import translate

from jug.errors import OptionError

__all__ = ["ByName", "ByPattern", "Selection", "selection"]


@dataclass(frozen=True, init=False)
class ByName:
    """Whether a task is called so: in full or from a dot on, with the wildcards of a shell.

    >>> chosen = ByName("is_*")
    >>> chosen("primes.is_prime"), chosen("primes.this_prime")
    (True, False)
    """

    wanted: re.Pattern[str]

    def __init__(self, name: str) -> None:
        if not name:
            raise OptionError("the name of the tasks is empty: give one, or '*' for all", name=name)
        whole = f"{translate(name)}|{translate('*.' + name)}"
        object.__setattr__(self, "wanted", re.compile(whole))

    def __call__(self, name: str) -> bool:
        """Return whether a task of this name is meant."""
        return self.wanted.match(name) is not None


@dataclass(frozen=True, init=False)
class ByPattern:
    """Whether a task's name contains a text, or something that fits a regular /expression/.

    >>> [ByPattern(pattern)("primes.is_prime") for pattern in ("rimes.i", "/^is/", "/p.i/")]
    [True, False, True]
    """

    wanted: re.Pattern[str]

    def __init__(self, pattern: str) -> None:
        is_expression = len(pattern) > 1 and pattern[0] == pattern[-1] == "/"
        expression = pattern[1:-1] if is_expression else re.escape(pattern)
        if not expression:
            raise OptionError(
                f"the pattern {pattern!r} is empty: give a part of the tasks' names, "
                "or '/./' for all",
                pattern=pattern,
            )
        try:
            object.__setattr__(self, "wanted", re.compile(expression))
        except re.error as error:
            raise OptionError(
                f"{pattern!r} is no regular expression ({error}): mend it, "
                "or leave the slashes away to look for a plain text",
                pattern=pattern,
            ) from None

    def __call__(self, name: str) -> bool:
        """Return whether a task of this name is meant."""
        return self.wanted.search(name) is not None


Selection = ByName | ByPattern


def selection(name: str | None = None, pattern: str | None = None) -> Selection | None:
    """Return what selects tasks by a name or by a pattern, None if neither is given."""
    if name is not None and pattern is not None:
        raise OptionError("a name and a pattern are given: choose tasks by one of them")
    if name is not None:
        return ByName(name)
    return None if pattern is None else ByPattern(pattern)
