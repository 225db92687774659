"""How long tasks took at the longest, by name: in earlier runs, here, and with others meanwhile.

The longest counts, as what is estimated too short is lost.  A run that was cut off, or failed,
says only that it takes longer than that; of what was brought over nothing is known.

All that is remembered is read once, by a command of several workers for all of them.  What
others do since is looked at once a second, and then the last of it only: tasks of which more
are done in a second are short.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

from jug.backends.base import BaseStore
from jug.named_tuple import NamedTuple
from jug.records import RunState

__all__ = ["KnownRuns", "LongestRuns", "known_runs"]

_APART: Final = 1.0  # seconds between two looks
_AT_ONCE: Final = 200  # records
_WELL: Final = (RunState.FINISHED, RunState.DISCARDED, RunState.OUTDATED)
_UNKNOWN: Final = (RunState.ADOPTED, RunState.OTHER)


class KnownRuns(NamedTuple):
    """The longest runs of each name that are remembered, in seconds."""

    finished: dict[str, float]
    """The longest that ended well."""
    cut_off: dict[str, float]
    """The longest that did not."""


def known_runs(store: BaseStore) -> KnownRuns:
    """Read what the store remembers."""
    known = KnownRuns({}, {})
    for batch in store.each_time():
        if batch.state not in _UNKNOWN:
            longest = known.finished if batch.state in _WELL else known.cut_off
            _note(longest, batch.name, max(batch.durations))
    return known


class LongestRuns:
    """The longest runs of each name, in seconds.

    What the store remembers is read unless it is `known`.

    >>> from jug.backends.dict_store import DictStore
    >>> runs = LongestRuns(DictStore())
    >>> runs.note("m.f", 2.0), runs.note("m.f", 1.0), runs.note("m.f", 3.0)
    (True, False, True)
    >>> runs.finished
    {'m.f': 3.0}
    """

    def __init__(
        self,
        store: BaseStore,
        known: KnownRuns | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.finished, self.cut_off = known or known_runs(store)
        self._store = store
        self._clock = clock
        self._heard = deque[bytes](maxlen=_AT_ONCE)
        self._next_look = 0.0

    def note(self, name: str, seconds: float) -> bool:
        """Note a run that ended well; return whether it is the longest."""
        return _note(self.finished, name, seconds)

    def note_cut_off(self, name: str, seconds: float) -> bool:
        """Note a run that did not end well; return whether it is the longest."""
        return _note(self.cut_off, name, seconds)

    def hear(self, finished: Iterable[bytes]) -> None:
        """Note which tasks others have done, to look at their records."""
        self._heard.extend(finished)

    def look(self) -> bool:
        """Look at what others have done, if it is time to; return whether it is longer."""
        now = self._clock()
        if not self._heard or now < self._next_look:
            return False
        self._next_look = now + _APART
        records = self._store.records(list(self._heard))
        self._heard.clear()
        own = [one for one in records if one and not one.source]
        return any([self.note(one.name, one.duration) for one in own])


def _note(known: dict[str, float], name: str, seconds: float) -> bool:
    if seconds <= known.get(name, 0.0):
        return False
    known[name] = seconds
    return True
