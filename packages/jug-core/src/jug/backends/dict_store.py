"""The smallest store: dictionaries in the memory of one process.

It is what tests and small scripts use, and the one to read before writing
another.  Everything is in a `_Memory`, under one lock.  Store objects are views
of a memory, each a worker of its own, so two threads may work on one memory
like two processes on a directory: whoever changes something puts it on the list
of news of every other view.

Removals are counted.  A lease keeps the count of the moment when it was given,
and each removed digest the count of its last removal, so what was made from
something that was removed since is seen by comparing two numbers, also when it
has been computed again meanwhile.

Results are kept encoded, as in every store: a task that changes what it was
given changes no result.

With a FILE the memory is loaded from it, and saved to it by `flush` and `close`.
A crash costs what came after the last of these; for long computations there are
directories.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Condition
from typing import ClassVar, NamedTuple, Self
from weakref import WeakSet

from jug import codec, records
from jug.backends._dict_file import DictFile
from jug.backends.base import BaseStore, Changes, Frame, Holder, Kind, Lease, Outcome, Pulse
from jug.backends.process import Process
from jug.errors import ResultNotFound
from jug.records import Record

__all__ = ["DictStore", "dict_store"]


class _Result(NamedTuple):
    record: bytes
    encoded: bytes


class _Failure(NamedTuple):
    record: bytes
    kept: bool


class _Token(NamedTuple):
    worker: str
    removals: int


@dataclass(slots=True, eq=False)
class _Memory:
    """What the views of one store share."""

    changed: Condition = field(default_factory=Condition)
    views: WeakSet[DictStore] = field(default_factory=WeakSet)
    results: dict[bytes, _Result] = field(default_factory=dict)
    failures: dict[bytes, _Failure] = field(default_factory=dict)
    leases: dict[bytes, Lease] = field(default_factory=dict)
    removals: int = 0
    removed: dict[bytes, int] = field(default_factory=dict)
    file: DictFile | None = None
    unsaved: bool = False


class DictStore(BaseStore):
    """Results, failures and leases in memory, saved to a file if one is named.

    >>> store = DictStore()
    >>> store.dump([1, 2], b"0" * 40)
    >>> store.load(b"0" * 40)
    [1, 2]
    """

    shared: ClassVar[bool] = False

    def __init__(self, backend: str | os.PathLike[str] | None = None) -> None:
        memory = _Memory()
        if backend is not None:
            memory.file = DictFile(backend)
            results, failures = memory.file.load()
            memory.results = {digest: _Result(*parts) for digest, parts in results.items()}
            memory.failures = {digest: _Failure(*parts) for digest, parts in failures.items()}
        self._view(memory)

    @classmethod
    def open(cls, url: str, *, lease_seconds: float | None = None) -> Self:
        """Return the store of ``dict_store`` or ``dict_store:FILE``.

        Its leases end with the process, so the lease time changes nothing.
        """
        return cls(url.partition(":")[2] or None)

    @classmethod
    def sharing(cls, other: DictStore) -> Self:
        """Return another view of a store's memory, for another worker.

        >>> one = DictStore()
        >>> two = DictStore.sharing(one)
        >>> one.dump("hello", b"0" * 40)
        >>> two.load(b"0" * 40)
        'hello'
        """
        view = cls.__new__(cls)
        view._view(other._memory)
        return view

    def _view(self, memory: _Memory) -> None:
        self._memory = memory
        self._news = Changes()
        self._was_released = False
        self._worker = _new_worker()
        self.url = "dict_store" if memory.file is None else f"dict_store:{memory.file.path}"
        with memory.changed:
            memory.views.add(self)

    # What is there

    def exists(self, digests: Iterable[bytes]) -> list[bool]:
        """Return for each digest whether its result is there."""
        results = self._memory.results
        return [digest in results for digest in digests]

    def failures(self) -> Mapping[bytes, bool]:
        """Return the tasks that failed and have no result: digest to whether it is kept."""
        with self._memory.changed:
            return {digest: failure.kept for digest, failure in self._memory.failures.items()}

    def digests(self) -> Iterator[bytes]:
        """Yield the digests of all results."""
        with self._memory.changed:
            return iter(tuple(self._memory.results))

    def drain(self) -> Changes:
        """Return what other views changed and was not handed out yet."""
        with self._memory.changed:
            news, self._news = self._news, Changes()
            return news

    def learn(self) -> None:
        """Do nothing: whoever changes something tells all views."""

    def wait(self, seconds: float) -> Changes:
        """Wait until another view changes something, at most so long, and return what it did."""
        with self._memory.changed:
            self._memory.changed.wait_for(lambda: self._news or self._was_released, seconds)
            self._was_released = False
            return self.drain()

    def _tell_others(self, news: Changes, released: bool = False) -> None:
        for view in self._memory.views:
            if view is not self:
                view._news.finished += news.finished
                view._news.failed += news.failed
                view._news.removed += news.removed
                view._was_released |= released
        self._memory.changed.notify_all()

    # Reading

    def read(self, digest: bytes) -> bytes:
        """Return the encoded result."""
        encoded = self._result(digest).encoded
        codec.verify(encoded)
        return encoded

    def record(self, digest: bytes) -> Record | None:
        """Return the record of the run that counts: of the result, else the last failure."""
        with self._memory.changed:
            found = self._memory.results.get(digest) or self._memory.failures.get(digest)
        return None if found is None else records.unpack(found.record)

    def size(self, digest: bytes) -> int:
        """Return how many bytes the encoded result takes."""
        return len(self._result(digest).encoded)

    def _result(self, digest: bytes) -> _Result:
        try:
            return self._memory.results[digest]
        except KeyError:
            raise ResultNotFound(
                f"the result of {digest.hex()} is not in {self.url}: run its task first",
                digest=digest,
            ) from None

    # Leases

    def acquire(self, candidates: Sequence[bytes]) -> Lease | None:
        """Return a lease of the first candidate that is free and has no result."""
        memory = self._memory
        with memory.changed:
            self._was_released = False
            for digest in candidates:
                if digest not in memory.leases and digest not in memory.results:
                    lease = Lease(digest, _Token(self._worker, memory.removals))
                    memory.leases[digest] = lease
                    return lease
            return None

    def commit(self, lease: Lease, frame: Frame, inputs: Sequence[bytes] = ()) -> Outcome:
        """Save what became of the task and end the lease."""
        memory = self._memory
        with memory.changed:
            self.release(lease)
            since = lease.token.removals
            if any(memory.removed.get(digest, 0) > since for digest in (lease.digest, *inputs)):
                return Outcome.STALE
            if lease.digest in memory.results:
                return Outcome.DUPLICATE
            self.put(frame)
            return Outcome.SAVED

    def release(self, lease: Lease) -> None:
        """End the lease, saving nothing.  A lease that was lost is left alone."""
        with self._memory.changed:
            if self._memory.leases.get(lease.digest) is lease:
                self.break_leases([lease.digest])

    def holders(self) -> dict[bytes, Holder]:
        """Return who holds what now."""
        here = Process.here()
        with self._memory.changed:
            return {
                digest: Holder(lease.token.worker, here, alive=True)
                for digest, lease in self._memory.leases.items()
            }

    def break_leases(self, digests: Iterable[bytes]) -> int:
        """Take the leases away from whoever holds them; return how many."""
        with self._memory.changed:
            broken = [digest for digest in digests if self._memory.leases.pop(digest, None)]
            if broken:
                self._tell_others(Changes(), released=True)
            return len(broken)

    def tidy(self) -> None:
        """Do nothing: a worker that is gone has taken the memory with it."""

    def pulse(self) -> Pulse | None:
        """Return None: all workers live and die together."""
        return None

    # Writing

    def put(self, frame: Frame) -> None:
        """Save a frame, whoever holds the lease.  A result that is there stays."""
        memory, digest = self._memory, frame.digest
        with memory.changed:
            if digest in memory.results:
                return
            before = memory.failures.pop(digest, None)
            if frame.kind is Kind.RESULT:
                memory.results[digest] = _Result(frame.record, b"".join(frame.payload))
                self._tell_others(Changes(finished=[digest]))
            else:
                kept = frame.kind is Kind.KEPT or (before is not None and before.kept)
                memory.failures[digest] = _Failure(frame.record, kept)
                self._tell_others(Changes(failed=[digest]))
            memory.unsaved = True

    def discard(self, digests: Iterable[bytes]) -> int:
        """Remove results and failures; return how many tasks' were there."""
        memory, gone = self._memory, []
        with memory.changed:
            memory.removals += 1
            for digest in digests:
                memory.removed[digest] = memory.removals
                if memory.results.pop(digest, None) or memory.failures.pop(digest, None):
                    gone.append(digest)
            if gone:
                memory.unsaved = True
                self._tell_others(Changes(removed=gone))
            return len(gone)

    def flush(self) -> None:
        """Save the memory to its file, if there is one and something changed."""
        memory = self._memory
        with memory.changed:
            if memory.file is not None and memory.unsaved:
                memory.file.save(memory.results, memory.failures)
                memory.unsaved = False

    def close(self) -> None:
        """Flush and give back all leases."""
        memory = self._memory
        with memory.changed:
            own = [key for key, held in memory.leases.items() if held.token.worker == self._worker]
            self.break_leases(own)
            memory.views.discard(self)
            self.flush()

    def after_fork(self) -> None:
        """Become a worker on a copy of the memory, which is never saved."""
        self._worker = _new_worker()
        self._news = Changes()
        self._memory.changed = Condition()
        self._memory.file = None
        self.url = "dict_store"


dict_store = DictStore


def _new_worker() -> str:
    return os.urandom(8).hex()
