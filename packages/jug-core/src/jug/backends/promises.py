"""The methods of a store, by what they promise; `jug.backends.base` says how they fit together.

Four parts, each with a part of the tests in `jug.testing`: results, the history of
runs, leases, and the news of what others did.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from binascii import hexlify
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from math import inf
from typing import TYPE_CHECKING, Any, TypeVar

from jug.backends.frames import Frame, Heartbeat, Holder, Lease, Outcome, Presence, by_worker
from jug.backends.news import Changes, News, Reader
from jug.collector import without_collector
from jug.errors import DamagedResult, DecodeError, ResultNotFound
from jug.messages import Log
from jug.records import Buffer, Record, Run, RunState, in_order

if TYPE_CHECKING:
    from jug.backends.worker_record import WorkerRecord
    from jug.run_times import RunTimes

_T = TypeVar("_T")


class ResultPromises(ABC):
    """Results and failures: what is there, reading it, and writing it without a lease."""

    url: str
    """What `jug.backends.registry.open_store` would open this store by, without secrets."""

    # What is there, from memory

    @abstractmethod
    def exists(self, digests: Iterable[bytes]) -> list[bool]:
        """Return for each digest whether its result is there, as last polled."""

    @abstractmethod
    def failures(self) -> Mapping[bytes, bool]:
        """Return the tasks that failed and have no result: digest to whether it is kept."""

    @abstractmethod
    def digests(self) -> Iterator[bytes]:
        """Yield the digests of all results, as last polled."""

    def has(self, digest: bytes) -> bool:
        """Return whether the result is there, as last polled."""
        return self.exists((digest,))[0]

    # Reading

    @abstractmethod
    def read(self, digest: bytes) -> Buffer:
        """Return the encoded result.

        Raises `ResultNotFound` if it is not there, and `DamagedResult` if what is
        there is not what was written, as far as that shows without reading the memory
        of arrays of 16 MB or more (`jug.codec.verify` reads it).
        """

    @abstractmethod
    def frame_of(self, digest: bytes) -> Any:
        """Return which frame is the result by now, for `discard_frame`; None if there is none.

        Whatever others did so far is read before, wherever it may lie.
        """

    def use(self, digest: bytes, checked: Callable[[Buffer], _T]) -> _T:
        """Return what a function makes of an encoded result, which it checks (`jug.codec`).

        Others may have moved a result meanwhile, or removed it and made it anew, and then
        what is known of it seems damaged.  So it is looked for once more before
        `DamagedResult` is raised, with the damaged frame in its attribute `frame`.
        """
        try:
            return checked(self.read(digest))
        except DamagedResult:
            frame = self.frame_of(digest)
        try:
            return checked(self.read(digest))
        except DamagedResult as error:
            error.frame = frame
            raise

    def load_digest(self, digest: bytes) -> Any:
        """Return the value of a result.

        A damaged one is reported, removed for everybody, and raises
        `DamagedResult`.
        """
        try:
            return self.use(digest, _decode())
        except DamagedResult as error:
            Log("store").error(
                "the result of %s in %s is damaged (%s): it will be computed again",
                hexlify(digest).decode(),
                self.url,
                error,
            )
            self.discard_frame(digest, error.frame)
            raise

    def read_many(self, digests: Sequence[bytes]) -> Iterator[tuple[bytes, Buffer]]:
        """Yield encoded results with their digests, in any order.

        What is not there, or damaged, is left out.  A store may read them in one go, and leave
        out others that it can only read singly.
        """
        for digest in digests:
            with suppress(ResultNotFound, DamagedResult):
                yield digest, self.read(digest)

    def load_many(self, digests: Sequence[bytes]) -> Iterator[tuple[bytes, Any]]:
        """Yield the values of results with their digests, as `read_many` reads them.

        Of those that are left out, or that can't be made into a value, `load_digest` tells why.
        """
        decode = _decode()
        for digest, encoded in self.read_many(digests):
            try:
                value = decode(encoded)
            except (DamagedResult, DecodeError):
                continue
            yield digest, value

    @abstractmethod
    def record(self, digest: bytes) -> Record | None:
        """Return the record of the run that counts: of the result, else the last failure."""

    def records(self, digests: Sequence[bytes]) -> list[Record | None]:
        """Return the record of each task, None also where it is damaged.

        A store may read them in one go.
        """

        def record_if_sound(digest: bytes) -> Record | None:
            try:
                return self.record(digest)
            except (ResultNotFound, DamagedResult):
                return None

        return [record_if_sound(digest) for digest in digests]

    @abstractmethod
    def size(self, digest: bytes) -> int:
        """Return how many bytes the encoded result takes."""

    def sizes(self, digests: Sequence[bytes]) -> list[int]:
        """Return the size of each result, 0 where it is not there any more or damaged."""

        def size_if_sound(digest: bytes) -> int:
            try:
                return self.size(digest)
            except (ResultNotFound, DamagedResult):
                return 0

        return [size_if_sound(digest) for digest in digests]

    # Writing without a lease

    @abstractmethod
    def put(self, frame: Frame) -> bool:
        """Save a frame, whoever holds the lease; return False if a result is there, which stays."""

    @abstractmethod
    def discard(self, digests: Iterable[bytes]) -> int:
        """Remove results and failures, as they are after a poll; return of how many tasks.

        A worker that runs such a task right now, from what was there before, does
        not save it.
        """

    @abstractmethod
    def discard_frame(self, digest: bytes, frame: Any) -> None:
        """Remove one frame, as `frame_of` has named it, and no other result of its task."""


class HistoryPromises(ABC):
    """The history: all runs, also those that left nothing that counts, and their workers.

    It decides nothing: no task is run or not run because of it.  Of each task the store
    keeps the run that counts, and some that were before it (`jug.backends.runs_kept`).
    """

    @abstractmethod
    def note(self, digest: bytes, state: RunState, record: bytes) -> None:
        """Remember a run that leaves neither result nor failure, by its packed record.

        It changes what no other method tells, and may be lost in a power cut.
        """

    @abstractmethod
    def each_run(self) -> Iterator[Run]:
        """Yield every run that is remembered, once, in any order, after a poll.

        Those whose records are damaged are left out.
        """

    def runs(self, since: float = 0.0) -> list[Run]:
        """Return the runs that ended at this time or later, in order, in seconds since the epoch.

        A worker's death that its own supervisor saw, and others too, is told once.

        >>> from jug.backends.dict_store import DictStore
        >>> DictStore().runs()
        []
        """
        with without_collector():
            runs = in_order([run for run in self.each_run() if run.record.end >= since])
        seen = (RunState.DIED, RunState.FAILED)  # the last death of a task is its failure
        died = {(run.digest, run.record.worker) for run in runs if run.state in seen}
        return [
            run
            for run in runs
            if run.state is not RunState.LOST or (run.digest, run.record.worker) not in died
        ]

    def each_time(self) -> Iterator[RunTimes]:
        """Yield when every run was and what it took, in batches, in any order, after a poll.

        It tells of the same runs as `each_run`, and a store may be faster at it.
        """
        from jug.run_times import run_times

        return run_times(self.each_run())

    @abstractmethod
    def workers(self) -> dict[str, WorkerRecord]:
        """Return what the workers said of themselves, by their ids, as last polled."""

    def workers_of(self, ids: Collection[str]) -> dict[str, WorkerRecord]:
        """Return what some of the workers said of themselves, as far as that is known."""
        return {id: worker for id, worker in self.workers().items() if id in ids}


class CodePromises:
    """The code that made results: small pieces under keys, which `jug.code` reads and writes.

    A store need not keep them; then nobody can tell what changed since a result was made.
    """

    lacks_code: bool = False
    """Whether `kept_code` found last that some of what was kept is damaged."""

    def keep_code(self, pieces: Mapping[bytes, bytes]) -> None:
        """Keep pieces for good, each under a key of at most 32 bytes.

        A key says what its piece says: whoever keeps it keeps the same, so what is there stays.
        Neither removing results nor packing touches them.
        """
        return None

    def kept_code(self) -> dict[bytes, bytes]:
        """Return all pieces that anybody has kept so far; a damaged one is not there."""
        return {}


class LeasePromises(ABC):
    """Leases: who may run a task, and what becomes of what was run."""

    lease_seconds: float = inf
    """After how many seconds without a sign of life a worker counts as dead."""

    gives_several: bool = False
    """Whether `acquire_several` may give any."""

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

    # Several short tasks at a time

    def acquire_several(self, candidates: Sequence[bytes]) -> list[Lease]:
        """Return leases of some candidates that are free and have no result, in their order.

        Each is to be begun (`begin`), and saved (`save`) where it was run; `end_several` ends
        all.  A store that gains nothing by it gives none, and so does one for which too
        many others are there: the caller acquires one alone then.
        """
        return []

    def begin(self, lease: Lease) -> bool:
        """Return whether the task of one of several leases may be run now.

        Another worker may have waited for it, and got it back.
        """
        return True

    def save(self, lease: Lease, frame: Frame, inputs: Sequence[bytes] = ()) -> Outcome:
        """Save what became of the task of one of several leases.  The others go on.

        As `commit`, but what others did in the last milliseconds need not be read before.
        """
        return self.commit(lease, frame, inputs)

    def end_several(self) -> None:
        """End the leases that `acquire_several` has given."""
        return None

    def turn(self) -> tuple[int, int]:
        """Return which of the workers at work this one is, from 0, and how many they are: a hint.

        Workers that take turns seldom reach for the same task.
        """
        return 0, 1

    @abstractmethod
    def holders(self) -> dict[bytes, Holder]:
        """Return who holds what now: a hint, true at some moment of the call."""

    def present(self) -> list[Presence]:
        """Return the workers that have joined and have not left, also those that died: a hint.

        A store that knows only of those that hold something returns these.
        """
        return [*by_worker(self.holders())]

    def now(self) -> float:
        """Return the time by the clock that tells when signs of life were given.

        Where hosts share a store it is the clock of the server, as theirs may differ: the
        age of a sign of life is what this says less its `last_sign`.
        """
        return time.time()

    @abstractmethod
    def break_leases(self, digests: Iterable[bytes]) -> int:
        """Take the leases away from whoever holds them, alive or not; return how many."""

    @abstractmethod
    def tidy(self) -> None:
        """Remove what workers that are certainly gone left behind: their leases and the like."""

    @abstractmethod
    def heartbeat(self) -> Heartbeat | None:
        """Return the heartbeat of this worker, None for a store that needs none.

        With one, others know from now on who this worker is, though it holds nothing yet.
        """


class NewsPromises(ResultPromises):
    """News of what others did: reading it, following it, and waiting for it."""

    news: News
    """What changed, for the readers, and what that made stale."""

    @abstractmethod
    def poll(self) -> None:
        """Read what others did since the last time, and only that."""

    def exists_after_poll(self, digests: Iterable[bytes]) -> list[bool]:
        """Poll, and return for each digest whether its result is there.

        A store that has read nothing before may keep these digests, and no copies
        of them.  If all are there, it need not read of others.
        """
        wanted = list(digests)
        self.poll()
        return self.exists(wanted)

    def look_again(self) -> None:
        """Poll, and see that what is known to be there has not vanished without a word.

        A worker asks for it before it calls its tasks done.  What vanished is news, as if it
        had been removed.  A store in which nothing can vanish so need only poll.
        """
        self.poll()

    def reader(self) -> Reader:
        """Return a reader of its own for somebody who follows what changes from now on."""
        return self.news.reader()

    def refresh(self, reader: Reader) -> Changes:
        """Poll, and return what changed since this reader last took it."""
        self.poll()
        return reader.take()

    @abstractmethod
    def wait(self, reader: Reader, seconds: float) -> Changes:
        """Wait until there is something for this reader, at most so long, and return it.

        Also returns, with nothing, when a lease was released or its holder died.
        """


@cache
def _decode() -> Callable[[Buffer], Any]:
    from jug.codec import decode  # `import jug` stays light

    return decode
