"""Choosing tasks by their names.

Selections are plain objects rather than closures, since they go to other processes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import translate

from jug.errors import OptionError

__all__ = ["AnyOf", "ByName", "ByPattern", "Selection", "no_match", "selection"]


@dataclass(frozen=True, init=False)
class ByName:
    """Whether a task is called so: in full or from a dot on, with the wildcards of a shell.

    >>> chosen = ByName("is_*")
    >>> chosen("primes.is_prime"), chosen("primes.this_prime")
    (True, False)
    """

    text: str
    """What the user wrote."""
    wanted: re.Pattern[str] = field(repr=False)

    def __init__(self, name: str) -> None:
        if not name:
            raise OptionError("the name of the tasks is empty: give one, or '*' for all", name=name)
        object.__setattr__(self, "text", name)
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

    text: str
    """What the user wrote."""
    wanted: re.Pattern[str] = field(repr=False)

    def __init__(self, pattern: str) -> None:
        object.__setattr__(self, "text", pattern)
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


@dataclass(frozen=True)
class AnyOf:
    """Whether a task is meant by one of several names or patterns.

    >>> chosen = AnyOf((ByName("is_prime"), ByName("count_*")))
    >>> chosen("primes.count_primes"), chosen("primes.write_output")
    (True, False)
    """

    parts: tuple[ByName | ByPattern, ...]

    def __call__(self, name: str) -> bool:
        """Return whether a task of this name is meant."""
        return any(part(name) for part in self.parts)


Selection = ByName | ByPattern | AnyOf


def selection(
    name: str | Sequence[str] | None = None, pattern: str | Sequence[str] | None = None
) -> Selection | None:
    """Return what selects tasks by names or by patterns, None if neither are given."""
    if name is not None and pattern is not None:
        raise OptionError("a name and a pattern are given: choose tasks by one of them")
    if name is not None:
        return _any_of([ByName(text) for text in _texts(name)])
    return None if pattern is None else _any_of([ByPattern(text) for text in _texts(pattern)])


def _texts(given: str | Sequence[str]) -> Sequence[str]:
    return [given] if isinstance(given, str) else given


def _any_of(parts: Sequence[ByName | ByPattern]) -> Selection | None:
    return parts[0] if len(parts) == 1 else AnyOf(tuple(parts)) if parts else None


def no_match(selected: Selection, names: Iterable[str]) -> str:
    """Return what to say of a name that fits no task, with those that may be meant.

    It is empty if each name, or pattern, fits a task.

    >>> no_match(ByName("is_prim"), ["primes.is_prime", "primes.count_primes"])
    "no task matches 'is_prim': is 'primes.is_prime' meant?"
    """
    all_names = set(names)
    parts = selected.parts if isinstance(selected, AnyOf) else (selected,)
    unfit = next((part for part in parts if not any(map(part, all_names))), None)
    if unfit is None:
        return ""
    near = _nearest(unfit.text, all_names)
    advice = f"is {' or '.join(map(repr, near))} meant?" if near else "`jug count` lists the names"
    return f"no task matches {unfit.text!r}: {advice}"


def _nearest(text: str, names: set[str]) -> list[str]:
    """Return the names that are like a text, in full or from a dot on, the most alike first."""
    from difflib import get_close_matches

    ends = {end.lower(): name for name in sorted(names) for end in _ends(name)}
    close = get_close_matches(text.strip("/*").lower(), ends)
    return list(dict.fromkeys(ends[end] for end in close))


def _ends(name: str) -> list[str]:
    """Return the name in full, and from each of its dots on."""
    parts = name.split(".")
    return [".".join(parts[begin:]) for begin in range(len(parts))]
