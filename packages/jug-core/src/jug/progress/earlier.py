"""What a bounded number of recorded runs say of how long tasks take, and how many are done.

Records are read one by one, so no more of them are looked at than a moment allows, however
many there are: the last in the jugfile of each name, and for names without any result some
of the history, where results were removed.  How long those took that were brought over from
elsewhere is not known.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from itertools import islice
from typing import Any, Final

from jug.backends.base import BaseStore
from jug.progress.means import Spent
from jug.records import Record, RunState
from jug.task import Task

__all__ = ["OF_EACH", "recent_rate", "records_in_history", "some_records", "spent_by_name"]

OF_EACH: Final = 20
"""As many records of each name are looked at."""
_OF_ALL: Final = 1000
_LOOKED_AT: Final = 20_000  # tasks
_LATEST: Final = 1e11  # seconds since the epoch
_RECENT: Final = 60.0  # seconds


def some_records(store: BaseStore, done: Iterable[Task[Any]]) -> list[Record]:
    """Return the records of the first few tasks of each name; all of them are done.

    The last in the jugfile are the best ones to begin with: they were run last.
    """
    counts: Counter[str] = Counter()
    chosen: list[bytes] = []
    for task in islice(done, _LOOKED_AT):
        name = task.name
        if counts[name] < OF_EACH and len(chosen) < _OF_ALL:
            counts[name] += 1
            chosen.append(task.digest)
    return [
        record
        for record in store.records(chosen)
        if record and not record.source and _is_sound(record)
    ]


def records_in_history(store: BaseStore, names: Collection[str]) -> list[Record]:
    """Return the records of some runs of these names that ended well."""
    ended_well = (RunState.FINISHED, RunState.DISCARDED)
    return [
        run.record
        for run in islice(store.each_run() if names else (), _OF_ALL)
        if run.record.name in names and run.state in ended_well and not run.record.source
        if _is_sound(run.record)
    ]


def _is_sound(record: Record) -> bool:
    """Return whether its times can be, which they can but for damage."""
    return 0.0 <= record.duration <= record.end < _LATEST


def spent_by_name(records: Iterable[Record]) -> dict[str, Spent]:
    """Return what the runs took, by name.

    >>> spent_by_name([Record("m.f", duration=1.0), Record("m.f", duration=2.0)])
    {'m.f': Spent(runs=2, seconds=3.0)}
    """
    found: dict[str, Spent] = {}
    for record in records:
        found[record.name] = found.get(record.name, Spent()).plus(Spent(1, record.duration))
    return found


def recent_rate(records: Collection[Record]) -> float | None:
    """Return how many tasks were done in a second when the last of these runs ended.

    Of a name with as many records as are ever looked at only those are known, so its rate is
    taken over their time.  The clocks of several hosts may differ a little.

    >>> recent_rate([Record("m.f", start=start) for start in range(5)])
    1.0
    """
    last = max((record.end for record in records), default=0.0)
    ends: dict[str, list[float]] = {}
    for record in records:
        if record.end > last - _RECENT:
            ends.setdefault(record.name, []).append(record.end)
    rates = [(len(some) - 1) / (last - min(some)) for some in ends.values() if min(some) < last]
    return sum(rates) or None
