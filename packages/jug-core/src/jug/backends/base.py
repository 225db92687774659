"""What a store promises.

A store keeps the results of tasks and says who is working on what.  Workers on
any number of machines share it and nothing else, so all that they need to agree
on is promised here:

- *Names.* A task is named by its digest, 20 raw bytes.  The 40 hex digits that
  people see are for the methods that jug 2.x had (`dump`, `getlock`, …).
- *Frames.* What a run leaves behind is one frame: a result or a failure, with
  the record of the run.  A frame is seen whole or not at all.  Frames commute:
  whatever order they are learned in, all readers come to the same state.  A
  task is *done* while a result for it is there; else *failed* while a failure
  is; a failure is *kept* when it should not be tried again before a
  ``cleanup --failed-only``.  If two workers saved a result of one task, all
  readers agree on which one counts.
- *The index.* `exists`, `failures` and `digests` answer from memory, without
  input or output.  `learn` reads what others did since, and only what is new.
  `acquire`, `commit` and `wait` learn too.  What others did is handed out once,
  by `drain`; what a store object did itself is known to who asked it to.
- *Leases.* Who holds the lease of a task may run it.  At most one worker does,
  unless one was found dead: then its lease is taken over, by exactly one.  A
  lease is given for a task that has no result, as of the moment when it is
  given.  Releasing removes one's own lease and nobody else's.
- *Durability.* What others can see as done survives a power cut, but for the
  last second of computing.  `flush` makes it all safe at once.
- *Truth.* Damage is recognised, reported, and treated as not there.  Nothing
  that could not be written is called done.

A store that only one process can use still passes the same tests; what is
promised between workers holds between two store objects of one process then.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from binascii import hexlify, unhexlify
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum, IntEnum
from types import TracebackType
from typing import Any, ClassVar, NamedTuple, Protocol, Self

from jug.backends.process import Process
from jug.errors import DamagedResult, LockError, OptionError, ResultNotFound
from jug.records import Record, pack

__all__ = [
    "BaseStore",
    "Buffer",
    "Changes",
    "Frame",
    "Holder",
    "Kind",
    "Lease",
    "Outcome",
    "Pulse",
    "TaskLock",
]

Buffer = bytes | bytearray | memoryview


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

    `token` is whatever the store needs to know its own lease again.
    """

    __slots__ = ("digest", "token")

    def __init__(self, digest: bytes, token: Any = None) -> None:
        self.digest = digest
        self.token = token


class Outcome(Enum):
    """What became of a frame that was committed; the lease is over in any case."""

    SAVED = "saved"
    DUPLICATE = "duplicate"
    """A result was there already, from a worker that took over; it stays."""
    STALE = "stale"
    """A result that this one was made from was removed meanwhile; not saved."""


class Changes:
    """What a store has learned since it was last asked; empty means nothing.

    A digest may stand in several lists; ask `exists` and `failures` for its state.
    """

    __slots__ = ("failed", "finished", "removed")

    def __init__(
        self,
        finished: Iterable[bytes] = (),
        failed: Iterable[bytes] = (),
        removed: Iterable[bytes] = (),
    ) -> None:
        self.finished = [*finished]
        self.failed = [*failed]
        self.removed = [*removed]

    def __repr__(self) -> str:
        """Show what changed."""
        return f"Changes({self.finished!r}, {self.failed!r}, {self.removed!r})"

    def __bool__(self) -> bool:
        """Return whether anything changed."""
        return bool(self.finished or self.failed or self.removed)


class Holder(NamedTuple):
    """Who holds a lease."""

    worker: str
    """The worker's id."""
    process: Process | None
    """Its process, where that is known."""
    alive: bool
    """False once it is certainly gone, or its heartbeat was seen to stop."""


class Pulse(Protocol):
    """The heartbeat of one worker, made to run in another process.

    It pickles.  `beat` is called every `interval` seconds for as long as the
    worker lives and is not stopped; it shows others that the worker lives, and
    makes durable what the worker has written while a long task keeps it busy.
    """

    interval: float

    def beat(self) -> None:
        """Show that the worker lives."""


class BaseStore(ABC):
    """Results, failures and leases of tasks, shared by any number of workers."""

    shared: ClassVar[bool] = True
    """Whether other processes can open the same store."""

    url: str
    """What `jug.backends.registry.open_store` would open this store by, without secrets."""

    # What is there, from memory

    @abstractmethod
    def exists(self, digests: Iterable[bytes]) -> list[bool]:
        """Return for each digest whether its result is there, as last learned."""

    @abstractmethod
    def failures(self) -> Mapping[bytes, bool]:
        """Return the tasks that failed and have no result: digest to whether it is kept."""

    @abstractmethod
    def digests(self) -> Iterator[bytes]:
        """Yield the digests of all results, as last learned."""

    @abstractmethod
    def drain(self) -> Changes:
        """Return what was learned and not handed out yet, without input or output."""

    # What others did

    @abstractmethod
    def learn(self) -> None:
        """Read what others did since, for `drain` to hand out."""

    def learn_of(self, digests: Iterable[bytes]) -> list[bool]:
        """Learn what others did, and return for each digest whether its result is there.

        A store that has learned nothing before may keep these digests, and no copies
        of them.  If all are there, it need not learn of others.
        """
        wanted = list(digests)
        self.learn()
        return self.exists(wanted)

    def refresh(self) -> Changes:
        """Learn what others did and return it."""
        self.learn()
        return self.drain()

    @abstractmethod
    def wait(self, seconds: float) -> Changes:
        """Wait until something changes, at most so long, and return what did.

        Also returns, with nothing, when a lease was released or its holder died.
        """

    # Reading

    @abstractmethod
    def read(self, digest: bytes) -> Buffer:
        """Return the encoded result.

        Raises `ResultNotFound` if it is not there and `DamagedResult` if what is
        there is not what was written.
        """

    @abstractmethod
    def record(self, digest: bytes) -> Record | None:
        """Return the record of the run that counts: of the result, else the last failure."""

    @abstractmethod
    def size(self, digest: bytes) -> int:
        """Return how many bytes the encoded result takes."""

    def records(self, digests: Sequence[bytes]) -> list[Record | None]:
        """Return the record of each task, None also where it is damaged.

        A store may read them in one go.
        """
        return [self._record_if_sound(digest) for digest in digests]

    def sizes(self, digests: Sequence[bytes]) -> list[int]:
        """Return the size of each result, 0 where it is not there any more or damaged."""
        return [self._size_if_sound(digest) for digest in digests]

    def _record_if_sound(self, digest: bytes) -> Record | None:
        try:
            return self.record(digest)
        except (ResultNotFound, DamagedResult):
            return None

    def _size_if_sound(self, digest: bytes) -> int:
        try:
            return self.size(digest)
        except (ResultNotFound, DamagedResult):
            return 0

    # Leases

    @abstractmethod
    def acquire(self, candidates: Sequence[bytes]) -> Lease | None:
        """Return a lease of the first candidate that is free and has no result.

        The leases of dead workers count as free.  Whether a candidate failed
        before is for the caller to look at.
        """

    @abstractmethod
    def commit(self, lease: Lease, frame: Frame, inputs: Sequence[bytes] = ()) -> Outcome:
        """Save what became of the task and end the lease.

        `inputs` are the results that it was made from: if one of them was
        removed since the lease was given, nothing is saved.  A lease that was
        lost meanwhile is noticed; the frame is saved then unless a result is there.
        If it can't be written this raises `StoreError`, the lease is released, and
        the frame is not there for anybody.
        """

    def commit_and_acquire(
        self, lease: Lease, frame: Frame, inputs: Sequence[bytes], candidates: Sequence[bytes]
    ) -> tuple[Outcome, Lease | None]:
        """Commit one task and acquire the next; a store may do it in one go."""
        outcome = self.commit(lease, frame, inputs)
        return outcome, self.acquire(candidates) if candidates else None

    @abstractmethod
    def release(self, lease: Lease) -> None:
        """End the lease, saving nothing.  A lease that was lost is left alone."""

    @abstractmethod
    def holders(self) -> dict[bytes, Holder]:
        """Return who holds what now: a hint, true at some moment of the call."""

    @abstractmethod
    def break_leases(self, digests: Iterable[bytes]) -> int:
        """Take the leases away from whoever holds them, alive or not; return how many."""

    @abstractmethod
    def tidy(self) -> None:
        """Remove what workers that are certainly gone left behind: their leases and the like."""

    @abstractmethod
    def pulse(self) -> Pulse | None:
        """Return the heartbeat of this worker, None for a store that needs none."""

    # Writing without a lease

    @abstractmethod
    def put(self, frame: Frame) -> None:
        """Save a frame, whoever holds the lease.  A result that is there stays."""

    @abstractmethod
    def discard(self, digests: Iterable[bytes]) -> int:
        """Remove results and failures, as they are after learning; return of how many tasks.

        A worker that runs such a task right now, from what was there before, does
        not save it.
        """

    @abstractmethod
    def flush(self) -> None:
        """Return once all that was saved here survives a power cut."""

    @abstractmethod
    def close(self) -> None:
        """Flush, give back all leases, and let go of every resource."""

    @abstractmethod
    def after_fork(self) -> None:
        """Become a worker of one's own in a process that was forked.

        Nothing of the parent's (its leases, files being written, connections)
        is touched.
        """

    # The same for every store

    def has(self, digest: bytes) -> bool:
        """Return whether the result is there, as last learned."""
        return self.exists((digest,))[0]

    def load_digest(self, digest: bytes) -> Any:
        """Return the value of a result.

        A damaged one is reported, removed for everybody, and raises
        `DamagedResult`.
        """
        from jug import codec  # `import jug` stays light

        try:
            return codec.decode(self.read(digest))
        except DamagedResult as error:
            import logging

            logging.getLogger("jug.store").error(
                "the result of %s in %s is damaged (%s): it will be computed again",
                hexlify(digest).decode(),
                self.url,
                error,
            )
            self.discard([digest])
            raise

    def __enter__(self) -> Self:
        """Return the store itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the store."""
        self.close()

    def __repr__(self) -> str:
        """Show which store it is."""
        return f"<{type(self).__name__} {self.url}>"

    # The names that jug 2.x had, for programs that use a store directly

    def dump(self, value: Any, name: bytes | str) -> None:
        """Save a value under a hash of 40 hex digits, in place of what is there."""
        from jug import codec

        digest = digest_of(name)
        payload = codec.encode(value)
        record = pack(Record(size=sum(map(len, payload))))
        self.discard([digest])
        self.put(Frame(Kind.RESULT, digest, record, payload))

    def load(self, name: bytes | str) -> Any:
        """Return the value saved under a hash of 40 hex digits."""
        self.learn()
        return self.load_digest(digest_of(name))

    def can_load(self, name: bytes | str) -> bool:
        """Return whether a value is saved under a hash of 40 hex digits."""
        self.learn()
        return self.has(digest_of(name))

    def list(self) -> Iterator[bytes]:
        """Yield the hash of each result, as 40 hex digits."""
        self.learn()
        return map(hexlify, tuple(self.digests()))

    def listlocks(self) -> Iterator[bytes]:
        """Yield the hash of each task that is locked or failed for good, as 40 hex digits."""
        self.learn()
        kept = {digest for digest, is_kept in self.failures().items() if is_kept}
        return map(hexlify, kept.union(self.holders()))

    def remove(self, name: bytes | str) -> bool:
        """Remove a result by its hash; return whether it was there."""
        return bool(self.discard([digest_of(name)]))

    def remove_many(self, names: Iterable[bytes | str]) -> int:
        """Remove results by their hashes; return how many were there."""
        return self.discard([digest_of(name) for name in names])

    def remove_locks(self) -> int:
        """Take all locks away, whoever holds them; return how many there were."""
        return self.break_leases(tuple(self.holders()))

    def cleanup(self, active: Iterable[Any], keeplocks: bool = False) -> int:
        """Remove the results and locks that none of the active tasks uses; return how many."""
        self.learn()
        used = {digest_of(task.hash()) for task in active}
        unused = {*self.digests(), *self.failures()} - used
        removed = self.discard(unused)
        if not keeplocks:
            removed += self.break_leases(set(self.holders()) - used)
        return removed

    def metadata(self, task: Any) -> dict[str, Any] | None:
        """Return what the record of the task's run says, None if it has not run."""
        self.learn()
        record = self.record(digest_of(task.hash()))
        return None if record is None else record.as_dict()

    def getlock(self, name: bytes | str) -> TaskLock:
        """Return the lock of a task, by its hash."""
        return TaskLock(self, digest_of(name))


class TaskLock:
    """The lock of one task, as jug 2.x had it: a lease that is taken and given back by hand."""

    def __init__(self, store: BaseStore, digest: bytes) -> None:
        self.store = store
        self.digest = digest
        self.lease: Lease | None = None

    def get(self) -> bool:
        """Take the lock; return whether it was free, the task not done and not failed for good."""
        self.store.learn()
        if self.lease is not None or self.store.failures().get(self.digest):
            return False
        self.lease = self.store.acquire([self.digest])
        return self.lease is not None

    def release(self) -> None:
        """Give the lock back, if it is held."""
        if self.lease is not None:
            self.store.release(self.lease)
            self.lease = None

    def is_locked(self) -> bool:
        """Return whether somebody holds the lock or the task failed for good: a hint."""
        return self.is_failed() or self.digest in self.store.holders()

    def fail(self) -> bool:
        """Say that the task failed, for good, and give the lock back."""
        if self.lease is None:
            raise LockError(
                f"task {hexlify(self.digest).decode()} is not locked by this process: "
                "only who holds the lock can fail it",
                digest=self.digest,
            )
        lease, self.lease = self.lease, None
        self.store.commit(lease, Frame(Kind.KEPT, self.digest, pack(Record())))
        return True

    def is_failed(self) -> bool:
        """Return whether the task failed for good."""
        self.store.learn()
        return self.store.failures().get(self.digest, False)


def digest_of(name: bytes | str) -> bytes:
    """Return the 20 raw bytes of a hash of 40 hex digits."""
    try:
        digest = unhexlify(name)
    except ValueError:
        digest = b""
    if len(digest) != 20:
        raise OptionError(f"{name!r} is not a hash: 40 hex digits are needed", name=name)
    return digest
