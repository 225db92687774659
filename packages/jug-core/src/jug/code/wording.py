"""Results that came from older code, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from jug.wording import counted

if TYPE_CHECKING:
    from jug.code import Change, Comparison

__all__ = ["CHOICE", "WHAT_TO_DO", "joined", "told_of_stale", "what_changed"]

_SHOWN: Final = 3

CHOICE: Final = "`jug invalidate --stale` has them computed again, `jug accept` keeps them"
WHAT_TO_DO: Final = f"`jug stale` shows what changed; {CHOICE}"


def told_of_stale(comparison: Comparison) -> str:
    """Return how many results came from older code, and of which names; empty if none did."""
    if not comparison.has_stale:
        return ""
    count = sum(len(change.digests) for one in comparison.stale for change in one.changes)
    names = joined([one.name for one in comparison.stale])
    return f"{counted(count, 'result')} of {names} came from older code"


def what_changed(change: Change) -> str:
    """Return which parts of the code have changed, as far as that is kept."""
    names = [part.name for part in change.parts]
    if not names:
        whose = "its own code" if change.is_own else "what it calls or reads"
        return f"{whose} has changed; the code of then is not kept"
    return f"{joined(names)} {'has' if len(names) == 1 else 'have'} changed"


def joined(names: list[str]) -> str:
    """Return the first few names, and how many others there are."""
    *first, last = names[:_SHOWN]
    if len(names) > _SHOWN:
        first, last = names[:_SHOWN], f"{len(names) - _SHOWN} more"
    return f"{', '.join(first)} and {last}" if first else last
