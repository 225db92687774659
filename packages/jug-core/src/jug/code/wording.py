"""Results that came from older code, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from jug.wording import counted

if TYPE_CHECKING:
    from jug.code import Change, Comparison

__all__ = ["CHOICE", "WHAT_TO_DO", "told_of_stale", "what_changed"]

_SHOWN: Final = 3

CHOICE: Final = "`jug invalidate --stale` has them computed again, `jug accept` keeps them"
WHAT_TO_DO: Final = f"`jug stale` shows what changed; {CHOICE}"


def told_of_stale(comparison: Comparison) -> str:
    """Return how many results came from older code, and of which names; empty if none did."""
    if not comparison.has_stale:
        return ""
    count = sum(len(change.digests) for one in comparison.stale for change in one.changes)
    names = [one.name for one in comparison.stale]
    more = f" and {counted(len(names) - _SHOWN, 'other name')}" if len(names) > _SHOWN else ""
    return f"{counted(count, 'result')} of {', '.join(names[:_SHOWN])}{more} came from older code"


def what_changed(change: Change) -> str:
    """Return which parts of the code have changed, as far as that is kept."""
    names = [part.name for part in change.parts]
    if not names:
        whose = "its own code" if change.is_own else "what it calls or reads"
        return f"{whose} has changed; the code of then is not kept"
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{', '.join(names[:_SHOWN])}{more} {'has' if len(names) == 1 else 'have'} changed"
