"""From what workers say and count to snapshots, over the time of a run."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from jug.progress.means import Means, Spent
from jug.progress.snapshot import Activity, NameProgress, Snapshot, ages_by_name, seconds_left
from jug.progress.standing import Standing

__all__ = ["Rate", "Tracker"]

_RECENT: Final = 30.0  # seconds over which a rate is taken
_AT_LEAST: Final = 10  # tasks over which it is taken, if that takes longer
_APART: Final = 1.0  # seconds between two counts that are kept


class Rate:
    """How many tasks are done in a second, of late.

    >>> rate = Rate()
    >>> for second in range(100):
    ...     rate.note(second, done=2 * second)
    >>> rate.per_second(100.0)
    1.9...
    """

    def __init__(self) -> None:
        self._counts: list[tuple[float, int]] = []

    @property
    def is_new(self) -> bool:
        """Whether nothing was noted yet."""
        return not self._counts

    def note(self, now: float, done: int) -> None:
        """Note how many are done by now."""
        counts = self._counts
        if counts and (done == counts[-1][1] or now < counts[-1][0] + _APART):
            return
        counts.append((now, done))
        while len(counts) > 2 and counts[1][0] < now - _RECENT and done - counts[1][1] > _AT_LEAST:
            del counts[0]

    def per_second(self, now: float, done: int | None = None) -> float | None:
        """Return the rate, None if nothing was done yet."""
        if not self._counts:
            return None
        began, before = self._counts[0]
        more = (self._counts[-1][1] if done is None else done) - before
        return more / (now - began) if more > 0 and now > began else None


class Tracker:
    """How far the tasks of a run are, from what its workers say and count.

    >>> tracker = Tracker(clock=iter([0.0, 4.0]).__next__)
    >>> total = Counter({"m.f": 10})
    >>> tracker.take(Standing(total, Counter({"m.f": 2}), Counter(), Counter()), local_workers=1)
    >>> snapshot = tracker.look({"m.f": Spent(2, 4.0)}, [Activity("worker 1", "")])
    >>> snapshot.done, snapshot.time_left
    (4, 12.0)
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = clock()
        self._standing: Standing | None = None
        self._others = 0
        self._means = Means()
        self._rate = Rate()

    def take(self, standing: Standing, local_workers: int) -> None:
        """Take what a worker says; one that has not read the jugfile as far says nothing new."""
        self._means.note_earlier(standing.earlier)
        known = self._standing
        if known is None or standing.total.total() >= known.total.total():
            self._standing = standing
            self._others = max(0, standing.workers - local_workers)

    def settle(self, elsewhere: Counter[str]) -> None:
        """Take how many are done elsewhere, as it is known at the end of the run."""
        if self._standing is not None:
            self._standing = self._standing._replace(elsewhere=elsewhere)

    def look(
        self,
        executed: Mapping[str, Spent],
        activities: Sequence[Activity],
        failed: Mapping[str, int] | None = None,
    ) -> Snapshot | None:
        """Return how far all is, None as long as no worker has said what there is to do.

        `executed` is what this run has done so far, `activities` what each of its workers
        that are alive does, and `failed` what has failed in it.
        """
        now = self._clock()
        self._means.note(executed)
        if self._standing is None:
            return None
        ages = ages_by_name(activities)
        names = [self._name(name, executed, ages, failed or {}) for name in self._standing.total]
        done = sum(one.done for one in names)
        workers = len(activities) + self._others
        self._note(now, done, executed)
        return Snapshot(
            names,
            activities,
            now - self._began,
            self._rate.per_second(now, done),
            *seconds_left(names, activities, workers),
            self._standing.at_barrier,
            workers,
        )

    def _note(self, now: float, done: int, executed: Mapping[str, Spent]) -> None:
        """Note how many are done; what was executed before the first look counts from the start."""
        own = sum(spent.runs for spent in executed.values())
        if own and self._rate.is_new:
            self._rate.note(self._began, max(0, done - own))
        self._rate.note(now, done)

    def _name(
        self,
        name: str,
        executed: Mapping[str, Spent],
        ages: Mapping[str, Sequence[float]],
        failed: Mapping[str, int],
    ) -> NameProgress:
        said = self._standing
        assert said is not None
        total = said.total[name]
        done = said.elsewhere[name] + executed.get(name, Spent()).runs
        running = ages.get(name, ())
        return NameProgress(
            name,
            total,
            min(max(0, done), total),
            len(running),
            max(said.failed[name], failed.get(name, 0)),
            said.blocked[name],
            self._means.seconds(name, running),
        )
