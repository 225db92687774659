"""What passes between a worker and a store: frames, leases, and who holds them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, Any, Final, Protocol

from jug.named_tuple import NamedTuple
from jug.records import Buffer
from jug.wording import escaped

if TYPE_CHECKING:
    from jug.backends.process import Process

__all__ = [
    "Frame",
    "Heartbeat",
    "Holder",
    "Kind",
    "Lease",
    "Outcome",
    "Presence",
    "by_worker",
    "place_of",
]


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

    __slots__ = ("digest", "is_one_of_several", "since", "token")

    def __init__(
        self, digest: bytes, token: Any = None, since: int = 0, is_one_of_several: bool = False
    ) -> None:
        self.digest = digest
        self.token = token
        self.since = since
        self.is_one_of_several = is_one_of_several


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
    last_sign: float = 0.0
    """When it last showed that it lives, by the clock of the store (`now`); 0.0 if not known."""
    waits: bool = False
    """Whether it was taken together with others, and its worker runs one of these first."""

    @property
    def place(self) -> str:
        """Its host and process, as people read them, or else the first digits of its id."""
        return place_of(self.worker, self.process)


class Presence(NamedTuple):
    """A worker that has joined a store and has not left it."""

    worker: str
    """The worker's id."""
    process: Process | None
    """Its process, where that is known."""
    alive: bool
    """As that of a `Holder`."""
    last_sign: float = 0.0
    """As that of a `Holder`."""
    tasks: Mapping[bytes, float] = {}  # noqa: RUF012
    """The tasks that it runs, with since when it has each, as `Holder.since` says it."""


def by_worker(holders: Mapping[bytes, Holder]) -> Iterator[Presence]:
    """Yield the workers that hold something, each once.

    >>> holder = Holder("5f0c", None, alive=True)
    >>> [one.tasks for one in by_worker({b"a": holder, b"b": holder._replace(since=9.0)})]
    [{b'a': 0.0, b'b': 9.0}]
    """
    tasks: dict[str, dict[bytes, float]] = {}
    for digest, holder in holders.items():
        running = tasks.setdefault(holder.worker, {})
        if not holder.waits:
            running[digest] = holder.since
    by_id = {holder.worker: holder for holder in holders.values()}
    for worker, held in tasks.items():
        holder = by_id[worker]
        yield Presence(worker, holder.process, holder.alive, holder.last_sign, held)


def place_of(worker: str, process: Process | None) -> str:
    """Return the host and process of a worker, or else the first digits of its id."""
    if process is None:
        return worker[:_SHORT_ID]
    return escaped(f"{process.host}:{process.pid}")


_SHORT_ID: Final = 8


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
