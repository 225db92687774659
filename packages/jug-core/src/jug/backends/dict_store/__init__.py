"""The smallest store: dictionaries in the memory of one process.

It is what tests and small scripts use, and the one to read before writing
another.  Everything is in a `Memory` (`dict_memory`), under one lock.  Store objects are views
of a memory, each a worker of its own, so two threads may work on one memory
like two processes on a directory.  All views share one `News`, so whoever changes
something has it in the news of every view.

Results are kept encoded, as in every store: a task that changes what it was
given changes no result.

With a FILE the memory is loaded from it, and saved to it by `flush` and `close`.
A crash costs what came after the last of these; for long computations there are
directories.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from threading import Condition
from typing import Any, ClassVar, Self

from jug import codec, records
from jug._former import tell_what_is_gone
from jug.backends.base import (
    BaseStore,
    Frame,
    Heartbeat,
    Holder,
    Kind,
    Lease,
    Outcome,
    Presence,
)
from jug.backends.dict_memory import KeptFailure, KeptResult, Memory, Taken
from jug.backends.frames import by_worker
from jug.backends.news import NOTHING, Changes, Reader, TaskState
from jug.backends.process import Process
from jug.backends.runs_kept import runs_kept as runs_kept_of
from jug.backends.worker_record import WorkerRecord
from jug.records import Record, Run, RunState

__all__ = ["DictStore", "dict_store"]


class DictStore(BaseStore):
    """Results, failures and leases in memory, saved to a file if one is named.

    >>> store = DictStore()
    >>> store.dump([1, 2], b"0" * 40)
    >>> store.load(b"0" * 40)
    [1, 2]
    """

    shared: ClassVar[bool] = False

    def __init__(
        self, backend: str | os.PathLike[str] | None = None, *, runs_kept: int | None = None
    ) -> None:
        """Open a memory of its own, from a file if one is named.

        `runs_kept` is how many runs of a task are remembered beside the one that counts.
        """
        self._view(Memory.open(backend, runs_kept_of(runs_kept)))

    @classmethod
    def open(
        cls, url: str, *, lease_seconds: float | None = None, runs_kept: int | None = None
    ) -> Self:
        """Return the store of ``dict_store`` or ``dict_store:FILE``.

        Its leases end with the process, so the lease time changes nothing.
        """
        return cls(url.partition(":")[2] or None, runs_kept=runs_kept)

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

    @property
    def worker_id(self) -> str:
        return self._worker

    def another_view(self) -> Self:
        return self.sharing(self)

    def _view(self, memory: Memory) -> None:
        self._memory = memory
        self.news = memory.news
        self._released = memory.released
        """Up to which lease that ended this view has looked."""
        self._worker = _new_worker()
        self.url = "dict_store" if memory.file is None else f"dict_store:{memory.file.path}"

    # What is there

    def exists(self, digests: Iterable[bytes]) -> list[bool]:
        results = self._memory.results
        return [digest in results for digest in digests]

    def failures(self) -> Mapping[bytes, bool]:
        with self._memory.changed:
            return {digest: failure.kept for digest, failure in self._memory.failures.items()}

    def digests(self) -> Iterator[bytes]:
        with self._memory.changed:
            return iter(tuple(self._memory.results))

    def poll(self) -> None:
        """Do nothing: a change is news for all views as soon as it is made."""

    def wait(self, reader: Reader, seconds: float) -> Changes:
        memory = self._memory
        with memory.changed:
            memory.changed.wait_for(
                lambda: reader.has_changes() or memory.released != self._released, seconds
            )
            self._released = memory.released
        return reader.take()

    def _note(self, digest: bytes, before: TaskState, after: TaskState) -> None:
        self._memory.unsaved |= before[:2] != after[:2]  # the file keeps no discards
        self.news.note(digest, before, after)
        self._memory.changed.notify_all()

    # Reading

    def read(self, digest: bytes) -> bytes:
        encoded = self._memory.result(digest, self.url).encoded
        codec.verify(encoded)
        return encoded

    def frame_of(self, digest: bytes) -> KeptResult | None:
        return self._memory.results.get(digest)

    def record(self, digest: bytes) -> Record | None:
        with self._memory.changed:
            found = self._memory.results.get(digest) or self._memory.failures.get(digest)
        if found is None:
            return None
        worker = self._memory.workers.get(found.worker)
        return records.unpack_if_sound(found.record, "" if worker is None else worker.place)

    def size(self, digest: bytes) -> int:
        return len(self._memory.result(digest, self.url).encoded)

    # The history

    def note(self, digest: bytes, state: RunState, record: bytes) -> None:
        with self._memory.changed:
            self._memory.remember(digest, state, record, self._join())
            self._memory.unsaved = True

    def each_run(self) -> Iterator[Run]:
        with self._memory.changed:
            return iter([*self._memory.each_run()])

    def workers(self) -> dict[str, WorkerRecord]:
        return dict(self._memory.workers)

    def keep_code(self, pieces: Mapping[bytes, bytes]) -> None:
        with self._memory.changed:
            self._memory.code = {**pieces, **self._memory.code}
            self._memory.unsaved = True

    def kept_code(self) -> dict[bytes, bytes]:
        return dict(self._memory.code)

    def _join(self) -> str:
        """Say who this worker is, if it has not; return its id."""
        if self._worker not in self._memory.workers:
            record = WorkerRecord.here(self._worker, self.jugfile, self.offers)
            self._memory.workers[self._worker] = record
        return self._worker

    # Leases

    def acquire(self, candidates: Sequence[bytes]) -> Lease | None:
        memory = self._memory
        with memory.changed:
            self._released = memory.released
            for digest in candidates:
                if digest not in memory.leases and digest not in memory.results:
                    lease = Lease(digest, Taken(self._worker, time.time()), self.news.clock)
                    memory.leases[digest] = lease
                    return lease
            return None

    def commit(self, lease: Lease, frame: Frame, inputs: Sequence[bytes] = ()) -> Outcome:
        memory = self._memory
        with memory.changed:
            self.release(lease)
            if self.news.is_stale((lease.digest, *inputs), lease.since):
                return Outcome.STALE
            if lease.digest in memory.results:
                return Outcome.DUPLICATE
            self.put(frame)
            return Outcome.SAVED

    def release(self, lease: Lease) -> None:
        with self._memory.changed:
            if self._memory.leases.get(lease.digest) is lease:
                self.break_leases([lease.digest])

    def holders(self) -> dict[bytes, Holder]:
        here = Process.here()
        with self._memory.changed:
            return {
                digest: Holder(lease.token.worker, here, alive=True, since=lease.token.since)
                for digest, lease in self._memory.leases.items()
            }

    def present(self) -> list[Presence]:
        here, holding = Process.here(), list(by_worker(self.holders()))
        own = {one.id for one in self.workers().values() if one.process == here and not one.end}
        idle = own.difference(one.worker for one in holding)
        return [*holding, *(Presence(worker, here, alive=True) for worker in sorted(idle))]

    def break_leases(self, digests: Iterable[bytes]) -> int:
        memory = self._memory
        with memory.changed:
            broken = [digest for digest in digests if memory.leases.pop(digest, None)]
            memory.released += len(broken)
            memory.changed.notify_all()
            return len(broken)

    def tidy(self) -> None:
        """Do nothing: a worker that is gone has taken the memory with it."""

    def heartbeat(self) -> Heartbeat | None:
        """Return None: all workers live and die together."""
        return None

    # Writing

    def put(self, frame: Frame) -> bool:
        memory, digest = self._memory, frame.digest
        with memory.changed:
            if digest in memory.results:
                return False
            before, worker = memory.state(digest), self._join()
            failure = memory.failures.pop(digest, None)
            if failure is not None:
                memory.remember(digest, RunState.FAILED, failure.record, failure.worker)
            if frame.kind is Kind.RESULT:
                memory.results[digest] = KeptResult(frame.record, b"".join(frame.payload), worker)
            else:
                kept = frame.kind is Kind.KEPT or (failure is not None and failure.kept)
                memory.failures[digest] = KeptFailure(frame.record, kept, worker)
            self._note(digest, before, memory.state(digest))
            return True

    def discard(self, digests: Iterable[bytes]) -> int:
        memory, count = self._memory, 0
        with memory.changed:
            for digest in digests:
                before = memory.state(digest)
                self._remove(digest)
                count += before != NOTHING
                self._note(digest, before, NOTHING._replace(discards=1))
        return count

    def _remove(self, digest: bytes) -> None:
        memory = self._memory
        result, failure = memory.results.pop(digest, None), memory.failures.pop(digest, None)
        if result is not None:
            memory.remember(digest, RunState.DISCARDED, result.record, result.worker)
        if failure is not None:
            memory.remember(digest, RunState.FAILED, failure.record, failure.worker)

    def discard_frame(self, digest: bytes, frame: Any) -> None:
        with self._memory.changed:
            if self._memory.results.get(digest) is frame:
                self.discard([digest])

    def flush(self) -> None:
        """Save the memory to its file, if there is one and something changed."""
        memory = self._memory
        with memory.changed:
            if memory.file is not None and memory.unsaved:
                memory.file.save(memory.saved())
                memory.unsaved = False

    def close(self) -> None:
        """Flush and give back all leases."""
        memory = self._memory
        with memory.changed:
            own = [key for key, held in memory.leases.items() if held.token.worker == self._worker]
            self.break_leases(own)
            if self._worker in memory.workers:
                ended = memory.workers[self._worker]._replace(end=time.time())
                memory.workers[self._worker], memory.unsaved = ended, True
            self.flush()

    def after_fork(self) -> None:
        """Become a worker on a copy of the memory, which is never saved."""
        self._worker = _new_worker()
        self.news.forget_readers()
        self._memory.changed = Condition()
        self._memory.file = None
        self.url = "dict_store"


dict_store = DictStore


def _new_worker() -> str:
    return os.urandom(8).hex()


tell_what_is_gone(__name__)
