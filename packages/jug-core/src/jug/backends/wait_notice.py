"""Saying for whom a wait is, once it takes long.

A wait of hours is not to be silent, and one among many short ones not loud: so each
holder of what is waited for is named once.  A store knows since when a long task runs;
as long as it does not, the holder has had it for at least as long as it was seen here.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from itertools import islice
from typing import Final

from jug.backends.frames import Holder
from jug.backends.process import Process
from jug.messages import Log

__all__ = ["LONG", "WaitNotice", "told_by_name"]

log = Log("worker")

LONG: Final = 3.0
"""Seconds from which a wait is worth a word."""

_MOST: Final = 5  # tasks, or names of tasks, that are told

Leases = Mapping[bytes, Holder]


class WaitNotice:
    """What one process says of its waiting for others."""

    def __init__(self) -> None:
        self._since: dict[tuple[bytes, str], float] = {}
        self._named: set[str] = set()

    def see(self, holders: Leases) -> None:
        """Note who holds what by now."""
        now = time.time()
        seen = [(digest, holder.worker) for digest, holder in holders.items()]
        self._since = {lease: self._since.get(lease, now) for lease in seen}

    def tell(self, names: Mapping[bytes, str], holders: Leases) -> None:
        """Say which tasks are waited for and who holds them, if one is held by somebody new.

        `names` are those of the tasks, by their digests.
        """
        held = {digest: holder for digest, holder in holders.items() if digest in names}
        workers = {holder.worker for holder in held.values()}
        if workers <= self._named:
            return
        self._named |= workers
        told = [self._told(names[d], d, holder) for d, holder in islice(held.items(), _MOST)]
        more = [f"{len(held) - _MOST} more"] if len(held) > _MOST else []
        log.warning("waiting for %s", ", ".join(told + more))

    def _told(self, name: str, digest: bytes, holder: Holder) -> str:
        since = holder.since or self._since.get((digest, holder.worker))
        at_least = "" if holder.since else "at least "
        moment = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(since))
        return f"{name} (held by {_who(holder)}, {at_least}since {moment})"


def told_by_name(counts: Mapping[str, int]) -> list[str]:
    """Return of which names how many tasks are waited for, in words.

    >>> told_by_name({"main.f": 3, "main.g": 1})
    ['3 of main.f', '1 of main.g']
    """
    told = [f"{count} of {name}" for name, count in islice(counts.items(), _MOST)]
    more = [f"{len(counts) - _MOST} more names"] if len(counts) > _MOST else []
    return told + more


def _who(holder: Holder) -> str:
    return "this process itself" if holder.process == Process.here() else holder.place
