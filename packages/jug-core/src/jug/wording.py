"""Numbers and articles in what jug says."""

from __future__ import annotations

__all__ = ["counted", "an"]


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
