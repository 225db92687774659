"""Progress through a number of things that are done one after another."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TypeVar

from jug.progress.display import Display
from jug.progress.snapshot import NameProgress, Snapshot

__all__ = ["shown"]

T = TypeVar("T")


def shown(items: Sequence[T], display: Display | None, things: str) -> Iterator[T]:
    """Yield the items, and show how many of them are done.

    >>> list(shown("ab", None, "letters"))
    ['a', 'b']
    """
    if display is None:
        yield from items
        return
    began, due = time.monotonic(), 0.0
    for done, item in enumerate(items):
        if time.monotonic() >= due:
            display.show(_snapshot(done, len(items), time.monotonic() - began, things))
            due = time.monotonic() + display.interval
        yield item
    display.show(_snapshot(len(items), len(items), time.monotonic() - began, things))


def _snapshot(done: int, total: int, elapsed: float, things: str) -> Snapshot:
    rate = done / elapsed if done and elapsed else None
    left = (total - done) / rate if rate else None
    names = [NameProgress("", total, done)]
    return Snapshot(names, (), elapsed, rate, left, things=things)
