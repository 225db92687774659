"""Numbers and articles in what jug says."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["CONTROLS", "an", "counted", "duration", "escaped", "rounded"]


def counted(count: int, thing: str) -> str:
    """Return how many there are of a thing.

    >>> counted(0, "task"), counted(1, "task"), counted(2, "task")
    ('0 tasks', '1 task', '2 tasks')
    """
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def an(name: str) -> str:
    """Return the name of a type as it stands in a sentence.

    >>> an("set"), an("int")
    ("a 'set'", "an 'int'")
    """
    return f"{'an' if name[:1].lower() in tuple('aeiou') else 'a'} {name!r}"


def escaped(text: str) -> str:
    r"""Return a text as one line that moves no cursor and paints nothing.

    >>> escaped("no\x1b[2J such\nluck")
    'no\\x1b[2J such\\nluck'
    """
    return re.sub(CONTROLS, lambda found: repr(found[0])[1:-1], text)


CONTROLS: Final = r"[\x00-\x1f\x7f-\x9f\u2028\u2029]"
"""Characters that end a line, move a cursor or paint."""


def duration(seconds: float) -> str:
    """Return a time span as people read it, with about two figures that matter.

    One that is negative, as a clock was set back, is none.

    >>> [duration(seconds) for seconds in (0, 0.000_012, 0.35, 1.25, 59.96, 200, 7500, 273_600)]
    ['0 s', '12 µs', '350 ms', '1.2 s', '1 min', '3 min 20 s', '2 h 5 min', '3 d 4 h']
    >>> duration(-60)
    '0 s'
    """
    if seconds < 0.0005:
        return f"{seconds * 1e6:.0f} µs" if seconds >= 0.000_000_5 else "0 s"
    if seconds < 0.9995:
        return f"{seconds * 1e3:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole, name, smaller, of = next(
        (seconds / size, name, smaller, of)
        for size, below, name, smaller, of in _SPANS
        if seconds < below
    )
    first, rest = divmod(round(whole * of), of)
    return f"{first} {name} {rest} {smaller}" if rest else f"{first} {name}"


def rounded(seconds: float) -> str:
    """Return a time span in whole seconds, but for one that is shorter.

    >>> [rounded(seconds) for seconds in (0.35, 1.25, 59.96, 7500)]
    ['350 ms', '1 s', '1 min', '2 h 5 min']
    """
    text = duration(round(seconds) if seconds >= 1 else seconds)
    return text.replace(".0 s", " s")


_SPANS: Final = (
    (60, 3599.5, "min", "s", 60),
    (3600, 86_370, "h", "min", 60),
    (86_400, float("inf"), "d", "h", 24),
)
