"""What sets jug's guarantees aside, for those who know why they may."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jug.task import find_dependencies, value

__all__ = ["NoHash"]


class NoHash:
    """An argument that is passed as it is and left out of the hash.

    For what can't change the result, such as a number of threads.  Assumes just
    that: two calls that differ in nothing else are the same task.

    >>> from jug import Task
    >>> Task(max, 1, NoHash(2)).hash() == Task(max, 1, NoHash(3)).hash()
    True
    """

    __slots__ = ("obj",)

    def __init__(self, obj: Any) -> None:
        self.obj = obj

    def __jug_hash__(self) -> bytes:
        """Return the same for every object."""
        return b"nohash"

    def __jug_value__(self) -> Any:
        """Return the value of what it holds."""
        return value(self.obj)

    def __jug_dependencies__(self) -> Iterator[Any]:
        """Yield the tasks that have to run before."""
        return find_dependencies(self.obj)

    def __repr__(self) -> str:
        """Show what it holds."""
        return f"NoHash({self.obj!r})"
