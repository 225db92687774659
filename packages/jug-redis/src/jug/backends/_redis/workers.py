"""Which process each worker is: known to the server, and remembered by who has asked."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

from jug.backends.process import Process

if TYPE_CHECKING:
    from jug.backends._redis.server import Server


class Workers:
    """The processes of workers, by their ids.

    A worker is entered once, before it takes or saves anything, and stays.
    """

    def __init__(self) -> None:
        self._processes: dict[str, Process] = {}

    def enter(self, server: Server, worker: str) -> None:
        """Say that a worker is this process."""
        here = Process.here()
        server.command("HSET", self._key(server), worker, json.dumps(here))
        self._processes[worker] = here

    def of(self, server: Server, workers: Iterable[str]) -> dict[str, Process]:
        """Return the processes of workers; one that is not known is left out."""
        unknown = [worker for worker in set(workers) if worker not in self._processes]
        if unknown:
            found = server.command("HMGET", self._key(server), *unknown)
            for worker, packed in zip(unknown, found, strict=True):
                if packed is not None:
                    self._processes[worker] = unpacked(packed)
        return self._processes

    @staticmethod
    def _key(server: Server) -> str:
        return f"{server.address.tag}workers"


def unpacked(packed: bytes) -> Process:
    """Return a process as the server keeps it."""
    return Process(*json.loads(packed))
