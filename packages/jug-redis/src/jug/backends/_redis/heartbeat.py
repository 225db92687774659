"""The heartbeat of a worker whose results are in redis."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jug.backends._redis.scripts import BEAT, SHOW, Script
from jug.backends._redis.url import Address
from jug.errors import JugError
from jug.messages import Log

if TYPE_CHECKING:
    from jug.backends._redis.server import Server

log = Log("redis")


@dataclass(slots=True, eq=False)
class RedisHeartbeat:
    """The heartbeat of one worker, with a connection of its own in each process that beats.

    A beat that does not reach the server is no reason to stop: the server keeps
    no worker for dead because of a time in which it was away itself.
    """

    address: Address
    worker: str
    lease_ms: int
    interval: float
    _server: Server | None = field(default=None, repr=False)
    _pid: int = field(default=0, repr=False)
    _is_failing: bool = field(default=False, repr=False)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle without the connection."""
        return type(self), (self.address, self.worker, self.lease_ms, self.interval)

    def beat(self) -> None:
        """Show that the worker lives."""
        self._run(BEAT, self.lease_ms)

    def show(self, digest: bytes, since: float) -> None:
        """Show which task the worker runs, and since when."""
        self._run(SHOW, digest, f"{since:.6f}")

    def _run(self, script: Script, *arguments: Any) -> None:
        try:
            self._connected().run(script, self.worker, *arguments)
        except JugError as error:  # the server is away, or a file that the URL names
            if not self._is_failing:
                log.warning("worker %s can't show that it lives: %s", self.worker, error)
            self._is_failing = True
        else:
            self._is_failing = False

    def _connected(self) -> Server:
        from jug.backends._redis.server import Server

        if self._server is None or self._pid != os.getpid():
            # Who beats has other things to do, and beats again soon.
            self._server = Server(self.address, patience=0.0, timeout=5.0)
            self._pid = os.getpid()
        return self._server
