"""The method names that jug 2.x had, for programs that use a store directly.

They name a task by the 40 hex digits of its hash, and poll before they answer.
"""

from __future__ import annotations

from binascii import hexlify, unhexlify
from collections.abc import Iterable, Iterator
from typing import Any

from jug.backends.frames import Frame, Kind, Lease
from jug.backends.promises import (
    CodePromises,
    HistoryPromises,
    LeasePromises,
    NewsPromises,
)
from jug.errors import LockError, OptionError
from jug.records import Record, pack


class NamedAccess(NewsPromises, LeasePromises, HistoryPromises, CodePromises):
    """What jug 2.x called the methods of a store."""

    def dump(self, value: Any, name: bytes | str) -> None:
        """Save a value under a hash of 40 hex digits, in place of what is there."""
        from jug import codec  # `import jug` stays light

        digest = digest_of(name)
        payload = codec.encode(value)
        record = pack(Record(size=sum(map(len, payload))))
        self.discard([digest])
        self.put(Frame(Kind.RESULT, digest, record, payload))

    def load(self, name: bytes | str) -> Any:
        """Return the value saved under a hash of 40 hex digits."""
        self.poll()
        return self.load_digest(digest_of(name))

    def can_load(self, name: bytes | str) -> bool:
        """Return whether a value is saved under a hash of 40 hex digits."""
        self.poll()
        return self.has(digest_of(name))

    def list(self) -> Iterator[bytes]:
        """Yield the hash of each result, as 40 hex digits."""
        self.poll()
        return map(hexlify, tuple(self.digests()))

    def listlocks(self) -> Iterator[bytes]:
        """Yield the hash of each task that is locked or failed for good, as 40 hex digits."""
        self.poll()
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
        self.poll()
        used = {digest_of(task.hash()) for task in active}
        unused = {*self.digests(), *self.failures()} - used
        removed = self.discard(unused)
        if not keeplocks:
            removed += self.break_leases(set(self.holders()) - used)
        return removed

    def metadata(self, t: Any) -> dict[str, Any] | None:
        """Return what the record of the task's run says, None if it has not run."""
        self.poll()
        record = self.record(digest_of(t.hash()))
        return None if record is None else record.as_dict()

    def getlock(self, name: bytes | str) -> TaskLock:
        """Return the lock of a task, by its hash."""
        return TaskLock(self, digest_of(name))


class TaskLock:
    """The lock of one task, as jug 2.x had it: a lease that is taken and given back by hand."""

    def __init__(self, store: NamedAccess, digest: bytes) -> None:
        self.store = store
        self.digest = digest
        self.lease: Lease | None = None

    def get(self) -> bool:
        """Take the lock; return whether it was free, the task not done and not failed for good."""
        self.store.poll()
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
        self.store.poll()
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
