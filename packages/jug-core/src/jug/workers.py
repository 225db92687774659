"""The workers of a store: who lives, where, on what, and when each was heard of last.

Whether a worker lives can be told for certain on its own host alone.  From anywhere else
only its signs of life are seen, several in a lease time.  Once none has come for
longer than that the worker is *silent*, and nobody says any more that it runs something.
Its last sign was stamped by the clock of the store, such as the file server's, and
is compared with that clock (`store.now`): this host's may differ by minutes.

That is what people are told, from one look.  Whether a task may be taken over is for the
store to decide, which may want to see for itself that no sign comes.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from enum import StrEnum
from math import inf
from typing import Any

from jug.backends.base import BaseStore, Holder, Presence
from jug.backends.frames import by_worker, place_of
from jug.backends.process import Process
from jug.backends.worker_record import WorkerRecord
from jug.named_tuple import NamedTuple
from jug.wording import duration, escaped, rounded

__all__ = [
    "Life",
    "Worker",
    "by_task",
    "heard",
    "held_by",
    "holder_of",
    "living",
    "living_offers",
    "silent",
    "silent_for_long",
    "workers",
]


class Life(StrEnum):
    """What can be said of a worker's life."""

    ALIVE = "alive"
    SILENT = "silent"
    """It was not heard of for longer than the lease."""
    GONE = "gone"
    """Its process has ended, as can be seen from here."""


class Worker(NamedTuple):
    """A worker that has joined a store and has not left it."""

    id: str
    process: Process | None
    """Its process, where that is known."""
    life: Life
    silence: float | None = None
    """Seconds since its last sign of life, None where it gives none."""
    lease: float = inf
    """After how many seconds of silence it counts as dead."""
    tasks: Mapping[bytes, float] = {}  # noqa: RUF012
    """The tasks that it holds, with since when it has each, 0.0 where that is not known."""
    start: float = 0.0
    """When it began to work, by the clock of its host; 0.0 if not known."""
    job: str = ""
    """The job of a batch system that it is part of, such as ``SLURM 1234``."""
    jugfile: str = ""
    """The path of its jugfile, empty if it has none or that is not known."""
    offers: Mapping[str, int] | None = None
    """How much of ``cpus``, ``memory`` and ``gpus`` its command has, as far as that is known.

    None where that is not known, as long as it has run nothing.
    """

    @property
    def place(self) -> str:
        """Its host and process, and its job if it is part of one.

        >>> Worker("5f0c", Process("node07", "", "", 4711, ""), Life.ALIVE, job="SLURM 9_4").place
        'node07:4711 (SLURM 9_4)'
        """
        place = place_of(self.id, self.process)
        return f"{place} ({escaped(self.job)})" if self.job else place

    def as_dict(self) -> dict[str, Any]:
        """Return who and where it is, and when it was heard of last, for ``--json``."""
        process = self.process
        return {
            "worker": self.id,
            "host": process.host if process else None,
            "pid": process.pid if process else None,
            "job": self.job or None,
            "life": self.life.value,
            "silence": self.silence,
        }

    def as_holder(self, digest: bytes) -> dict[str, Any]:
        """Return the same, and since when it holds a task, for ``--json``."""
        return self.as_dict() | {"since": self.tasks[digest] or None}


def workers(store: BaseStore) -> list[Worker]:
    """Return all workers that have joined a store and have not left it, as last polled.

    >>> from jug.backends.dict_store import DictStore
    >>> store = DictStore()
    >>> lease = store.acquire([b"a" * 20])
    >>> [(worker.life.value, len(worker.tasks)) for worker in workers(store)]
    [('alive', 1)]
    """
    return _described(store, store.present())


def living_offers(store: BaseStore) -> list[Mapping[str, int]]:
    """Return what the command of each worker has that lives, where that is known, as polled."""
    alive = (one.offers for one in workers(store) if one.life is Life.ALIVE)
    return [offers for offers in alive if offers is not None]


def by_task(store: BaseStore, holders: Mapping[bytes, Holder]) -> dict[bytes, Worker]:
    """Return which worker holds each task."""
    found = _described(store, [*by_worker(holders)])
    return {digest: worker for worker in found for digest in worker.tasks}


def holder_of(store: BaseStore, digest: bytes) -> Worker | None:
    """Return who holds a task, alive or not, None if nobody does."""
    holder = store.holders().get(digest)
    if holder is None:
        return None
    return by_task(store, {digest: holder._replace(waits=False)})[digest]


def living(store: BaseStore, holders: Mapping[bytes, Holder]) -> dict[bytes, Holder]:
    """Return those of the holders that live: what they hold is being run."""
    return _with_life(store, holders, Life.ALIVE)


def silent(store: BaseStore, holders: Mapping[bytes, Holder]) -> list[Worker]:
    """Return the workers among the holders that are silent."""
    return _described(store, [*by_worker(_with_life(store, holders, Life.SILENT))])


def _with_life(
    store: BaseStore, holders: Mapping[bytes, Holder], life: Life
) -> dict[bytes, Holder]:
    if not holders:
        return {}
    now, lease = store.now(), store.lease_seconds
    lives = {one.worker: _life(one, now, lease) for one in holders.values()}
    return {digest: one for digest, one in holders.items() if lives[one.worker] is life}


def _described(store: BaseStore, seen: Sequence[Presence]) -> list[Worker]:
    """Return workers with what they said of themselves."""
    if not seen:
        return []
    records = store.workers_of({one.worker for one in seen})
    now, lease = store.now(), store.lease_seconds
    return [_worker(one, records.get(one.worker), now, lease) for one in seen]


def _worker(one: Presence, record: WorkerRecord | None, now: float, lease: float) -> Worker:
    said = () if record is None else (record.start, record.job, record.jugfile, record.offers)
    life, silence = _life(one, now, lease), _silence(one, now)
    return Worker(one.worker, one.process, life, silence, lease, one.tasks, *said)


def _life(one: Holder | Presence, now: float, lease: float) -> Life:
    silence = _silence(one, now) or 0.0
    if one.alive and silence <= lease:
        return Life.ALIVE
    is_gone = one.process.is_gone() if one.process is not None else None
    if is_gone:
        return Life.GONE
    return Life.ALIVE if one.alive and is_gone is False else Life.SILENT


def _silence(one: Holder | Presence, now: float) -> float | None:
    return max(0.0, now - one.last_sign) if one.last_sign else None


# What is said of them


def heard(worker: Worker) -> str:
    """Return when a worker was heard of last, empty if it gives no sign of life.

    >>> one = Worker("5f0c", None, Life.ALIVE, silence=4.2, lease=120.0)
    >>> heard(one)
    'last sign of life 4 s ago'
    >>> heard(one._replace(life=Life.SILENT, silence=840.0))
    'silent for 14 min, longer than the lease of 2 min'
    """
    if worker.life is Life.GONE:
        return "its process is gone"
    if worker.silence is None:
        return "" if worker.life is Life.ALIVE else "not heard of any more"
    span = rounded(round(worker.silence))
    if worker.life is Life.ALIVE:
        return f"last sign of life {span} ago"
    return f"silent for {span}, {_longer(worker.lease)}"


def silent_for_long(lease: float) -> str:
    """Return that a worker is silent, in terms of the lease.

    >>> silent_for_long(120.0), silent_for_long(inf)
    ('silent for longer than the lease of 2 min', 'silent')
    """
    return f"silent for {_longer(lease)}" if lease < inf else "silent"


def _longer(lease: float) -> str:
    return f"longer than the lease of {rounded(lease)}"


def held_by(worker: Worker, digest: bytes) -> str:
    """Return who holds a task, for how long if that is known, and when it was heard of last.

    >>> held_by(Worker("5f0c", None, Life.GONE, tasks={b"a": time.time() - 3600}), b"a")
    '5f0c for 1 h, its process is gone'
    """
    since = worker.tasks[digest]
    age = f" for {duration(time.time() - since)}" if since else ""
    return ", ".join(filter(None, [f"{worker.place}{age}", heard(worker)]))
