"""The leases of one worker, and who it is: one is ended and the next taken in one round trip.

The server decides in scripts (`jug.backends._redis.scripts`) who gets a lease, and
whether a result is saved.  Here is what the worker has to know for that: who it is,
which leases it holds, when it last showed that it lives, and up to which count it
knows what was removed.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from math import inf
from time import monotonic, time
from typing import Final

from jug import records
from jug.backends._redis import scripts
from jug.backends._redis.access import Access
from jug.backends._redis.entry import Entry, pack_run
from jug.backends._redis.follower import Follower
from jug.backends._redis.heartbeat import RedisHeartbeat
from jug.backends._redis.results import batches, send
from jug.backends._redis.round_trip import LeaseEnd, RoundTrip
from jug.backends._redis.workers import Workers, process_of
from jug.backends.base import Frame, Holder, Lease, Outcome, Presence
from jug.backends.frames import by_worker
from jug.backends.process import Process
from jug.backends.worker_record import WorkerRecord
from jug.errors import StoreError
from jug.messages import Log
from jug.records import Record, RunState

log = Log("redis")

_FEW: Final = 64
"""Candidates that travel with a frame."""

_OUTCOMES: Final = {scripts.SAVED: Outcome.SAVED, scripts.DUPLICATE: Outcome.DUPLICATE}


class RedisLeases:
    """The leases of one worker, which gets its id when it first takes or saves something."""

    def __init__(
        self,
        access: Access,
        follower: Follower,
        lease_seconds: float,
        chunk_bytes: int,
        runs_kept: int,
    ) -> None:
        self.lease_ms = max(1, round(lease_seconds * 1000))
        self.workers = Workers()
        self.has_unsynced = False
        """Whether something was saved or removed since the server was last asked to sync."""
        self._access = access
        self._follower = follower
        self._chunk_bytes = chunk_bytes
        self._runs_kept = runs_kept
        self.jugfile = ""
        """The jugfile whose tasks are run, empty for none."""
        self.offers: Mapping[str, int] = {}
        """What this worker may use of its machine."""
        self._held: dict[str, bytes] = {}
        """The tasks whose leases are held, by their tokens."""
        self.worker_id = ""
        """This worker's id, empty before it takes or saves something."""
        self._counter = 0
        self._beaten = -inf
        """When a round trip last showed that this worker lives, by the monotonic clock."""

    # Taking and ending

    def acquire(self, candidates: Sequence[bytes]) -> Lease | None:
        """Return a lease of the first candidate that is free and has no result."""
        self._follower.begin()
        for batch in batches(candidates):
            trip = self.make_trip(LeaseEnd(), batch)
            if trip.lease is None and self._reap_if_gone(trip.holders):
                trip = self.make_trip(LeaseEnd(), batch)
            if trip.lease is not None:
                return trip.lease
        return None

    def commit(self, lease: Lease, frame: Frame, inputs: Sequence[bytes]) -> Outcome:
        """Save what became of the task and end the lease."""
        return self._finish(lease, frame, inputs, ())[0]

    def commit_and_acquire(
        self, lease: Lease, frame: Frame, inputs: Sequence[bytes], candidates: Sequence[bytes]
    ) -> tuple[Outcome, Lease | None]:
        """Commit one task and acquire the next, in one round trip."""
        outcome, trip = self._finish(lease, frame, inputs, candidates[:_FEW])
        if trip.lease is not None:
            return outcome, trip.lease
        if self._reap_if_gone(trip.holders):
            return outcome, self.acquire(candidates)
        return outcome, self.acquire(candidates[_FEW:])

    def release(self, lease: Lease) -> None:
        """End the lease, saving nothing.  A lease that was lost is left alone."""
        self.make_trip(LeaseEnd("drop", lease.digest, lease.token))

    def put(self, frame: Frame) -> bool:
        """Save a frame, whoever holds the lease; return False if a result is there, which stays."""
        outcome = scripts.INCOMPLETE
        while outcome == scripts.INCOMPLETE:
            outcome = self.make_trip(self._prepared(frame)).outcome
        return outcome == scripts.SAVED

    def make_trip(self, end: LeaseEnd, candidates: Sequence[bytes] = ()) -> RoundTrip:
        """End a lease, take the next, and read what is new, as far as each is asked for."""
        index, server = self._follower.index, self._access.server
        next_token = self._new_token() if candidates else ""
        now = monotonic()
        is_beat_due = now - self._beaten >= self.lease_ms / 32_000
        has_failed = not index.cursor or end.digest in index.failures
        reply = self._follower.take_in(
            server.run(
                scripts.ROUND_TRIP,
                *(index.cursor or scripts.START, self.lease_ms),
                *(int(is_beat_due), int(has_failed)),
                *(*end[:-1], next_token, b"".join(candidates), self._runs_kept),
            )
        )
        if is_beat_due and candidates:
            self._beaten = now
        if reply.done == scripts.SAVED:
            server.has_written = self.has_unsynced = True
            index.note(end.kind, end.digest)
        if reply.done not in (scripts.UNSURE, scripts.INCOMPLETE):
            self._held.pop(end.token, None)
        lease = None
        if reply.number:
            lease = Lease(candidates[reply.number - 1], next_token, index.news.clock)
            self._held[next_token] = lease.digest
        if reply.is_behind:
            self._follower.poll()
        return RoundTrip(reply.done, lease, reply.holders)

    def _finish(
        self, lease: Lease, frame: Frame, inputs: Sequence[bytes], candidates: Sequence[bytes]
    ) -> tuple[Outcome, RoundTrip]:
        """Save a frame under its lease, unless what it was made from was removed."""
        concerned, index = (lease.digest, *inputs), self._follower.index
        try:
            end = self._prepared(frame, lease.token)
            while not index.news.is_stale(concerned, lease.since):
                trip = self.make_trip(end._replace(removals=index.removals), candidates)
                if trip.outcome in _OUTCOMES:
                    return _OUTCOMES[trip.outcome], trip
                if trip.outcome == scripts.INCOMPLETE:
                    end = self._prepared(frame, lease.token)
            return Outcome.STALE, self.make_trip(end.undone(), candidates)
        except StoreError:
            self._give_back(lease)
            raise

    def _give_back(self, lease: Lease) -> None:
        """Release a lease after an error that matters more than whether this works."""
        try:
            self.release(lease)
        except StoreError as error:
            log.warning("the lease of %s stays until it runs out: %s", lease.digest.hex(), error)

    def note(self, digest: bytes, record: bytes) -> None:
        """Remember a run that leaves neither result nor failure."""
        run = pack_run(self.identity(), self._count(), record)
        self._access.server.run(scripts.NOTE, digest, run, self._runs_kept)
        self.has_unsynced = True

    def _prepared(self, frame: Frame, token: str = "") -> LeaseEnd:
        """Return what saves a frame, after sending what is too large to travel with it."""
        entry = Entry.of(frame, self.identity(), self._count(), self._chunk_bytes)
        body = send(self._access.server, entry, frame.payload, self._chunk_bytes)
        return LeaseEnd("save", frame.digest, token, "", entry.pack(), body, frame.kind)

    # Who one is

    def identity(self) -> str:
        """Return this worker's id, which is made when it first takes something."""
        if not self.worker_id:
            worker = os.urandom(8).hex()
            record = WorkerRecord.here(worker, self.jugfile, self.offers)
            self.workers.enter(self._access.server, record)
            self.worker_id = worker
        return self.worker_id

    def heartbeat(self) -> RedisHeartbeat:
        """Return the heartbeat of this worker."""
        interval = self.lease_ms / 16_000
        return RedisHeartbeat(self._access.address, self.identity(), self.lease_ms, interval)

    def leave(self) -> None:
        """Give back all leases, and be nobody."""
        for token, digest in tuple(self._held.items()):
            self.make_trip(LeaseEnd("drop", digest, token))
        if self.worker_id:
            self.workers.note_end(self._access.server, self.worker_id)
            self._access.server.run(scripts.LEAVE, self.worker_id)

    def forget(self) -> None:
        """Be nobody, without a word to the server."""
        self.worker_id, self._beaten, self.has_unsynced = "", -inf, False
        self._held.clear()

    def _count(self) -> int:
        """Return a number that this worker has not used yet."""
        self._counter += 1
        return self._counter

    def _new_token(self) -> str:
        return f"{self.identity()}:{self._count()}"

    # Others' leases

    def turn(self) -> tuple[int, int]:
        """Return which of the workers this one is, by their ids, and how many they are."""
        own, server = self.identity(), self._access.server
        beating = server.command("ZRANGE", self._access.address.tag + "beats", 0, -1)
        workers = {own, *(worker.decode() for worker in beating)}
        return sorted(workers).index(own), len(workers)

    def holders(self) -> dict[bytes, Holder]:
        """Return who holds what now: a hint, true at some moment of the call."""
        found = {}
        for digest, since, *about, deadline in self._access.server.run(scripts.HOLDERS):
            found[digest] = Holder(*self._seen(*about), float(since), self._last_sign(deadline))
        return found

    def present(self) -> list[Presence]:
        """Return the workers that have shown that they live, and have not left."""
        found = {one.worker: one for one in by_worker(self.holders())}
        for *about, deadline in self._access.server.run(scripts.PRESENT):
            seen = self._seen(*about)
            found.setdefault(seen[0], Presence(*seen, self._last_sign(deadline)))
        return [*found.values()]

    @staticmethod
    def _seen(worker: bytes, packed: bytes, is_beating: int) -> tuple[str, Process | None, bool]:
        """Return a worker's id, its process, and whether it is alive."""
        process = process_of(packed) if packed else None
        is_gone = process is not None and bool(process.is_gone())
        return worker.decode(), process, bool(is_beating) and not is_gone

    def _last_sign(self, deadline: bytes) -> float:
        """Return when a worker showed that it lives, from when it counts as dead.

        Its lease time is taken to be the one that is known here, as all should have the same.
        """
        return (float(deadline) - self.lease_ms) / 1000 if deadline else 0.0

    def reap_dead(self) -> bool:
        """Free the leases of all workers that are dead; return whether there were any."""
        dead = [holder for holder in self.holders().values() if not holder.alive]
        gone = {holder.worker for holder in dead if holder.process and holder.process.is_gone()}
        return bool(dead) and self._reap(gone)

    def _reap_if_gone(self, workers: Sequence[str]) -> bool:
        """Free the leases of those workers that are certainly gone; return whether any was."""
        known = self.workers.of(self._access.server, workers)
        gone = [name for name in workers if name in known and known[name].process.is_gone()]
        return bool(gone) and self._reap(gone)

    def _reap(self, gone: Iterable[str]) -> bool:
        """Free the leases of these workers, and of those whose time is over."""
        freed = self._access.server.run(scripts.REAP, self.lease_ms, *gone)
        for digest, worker in freed:
            lost = records.pack(Record(start=time(), worker=worker.decode()))
            self.note(digest, records.with_state(lost, RunState.LOST))
        self._follower.poll()
        return bool(freed)
