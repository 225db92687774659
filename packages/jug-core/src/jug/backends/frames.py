"""What passes between a worker and a store: frames, leases, and who holds them."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from jug.records import Buffer

if TYPE_CHECKING:
    from jug.backends.process import Process

__all__ = ["Frame", "Heartbeat", "Holder", "Kind", "Lease", "Outcome"]


class Kind(IntEnum):
    """What a frame says of its task."""

    RESULT = 1
    FAILURE = 2
    """It failed; a worker that starts later tries it again."""
    KEPT = 3
    """It failed and is not tried again until ``cleanup --failed-only``."""


class Frame(NamedTuple):
    """What one run of one task leaves behind."""

    kind: Kind
    digest: bytes
    record: bytes
    """The packed record (`jug.records`)."""
    payload: Sequence[Buffer] = ()
    """The encoded result (`jug.codec`), in pieces; empty for a failure."""


class Lease:
    """The right to run a task, until it is released, committed or lost.

    `token` is whatever the store needs to know its own lease again, and `since` the
    clock of its news (`jug.backends.news`) when the lease was given.
    """

    __slots__ = ("digest", "since", "token")

    def __init__(self, digest: bytes, token: Any = None, since: int = 0) -> None:
        self.digest = digest
        self.token = token
        self.since = since


class Outcome(Enum):
    """What became of a frame that was committed; the lease is over in any case."""

    SAVED = "saved"
    DUPLICATE = "duplicate"
    """A result was there already, from a worker that took over; it stays."""
    STALE = "stale"
    """This task, or one that it was made from, was discarded meanwhile; not saved."""


class Holder(NamedTuple):
    """Who holds a lease."""

    worker: str
    """The worker's id."""
    process: Process | None
    """Its process, where that is known."""
    alive: bool
    """False once it is certainly gone, or its heartbeat was seen to stop."""
    since: float = 0.0
    """Since when it has the task, in seconds since the epoch; 0.0 as long as that is not known."""


class Heartbeat(Protocol):
    """The heartbeat of one worker, made to run in another process.

    It pickles.  `beat` is called every `interval` seconds for as long as the
    worker lives and is not stopped; it shows others that the worker lives, and
    makes durable what the worker has written while a long task keeps it busy.  `show` is
    called once for a task that takes a second or more, so that a short task costs nothing.
    """

    interval: float

    def beat(self) -> None:
        """Show that the worker lives."""

    def show(self, digest: bytes, since: float) -> None:
        """Show which task the worker runs, and since when in seconds since the epoch."""
