"""Results in a redis or valkey server: many machines and no shared filesystem.

A server of redis 6.2 or later, or valkey, keeps everything of a project under
keys that begin with ``jug:{prefix}:``, so that several projects share it.  What
has to be agreed on happens inside the server, in scripts that are atomic:
`jug.backends._redis_scripts` tells how, and what the keys hold.  This module is
the worker's side of it.

A worker in its stride makes one round trip per task: the call that saves a
result also takes the next task, and brings what others did since.  What it was
told is its index (`jug.backends._redis_index`).  It waits in a blocking read of
the log, which ends at the moment when an event is written, and looks by itself
once a second for workers that died.

The server may be away for a while: see `jug.backends._redis_connection`.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from math import inf
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, Final, Self

from jug import codec
from jug.backends import _redis_results as kept
from jug.backends import _redis_scripts as scripts
from jug.backends._redis_entry import Entry
from jug.backends._redis_index import Held, Index
from jug.backends._redis_pulse import RedisPulse
from jug.backends._redis_results import batches
from jug.backends._redis_turn import Ending, Heard, Turn
from jug.backends._redis_url import Address
from jug.backends._redis_workers import Workers, unpacked
from jug.backends.base import (
    BaseStore,
    Buffer,
    Changes,
    Frame,
    Holder,
    Lease,
    Outcome,
    Pulse,
)
from jug.errors import OptionError, ResultNotFound, StoreError
from jug.records import Record

if TYPE_CHECKING:
    from jug.backends._redis_connection import Server

__all__ = ["RedisStore", "redis_store"]

log = logging.getLogger("jug.redis")

LEASE_SECONDS: Final = 120.0
PATIENCE: Final = 300.0

# A blocking read that nothing ends returns this late, so the last part of a wait is steps.
_LATE: Final = 0.1
_STEP: Final = 0.01

_PAGE: Final = 2000
_FEW: Final = 64

_OUTCOMES: Final = {scripts.SAVED: Outcome.SAVED, scripts.DUPLICATE: Outcome.DUPLICATE}

_FORGOTTEN: Final = Held(b"")
"""What is known of a lease that is over already: nothing."""


class RedisStore(BaseStore):
    """Results, failures and leases in a redis server, under a prefix."""

    def __init__(
        self,
        url: str,
        *,
        prefix: str | None = None,
        lease_seconds: float | None = None,
        patience: float | None = None,
        chunk_bytes: int = kept.CHUNK_BYTES,
    ) -> None:
        self._address = Address.parse(url, prefix)
        self.url = self._address.shown
        lease = _seconds(lease_seconds, "JUG_LEASE_SECONDS", LEASE_SECONDS)
        self._lease_ms = max(1, round(lease * 1000))
        self._poll = min(1.0, lease / 16)
        self._patience = _seconds(patience, "JUG_REDIS_PATIENCE", PATIENCE)
        self._chunk_bytes = chunk_bytes
        self._connection: Server | None = None
        self._index = Index()
        self._worker = ""
        self._counter = 0
        self._has_unsynced = False
        self._beaten = -inf
        """When a turn last showed that this worker lives, by the monotonic clock."""
        self._workers = Workers()

    @classmethod
    def open(cls, url: str, **options: Any) -> Self:
        """Return the store that a URL names.

        `prefix` is used where the URL gives none; `lease_seconds` is after what
        time without a heartbeat a worker is dead, `patience` how many seconds a
        server that is away is waited for, and `chunk_bytes` the size in which
        large results are split.

        >>> RedisStore.open("redis://me:secret@localhost/?prefix=primes")
        <RedisStore redis://localhost/?prefix=primes>
        """
        return cls(url, **options)

    @property
    def has_default_prefix(self) -> bool:
        """Whether the URL names no prefix, so that another project may use the same one."""
        return self._address.has_default_prefix

    @property
    def _server(self) -> Server:
        if self._connection is None:
            from jug.backends._redis_connection import Server

            self._connection = Server(self._address, self._patience)
        return self._connection

    # What is there, from memory

    def exists(self, digests: Iterable[bytes]) -> list[bool]:
        """Return for each digest whether its result is there, as last learned."""
        results = self._index.results
        return [digest in results for digest in digests]

    def failures(self) -> Mapping[bytes, bool]:
        """Return the tasks that failed and have no result: digest to whether it is kept."""
        return self._index.failures

    def digests(self) -> Iterator[bytes]:
        """Yield the digests of all results, as last learned."""
        return iter(tuple(self._index.results))

    def drain(self) -> Changes:
        """Return what was learned and not handed out yet."""
        return self._index.drain()

    # What others did

    def learn(self) -> None:
        """Read what others did since; the first time, all that is there."""
        is_behind = True
        while is_behind:
            if not self._index.cursor:
                self._read_index()
            is_behind = self._hear(self._server.run(scripts.NEWS, self._index.cursor)).is_behind

    def learn_of(self, digests: Iterable[bytes]) -> list[bool]:
        """Return for each digest whether its result is there.

        Before anything was learned the server is asked about these alone, about the
        first ones while the others are still being made.  If all are there, nothing
        else is learned.
        """
        rest, asked = iter(digests), list[bytes]()
        if not self._index.cursor and self._are_done(rest, asked):
            return [True] * len(asked)
        return super().learn_of([*asked, *rest])

    def _are_done(self, digests: Iterator[bytes], asked: list[bytes]) -> bool:
        """Return whether all are done, noting which were asked about to find out."""

        def packed() -> Iterator[bytes]:
            for batch in batches(digests):
                asked.extend(batch)
                yield b"".join(batch)

        words = packed()
        # If some are not, that shows often in the first ones already.
        first = [self._server.run(scripts.DONE, word) for word in islice(words, 1)]
        answers = chain(first, self._server.run_each(scripts.DONE, words))
        return all(b"0" not in answer for answer in answers)

    def wait(self, seconds: float) -> Changes:
        """Wait until something changes, at most so long, and return what did."""
        self._know_index()
        end, known = monotonic() + seconds, self._index.cursor
        is_over = bool(self._index.news)
        while not is_over:
            self._listen(min(end - monotonic(), self._poll))
            self.learn()
            is_over = self._index.cursor != known or monotonic() >= end or self._bury_the_dead()
        return self.drain()

    def _listen(self, seconds: float) -> None:
        """Block until an event comes, at most so long."""
        if seconds > _LATE:
            milliseconds = round((seconds - _LATE) * 1000) or 1
            log = self._address.tag + "log"
            words = ("COUNT", 1, "BLOCK", milliseconds, "STREAMS", log, self._index.cursor)
            self._server.command("XREAD", *words)
        elif seconds > 0:
            sleep(min(seconds, _STEP))

    def _know_index(self) -> None:
        if not self._index.cursor:
            self.learn()

    def _read_index(self) -> None:
        """Read all that is there: events that come meanwhile are heard afterwards."""
        cursor, removals = self._server.run(scripts.HEAD)
        self._index.replace(self._pages(), cursor, int(removals))

    def _pages(self) -> Iterator[bytes]:
        for name in ("failures", "results"):
            at = b"0"
            while True:
                at, page = self._server.run(scripts.PAGE, name, at, _PAGE)
                yield page
                if at == b"0":
                    break

    def _hear(self, answer: bytes) -> Heard:
        """Take in what a script answered; return what is not about the index."""
        done, number, told, more, removals, *lengths = scripts.ANSWER.unpack_from(answer)
        events_at = scripts.ANSWER.size + lengths[0]
        holders_at = events_at + lengths[1]
        if told:
            cursor = answer[scripts.ANSWER.size : events_at]
            self._index.advance(answer[events_at:holders_at], cursor, removals)
        else:
            self._index.lose(removals)
        holders = answer[holders_at:].decode().split()
        return Heard(done, number, holders, is_behind=bool(more) or not told)

    # Reading

    def read(self, digest: bytes) -> Buffer:
        """Return the encoded result."""
        encoded = kept.fetch(self._server, digest)
        if encoded is None:
            raise self._not_found(digest)
        codec.verify(encoded)
        return encoded

    def record(self, digest: bytes) -> Record | None:
        """Return the record of the run that counts: of the result, else the last failure."""
        return self.records([digest])[0]

    def records(self, digests: Sequence[bytes]) -> list[Record | None]:
        """Return the records of many tasks, in a round trip or two for each thousand."""
        return [*map(kept.fetch_records(self._server, self._workers, digests).get, digests)]

    def size(self, digest: bytes) -> int:
        """Return how many bytes the encoded result takes."""
        entries = kept.fetch_entries(self._server, "results", [digest])
        if digest not in entries:
            raise self._not_found(digest)
        return entries[digest].size

    def sizes(self, digests: Sequence[bytes]) -> list[int]:
        """Return how many bytes many results take, in a round trip for each thousand."""
        entries = kept.fetch_entries(self._server, "results", digests)
        return [entries[digest].size if digest in entries else 0 for digest in digests]

    def _not_found(self, digest: bytes) -> ResultNotFound:
        return ResultNotFound(
            f"the result of {digest.hex()} is not in {self.url}: run its task first", digest=digest
        )

    # Leases

    def acquire(self, candidates: Sequence[bytes]) -> Lease | None:
        """Return a lease of the first candidate that is free and has no result."""
        self._know_index()
        for batch in batches(candidates):
            turn = self._turn(Ending(), batch)
            if turn.lease is None and self._bury_if_gone(turn.holders):
                turn = self._turn(Ending(), batch)
            if turn.lease is not None:
                return turn.lease
        return None

    def commit(self, lease: Lease, frame: Frame, inputs: Sequence[bytes] = ()) -> Outcome:
        """Save what became of the task and end the lease."""
        return self._finish(lease, frame, inputs, ())[0]

    def commit_and_acquire(
        self, lease: Lease, frame: Frame, inputs: Sequence[bytes], candidates: Sequence[bytes]
    ) -> tuple[Outcome, Lease | None]:
        """Commit one task and acquire the next, in one round trip."""
        outcome, turn = self._finish(lease, frame, inputs, candidates[:_FEW])
        if turn.lease is not None:
            return outcome, turn.lease
        if self._bury_if_gone(turn.holders):
            return outcome, self.acquire(candidates)
        return outcome, self.acquire(candidates[_FEW:])

    def release(self, lease: Lease) -> None:
        """End the lease, saving nothing.  A lease that was lost is left alone."""
        self._turn(Ending("drop", lease.digest, lease.token))

    def holders(self) -> dict[bytes, Holder]:
        """Return who holds what now: a hint, true at some moment of the call."""
        found = {}
        for digest, worker, packed, is_beating in self._server.run(scripts.HOLDERS):
            process = unpacked(packed) if packed else None
            is_gone = process is not None and bool(process.is_gone())
            found[digest] = Holder(worker.decode(), process, bool(is_beating) and not is_gone)
        return found

    def break_leases(self, digests: Iterable[bytes]) -> int:
        """Take the leases away from whoever holds them, alive or not; return how many."""
        return sum(self._server.run(scripts.BREAK, *batch) for batch in batches(digests))

    def tidy(self) -> None:
        """Take the leases of workers away that are gone or whose heartbeat stopped."""
        self._bury_the_dead()

    def pulse(self) -> Pulse | None:
        """Return the heartbeat of this worker."""
        interval = self._lease_ms / 16_000
        return RedisPulse(self._address, self._identity(), self._lease_ms, interval)

    def _identity(self) -> str:
        """Return this worker's id, which is made when it first takes something."""
        if not self._worker:
            worker = os.urandom(8).hex()
            self._workers.enter(self._server, worker)
            self._worker = worker
        return self._worker

    def _turn(self, ending: Ending, candidates: Sequence[bytes] = ()) -> Turn:
        """End a lease, take the next, and hear what is new, as far as each is asked for."""
        index = self._index
        next_token = self._new_token() if candidates else ""
        now = monotonic()
        is_beat_due = now - self._beaten >= self._lease_ms / 32_000
        has_failed = not index.cursor or ending.digest in index.failures
        heard = self._hear(
            self._server.run(
                scripts.TURN,
                *(index.cursor or scripts.START, self._lease_ms),
                *(int(is_beat_due), int(has_failed)),
                *(*ending[:-1], next_token, b"".join(candidates)),
            )
        )
        if is_beat_due and candidates:
            self._beaten = now
        if heard.done == scripts.SAVED:
            self._server.has_written = self._has_unsynced = True
            index.note(ending.kind, ending.digest)
        if heard.done not in (scripts.UNSURE, scripts.INCOMPLETE):
            index.held.pop(ending.token, None)
        lease = None
        if heard.number:
            lease = Lease(candidates[heard.number - 1], next_token)
            index.held[next_token] = Held(lease.digest)
        if heard.is_behind:
            self.learn()
        return Turn(heard.done, lease, heard.holders)

    def _count(self) -> int:
        """Return a number that this worker has not used yet."""
        self._counter += 1
        return self._counter

    def _new_token(self) -> str:
        return f"{self._identity()}:{self._count()}"

    def _finish(
        self, lease: Lease, frame: Frame, inputs: Sequence[bytes], candidates: Sequence[bytes]
    ) -> tuple[Outcome, Turn]:
        """Save a frame under its lease, unless what it was made from was removed."""
        held = self._index.held.get(lease.token, _FORGOTTEN)
        concerned = (lease.digest, *inputs)
        try:
            ending = self._prepared(frame, lease.token)
            while not held.is_stale(concerned):
                turn = self._turn(ending._replace(removals=self._index.removals), candidates)
                if turn.outcome in _OUTCOMES:
                    return _OUTCOMES[turn.outcome], turn
                if turn.outcome == scripts.INCOMPLETE:
                    ending = self._prepared(frame, lease.token)
            return Outcome.STALE, self._turn(ending.undone(), candidates)
        except StoreError:
            self._give_back(lease)
            raise

    def _give_back(self, lease: Lease) -> None:
        """Release a lease after an error that matters more than whether this works."""
        try:
            self.release(lease)
        except StoreError as error:
            log.warning("the lease of %s stays until it runs out: %s", lease.digest.hex(), error)

    def _prepared(self, frame: Frame, token: str = "") -> Ending:
        """Return what saves a frame, after sending what is too large to travel with it."""
        entry = Entry.of(frame, self._identity(), self._count(), self._chunk_bytes)
        body = kept.send(self._server, entry, frame.payload, self._chunk_bytes)
        return Ending("save", frame.digest, token, "", entry.pack(), body, frame.kind)

    # Workers that died

    def _bury_if_gone(self, workers: Sequence[str]) -> bool:
        """Free the leases of those workers that are certainly gone; return whether any was."""
        processes = self._workers.of(self._server, workers)
        gone = [name for name in workers if name in processes and processes[name].is_gone()]
        return bool(gone) and self._bury(gone)

    def _bury_the_dead(self) -> bool:
        """Free the leases of all workers that are dead; return whether there were any."""
        dead = [holder for holder in self.holders().values() if not holder.alive]
        gone = {holder.worker for holder in dead if holder.process and holder.process.is_gone()}
        return bool(dead) and self._bury(gone)

    def _bury(self, gone: Iterable[str]) -> bool:
        count = self._server.run(scripts.BURY, self._lease_ms, *gone)
        self.learn()
        return bool(count)

    # Writing without a lease

    def put(self, frame: Frame) -> None:
        """Save a frame, whoever holds the lease.  A result that is there stays."""
        while self._turn(self._prepared(frame)).outcome == scripts.INCOMPLETE:
            pass

    def discard(self, digests: Iterable[bytes]) -> int:
        """Remove results and failures; return how many tasks' were there."""
        self._know_index()
        return sum(map(self._discard, batches(digests)))

    def _discard(self, digests: Sequence[bytes]) -> int:
        name = os.urandom(8).hex()
        heard = self._hear(self._server.run(scripts.DISCARD, self._index.cursor, name, *digests))
        self._has_unsynced = True
        for digest in digests:
            self._index.remove(digest)
        if heard.is_behind:
            self.learn()
        return heard.number

    def flush(self) -> None:
        """Return once all that was saved here survives a power cut.

        That is for the server's settings to say: this waits for its append-only
        file, if it has one and can tell (redis and valkey from 7.2).
        """
        if self._has_unsynced:
            self._server.sync()
            self._has_unsynced = False

    def close(self) -> None:
        """Flush, give back all leases, and let go of the connection."""
        if self._connection is None:
            return
        try:
            self.flush()
            for token, held in tuple(self._index.held.items()):
                self._turn(Ending("drop", held.digest, token))
            if self._worker:
                self._server.command("ZREM", self._address.tag + "beats", self._worker)
        finally:
            self._connection.close()
            self._forget_worker()

    def after_fork(self) -> None:
        """Become a worker of one's own in a process that was forked."""
        if self._connection is not None:
            self._connection.forget()
        self._forget_worker()
        self._index.held.clear()
        self._has_unsynced = False

    def _forget_worker(self) -> None:
        self._connection, self._worker, self._beaten = None, "", -inf


redis_store = RedisStore


def _seconds(given: float | None, variable: str, default: float) -> float:
    """Return a time that was given, or that the environment gives."""
    text = os.environ.get(variable) if given is None else given
    try:
        seconds = default if text is None else float(text)
    except ValueError:
        seconds = -1.0
    if seconds < 0:
        raise OptionError(f"{variable} is {text!r}: give a number of seconds", name=variable)
    return seconds
