"""Where a run was: the host and process of its worker, as far as the store knows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from jug.backends.worker_record import WorkerRecord

__all__ = ["Place", "Places"]

_SHORT_ID: Final = 8


class Place(NamedTuple):
    """Who ran something."""

    worker: str
    """The worker's id, empty if that is not known."""
    host: str
    """Its host, empty if that is not known."""
    pid: int | None

    def __str__(self) -> str:
        """Return host and process, or what else is known of the worker."""
        if self.host:
            return f"{self.host}:{self.pid}"
        return self.worker[:_SHORT_ID] or "-"

    def as_dict(self) -> dict[str, Any]:
        """Return it for ``--json``."""
        return {"worker": self.worker or None, "host": self.host or None, "pid": self.pid}


class Places:
    """The places of the workers of a store.

    >>> worker = WorkerRecord.here("0123456789abcdef")
    >>> str(Places({worker.id: worker}).of(worker.id)) == worker.place
    True
    >>> str(Places({}).of("0123456789abcdef")), str(Places({}).of("node7:1234"))
    ('01234567', 'node7:1234')
    """

    def __init__(self, workers: Mapping[str, WorkerRecord]) -> None:
        self._known = {
            id: Place(id, worker.process.host, worker.process.pid) for id, worker in workers.items()
        }
        self._ids = {str(place): id for id, place in self._known.items()}

    def of(self, worker: str) -> Place:
        """Return the place of a worker, named by its id, or by host and process."""
        known = self._known.get(worker)
        if known is None:
            host, _, pid = worker.rpartition(":")
            known = Place(worker, "", None)
            if host and pid.isdecimal():
                known = Place(self._ids.get(worker, ""), host, int(pid))
            self._known[worker] = known
        return known
