"""The lock of a task, taken and given back by hand.

A lock that is held is remembered here and not in the task, so that another object
for the same task gives it back as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jug.errors import LockError

if TYPE_CHECKING:
    from jug.backends.base import BaseStore
    from jug.backends.named import TaskLock

_held: dict[tuple[BaseStore, bytes], TaskLock] = {}


class Lockable:
    """Something with a digest and a store, of which one process at a time may hold the lock."""

    __slots__ = ()

    if TYPE_CHECKING:
        store: Any

        @property
        def digest(self) -> bytes: ...
        @property
        def name(self) -> str: ...
        def hash(self) -> bytes: ...

    def lock(self) -> bool:
        """Take the lock; return whether it was free, and the task neither done nor failed for good.

        The lock is kept alive until `unlock`, however long that takes.
        """
        key = (self.store, self.digest)
        lock = _held.get(key) or self.store.getlock(self.hash())
        if not lock.get():
            return False
        from jug.backends.heartbeat import start_heartbeat  # `import jug` stays light

        _held[key] = lock
        start_heartbeat(self.store)
        return True

    def unlock(self) -> None:
        """Give the lock back, if this process holds it."""
        lock = _held.pop((self.store, self.digest), None)
        if lock is not None:
            lock.release()

    @property
    def is_locked_here(self) -> bool:
        """Whether this thread holds the lock."""
        return (self.store, self.digest) in _held

    def is_locked(self) -> bool:
        """Return whether somebody held the lock when this was asked: a hint."""
        lock: TaskLock = self.store.getlock(self.hash())
        return lock.is_locked()

    def fail(self) -> bool:
        """Say that the task failed, for good, and give the lock back.

        Raises `LockError` if the lock is not held here.
        """
        lock = _held.pop((self.store, self.digest), None)
        if lock is None:
            raise LockError(
                f"task {self.name!r} is not locked by this process: call lock() before fail()",
                task=self,
            )
        return lock.fail()

    def is_failed(self) -> bool:
        """Return whether its last run failed."""
        self.store.poll()
        return bool(self.digest in self.store.failures())
