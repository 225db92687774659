"""What the workers say of themselves: known to the server, and remembered by who has asked."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

from jug.backends.process import Process
from jug.backends.worker_record import WorkerRecord

if TYPE_CHECKING:
    from jug.backends._redis.server import Server


class Workers:
    """What workers say of themselves, by their ids.

    A worker is entered once, before it takes or saves anything, and stays; once more it
    says when it ended.
    """

    def __init__(self) -> None:
        self._known: dict[str, WorkerRecord] = {}

    def enter(self, server: Server, worker: WorkerRecord) -> None:
        """Say who a worker is."""
        server.command("HSET", self._key(server), worker.id, worker.pack())
        self._known[worker.id] = worker

    def note_end(self, server: Server, worker: str) -> None:
        """Say that a worker of this process ends now."""
        self.enter(server, self._known[worker]._replace(end=time.time()))

    def of(self, server: Server, workers: Iterable[str]) -> dict[str, WorkerRecord]:
        """Return what is known of workers; one that is not known is left out."""
        unknown = [worker for worker in set(workers) if worker not in self._known]
        if unknown:
            found = server.command("HMGET", self._key(server), *unknown)
            self._take_in(zip(unknown, found, strict=True))
        return self._known

    def all(self, server: Server) -> dict[str, WorkerRecord]:
        """Return what is known of all workers."""
        found = server.command("HGETALL", self._key(server))
        pairs = zip(found[::2], found[1::2], strict=True)
        self._take_in((worker.decode(), packed) for worker, packed in pairs)
        return dict(self._known)

    def _take_in(self, found: Iterable[tuple[str, bytes | None]]) -> None:
        for worker, packed in found:
            with suppress(ValueError):  # said by a version that this one does not understand
                if packed is not None:
                    self._known[worker] = WorkerRecord.unpack(worker, packed)

    @staticmethod
    def _key(server: Server) -> str:
        return f"{server.address.tag}workers"


def process_of(packed: bytes) -> Process | None:
    """Return the process of a worker from what it said, None if that is not understood."""
    try:
        return WorkerRecord.unpack("", packed).process
    except ValueError:
        return None
