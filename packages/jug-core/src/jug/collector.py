"""Rests for the garbage collector, which would look at what stays again and again."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["importing", "without_collector"]

_is_frozen = False
"""Whether it was seen that somebody has frozen objects."""


@contextmanager
def without_collector() -> Iterator[None]:
    """Let the garbage collector rest: it would look at a million records again and again.

    >>> with without_collector():
    ...     kept = [*range(3)]
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@contextmanager
def importing() -> Iterator[None]:
    """Let it rest during many imports, and take what these leave for old at once."""
    with without_collector():
        yield
        if not _has_frozen():
            gc.freeze()
            gc.unfreeze()  # which makes what was frozen the oldest of all


def _has_frozen() -> bool:
    """Return whether somebody has frozen objects for good: to count them takes long, so once."""
    global _is_frozen
    _is_frozen = _is_frozen or gc.get_freeze_count() > 0
    return _is_frozen
