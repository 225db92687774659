"""What displays say of a snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from jug.progress.snapshot import Snapshot
from jug.wording import counted, rounded

if TYPE_CHECKING:
    from jug.workers import Worker

__all__ = ["at_work", "done_of_all", "pace", "rate", "sentence", "silence", "time_left"]


def done_of_all(snapshot: Snapshot) -> str:
    """Return how many tasks are done of how many.

    >>> from jug.progress import NameProgress
    >>> done_of_all(Snapshot([NameProgress("m.f", total=4, done=1)], at_barrier=True))
    '1 of 4+ tasks'
    """
    more = "+" if snapshot.at_barrier else ""
    return f"{snapshot.done} of {snapshot.total}{more} {snapshot.things}"


def rate(per_second: float, things: str = "tasks") -> str:
    """Return how fast it goes.

    >>> rate(1234.5), rate(2.25), rate(0.5), rate(0.001)
    ('1234 tasks/s', '2.2 tasks/s', '30 tasks/min', '3.6 tasks/h')
    """
    of, unit = next(
        (of, unit)
        for of, unit in ((1, "s"), (60, "min"), (3600, "h"))
        if per_second * of >= 1 or unit == "h"
    )
    number = per_second * of
    return f"{number:.{0 if number >= 10 else 1}f} {things}/{unit}"


def time_left(snapshot: Snapshot) -> str:
    """Return how long the rest will take.

    >>> time_left(Snapshot(time_left=8.04)), time_left(Snapshot()), time_left(Snapshot(at_least=9))
    ('8 s left', 'time left unknown', 'at least 9 s left')
    """
    if snapshot.time_left is not None:
        return f"{rounded(snapshot.time_left)} left"
    return (
        f"at least {rounded(snapshot.at_least)} left" if snapshot.at_least else "time left unknown"
    )


def pace(snapshot: Snapshot) -> str:
    """Return how fast it goes, how long the rest takes, and how long it took so far.

    >>> from jug.progress import NameProgress
    >>> pace(Snapshot([NameProgress("m.f", 124, 1)], (), 33.3, rate=2.0, time_left=61.5))
    '2.0 tasks/s, 1 min 2 s left, 33 s elapsed'
    """
    others = snapshot.workers - len(snapshot.activities)
    parts = [counted(others, "more worker")] if others > 0 and snapshot.activities else []
    parts += [counted(len(snapshot.silent), "silent worker")] if snapshot.silent else []
    parts += [rate(snapshot.rate, snapshot.things)] if snapshot.rate else []
    parts += [time_left(snapshot)] if snapshot.left else []
    return ", ".join([*parts, f"{rounded(round(snapshot.elapsed))} elapsed"])


def at_work(snapshot: Snapshot) -> str:
    """Return in a line how many workers are at work, how fast, and for how long; or nothing.

    >>> at_work(Snapshot(workers=2, rate=5.0, time_left=61.0))
    '2 workers, 5.0 tasks/s, 1 min 1 s left'
    >>> at_work(Snapshot(time_left=61.0))
    'no worker is at work, one would take 1 min 1 s'
    """
    if snapshot.workers:
        parts = [rate(snapshot.rate, snapshot.things)] if snapshot.rate else []
        return ", ".join([counted(snapshot.workers, "worker"), *parts, time_left(snapshot)])
    if not snapshot.time_left:
        return ""
    return f"no worker is at work, one would take {rounded(snapshot.time_left)}"


def silence(workers: Sequence[Worker]) -> str:
    """Return in a sentence which workers are silent, and for how long.

    >>> from jug.workers import Life, Worker
    >>> one = Worker("5f0c", None, Life.SILENT, silence=840.0, lease=120.0)
    >>> silence([one])
    '1 worker is silent for longer than the lease of 2 min: 5f0c for 14 min'
    >>> silence([one] * 9)
    '9 workers are silent for longer than the lease of 2 min: 5f0c for 14 min, and 8 more'
    """
    from jug.workers import silent_for_long  # which is seldom needed

    first, *rest = sorted(workers, key=lambda one: one.silence or 0.0, reverse=True)
    who = f"{counted(len(workers), 'worker')} {'are' if rest else 'is'}"
    span = "" if first.silence is None else f" for {rounded(first.silence)}"
    more = f", and {len(rest)} more" if rest else ""
    return f"{who} {silent_for_long(first.lease)}: {first.place}{span}{more}"


def sentence(snapshot: Snapshot) -> str:
    """Return all in one line.

    >>> from jug.progress import NameProgress
    >>> some = NameProgress("m.f", total=4, done=1, running=2, failed=1)
    >>> sentence(Snapshot([some], elapsed=10.0))
    '1 of 4 tasks done, 2 running, 1 failed; time left unknown, 10 s elapsed'
    """
    counts = [f"{done_of_all(snapshot)} done"]
    if snapshot.running:
        counts.append(f"{snapshot.running} running")
    if snapshot.failed:
        counts.append(f"{snapshot.failed} failed")
    return f"{', '.join(counts)}; {pace(snapshot)}"
