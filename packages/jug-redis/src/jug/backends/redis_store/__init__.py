"""Results in a redis or valkey server: many machines and no shared filesystem.

A server of redis 6.2 or later, or valkey, keeps everything of a project under
keys that begin with ``jug:{prefix}:``, so that several projects share it.  What
has to be agreed on happens inside the server, in scripts that are atomic:
`jug.backends._redis.scripts` says how, and what the keys hold.

A worker in its stride makes one round trip per task (`_redis.leases`): the call that
saves a result also takes the next task, and brings what others did since.  What it
knows from that is its index (`_redis.index`, kept up by `_redis.follower`).  It waits
in a blocking read of the log, which ends at the moment when an event is written, and
looks once a second for workers that died.

The server may be away for a while: see `jug.backends._redis.server`.

`RedisStore` is the door: a method for each promise of a store, which is why it has so
many; the parts behind it do the work.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from time import monotonic
from typing import Any, Final, Self

from jug import codec
from jug._former import tell_what_is_gone
from jug.backends._redis import results, scripts
from jug.backends._redis.access import Access
from jug.backends._redis.follower import Follower
from jug.backends._redis.leases import RedisLeases
from jug.backends._redis.results import batches
from jug.backends._redis.url import Address
from jug.backends.base import (
    BaseStore,
    Buffer,
    Changes,
    Frame,
    Heartbeat,
    Holder,
    Lease,
    Outcome,
    Presence,
    Reader,
)
from jug.backends.heartbeat import stop_heartbeat
from jug.backends.lease_time import lease_seconds as lease_seconds_of
from jug.backends.runs_kept import runs_kept as runs_kept_of
from jug.backends.worker_record import WorkerRecord
from jug.errors import OptionError, ResultNotFound
from jug.records import Record, Run, RunState, with_state

__all__ = ["RedisStore", "redis_store"]

PATIENCE: Final = 300.0
_PATIENCE_VARIABLE: Final = "JUG_REDIS_PATIENCE"


class RedisStore(BaseStore):
    """Results, failures and leases in a redis server, under a prefix."""

    def __init__(
        self,
        url: str,
        *,
        prefix: str | None = None,
        lease_seconds: float | None = None,
        patience: float | None = None,
        runs_kept: int | None = None,
        chunk_bytes: int = results.CHUNK_BYTES,
    ) -> None:
        self._options = {
            "prefix": prefix,
            "lease_seconds": lease_seconds,
            "patience": patience,
            "runs_kept": runs_kept,
            "chunk_bytes": chunk_bytes,
        }
        self._opened_by = url
        self._address = Address.parse(url, prefix)
        self.url = self._address.shown
        self.lease_seconds = lease = lease_seconds_of(lease_seconds)
        self._access = Access(self._address, _patience(patience))
        self._follower = Follower(self._access)
        self._runs_kept = runs_kept_of(runs_kept)
        self._leases = RedisLeases(
            self._access, self._follower, lease, chunk_bytes, self._runs_kept
        )
        self._index = self._follower.index
        self.news = self._index.news
        self._users = self._address.tag + "jugfiles"
        self._code = self._address.tag + "code"
        self._noted: tuple[str, tuple[str, ...]] = ("", ())
        self._longest_wait = min(1.0, lease / 16)
        """Seconds after which a wait looks for workers that died."""

    @classmethod
    def open(cls, url: str, **options: Any) -> Self:
        """Return the store that a URL names.

        `prefix` is used where the URL gives none; `lease_seconds` is after what
        time without a heartbeat a worker is dead, `patience` how many seconds a
        server that is away is waited for, `runs_kept` how many runs of a
        task are remembered beside the one that counts, and `chunk_bytes` the size in
        which large results are split.

        >>> RedisStore.open("redis://me:secret@localhost/?prefix=primes")
        <RedisStore redis://localhost/?prefix=primes>
        """
        return cls(url, **options)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by where it is: the copy is another worker."""
        return _reopen, (type(self), self._opened_by, self._options)

    @property
    def has_default_prefix(self) -> bool:
        """Whether the URL names no prefix, so that another project may use the same one."""
        return self._address.has_default_prefix

    @property
    def worker_id(self) -> str:
        return self._leases.worker_id

    # What is there, from memory

    def exists(self, digests: Iterable[bytes]) -> list[bool]:
        there = self._index.results
        return [digest in there for digest in digests]

    def failures(self) -> Mapping[bytes, bool]:
        return self._index.failures

    def digests(self) -> Iterator[bytes]:
        return iter(tuple(self._index.results))

    # What others did

    def poll(self) -> None:
        """Read what others did since; the first time, all that is there."""
        self._follower.poll()

    def look_again(self) -> None:
        self._follower.look_again()

    def exists_after_poll(self, digests: Iterable[bytes]) -> list[bool]:
        """Return for each digest whether its result is there.

        Before anything was read the server is asked about these alone, about the
        first ones while the others are still being made.  If all are there, nothing
        else is read.
        """
        rest, asked = iter(digests), list[bytes]()
        if not self._index.cursor and self._follower.are_done(rest, asked):
            return [True] * len(asked)
        return super().exists_after_poll([*asked, *rest])

    def wait(self, reader: Reader, seconds: float) -> Changes:
        self._follower.begin()
        end, known = monotonic() + seconds, self._index.cursor
        is_over = reader.has_changes()
        while not is_over:
            self._follower.listen(min(end - monotonic(), self._longest_wait))
            self.poll()
            has_changed = self._index.cursor != known
            is_over = has_changed or monotonic() >= end or self._leases.reap_dead()
        return reader.take()

    # Reading

    def read(self, digest: bytes) -> Buffer:
        encoded = results.fetch(self._access.server, digest)
        if encoded is None:
            self.poll()  # an error where this version would find nothing at all
            raise self._not_found(digest)
        codec.verify(encoded)
        return encoded

    def read_many(self, digests: Sequence[bytes]) -> Iterator[tuple[bytes, Buffer]]:
        """Yield those that lie in their entries, in a round trip for each thousand."""
        return results.fetch_inline(self._access.server, digests)

    def frame_of(self, digest: bytes) -> bytes | None:
        self.poll()
        return results.fetch_id(self._access.server, digest)

    def record(self, digest: bytes) -> Record | None:
        return self.records([digest])[0]

    def records(self, digests: Sequence[bytes]) -> list[Record | None]:
        """Return the records of many tasks, in a round trip or two for each thousand."""
        found = results.fetch_records(self._access.server, self._leases.workers, digests)
        return [*map(found.get, digests)]

    def size(self, digest: bytes) -> int:
        entries = results.fetch_entries(self._access.server, "results", [digest])
        if digest not in entries:
            raise self._not_found(digest)
        return entries[digest].size

    def sizes(self, digests: Sequence[bytes]) -> list[int]:
        """Return how many bytes many results take, in a round trip for each thousand."""
        entries = results.fetch_entries(self._access.server, "results", digests)
        return [entries[digest].size if digest in entries else 0 for digest in digests]

    # The history

    def note(self, digest: bytes, state: RunState, record: bytes) -> None:
        self.note_jugfile()
        self._leases.note(digest, with_state(record, state))

    def each_run(self) -> Iterator[Run]:
        self.poll()  # an error where these are the runs of tasks that this version does not know
        return results.fetch_runs(self._access.server)

    def workers(self) -> dict[str, WorkerRecord]:
        return self._leases.workers.all(self._access.server)

    def workers_of(self, ids: Collection[str]) -> dict[str, WorkerRecord]:
        known = self._leases.workers.of(self._access.server, ids)
        return {id: known[id] for id in ids if id in known}

    def keep_code(self, pieces: Mapping[bytes, bytes]) -> None:
        """Keep pieces in the hash `code`; one that is there is the same."""
        for batch in batches(pieces.items()):
            self._access.server.command("HSET", self._code, *chain.from_iterable(batch))
            self._leases.has_unsynced = True

    def kept_code(self) -> dict[bytes, bytes]:
        found = self._access.server.command("HGETALL", self._code)
        return dict(zip(found[::2], found[1::2], strict=True))

    def _not_found(self, digest: bytes) -> ResultNotFound:
        return ResultNotFound(
            f"the result of {digest.hex()} is not in {self.url}: run its task first", digest=digest
        )

    # Leases

    def acquire(self, candidates: Sequence[bytes]) -> Lease | None:
        self.note_jugfile()
        return self._leases.acquire(candidates)

    def commit(self, lease: Lease, frame: Frame, inputs: Sequence[bytes] = ()) -> Outcome:
        return self._leases.commit(lease, frame, inputs)

    def commit_and_acquire(
        self, lease: Lease, frame: Frame, inputs: Sequence[bytes], candidates: Sequence[bytes]
    ) -> tuple[Outcome, Lease | None]:
        """Commit one task and acquire the next, in one round trip."""
        return self._leases.commit_and_acquire(lease, frame, inputs, candidates)

    def release(self, lease: Lease) -> None:
        self._leases.release(lease)

    def turn(self) -> tuple[int, int]:
        return self._leases.turn()

    def holders(self) -> dict[bytes, Holder]:
        return self._leases.holders()

    def present(self) -> list[Presence]:
        return self._leases.present()

    def now(self) -> float:
        """Return the time by the clock of the server."""
        return float(self._access.server.run(scripts.NOW)) / 1000

    def break_leases(self, digests: Iterable[bytes]) -> int:
        server = self._access.server
        return sum(server.run(scripts.BREAK, *batch) for batch in batches(digests))

    def tidy(self) -> None:
        """Take the leases of workers away that are gone or whose heartbeat stopped."""
        self._leases.reap_dead()

    def heartbeat(self) -> Heartbeat | None:
        self.note_jugfile()  # a worker says with its first word what it works on
        return self._leases.heartbeat()

    # Writing without a lease

    def put(self, frame: Frame) -> bool:
        self.note_jugfile()
        return self._leases.put(frame)

    def discard(self, digests: Iterable[bytes]) -> int:
        self._follower.begin()
        return sum(map(self._discard, batches(digests)))

    def discard_frame(self, digest: bytes, frame: bytes | None) -> None:
        self._follower.begin()
        if frame is not None:
            self._discard([digest], only=frame)

    def _discard(self, digests: Sequence[bytes], only: bytes = b"") -> int:
        name, server = os.urandom(8).hex(), self._access.server
        reply = self._follower.take_in(
            server.run(scripts.DISCARD, self._index.cursor, name, only, self._runs_kept, *digests)
        )
        self._leases.has_unsynced = True
        if reply.number or not only:
            for digest in digests:
                self._index.remove(digest)
        if reply.is_behind:
            self.poll()
        return reply.number

    # Whose tasks these are

    def jugfiles(self) -> set[str]:
        return {os.fsdecode(name) for name in self._access.server.command("SMEMBERS", self._users)}

    def known_as(self, jugfile: str, arguments: Sequence[str] = ()) -> str:
        """Return its name and arguments: its path is another one on each machine."""
        return shlex.join([os.path.basename(jugfile), *arguments])

    def forget_jugfiles(self, jugfiles: Iterable[str]) -> None:
        for jugfile in jugfiles:
            self._access.server.command("SREM", self._users, os.fsencode(jugfile))

    def note_jugfile(self) -> None:
        self._leases.offers = self.offers
        if (self.jugfile, self.arguments) != self._noted:
            name = os.fsencode(self.known_as(self.jugfile, self.arguments))
            self._access.server.command("SADD", self._users, name)
            self._noted = self.jugfile, self.arguments
            self._leases.jugfile = self.jugfile

    # The end

    def flush(self) -> None:
        """Return once all that was saved here survives a power cut.

        That is for the server's settings to say: this waits for its append-only
        file, if it has one and can tell (redis and valkey from 7.2).
        """
        if self._leases.has_unsynced:
            self._access.server.sync()
            self._leases.has_unsynced = False

    def hurry(self) -> None:
        if self._access.is_in_use():
            self._access.server.hurry()

    def close(self) -> None:
        stop_heartbeat(self)
        if not self._access.is_in_use():
            return
        try:
            self.flush()
            self._leases.leave()
        finally:
            self._access.close()
            self._leases.forget()

    def after_fork(self) -> None:
        self._access.forget()
        self._leases.forget()
        self.news.forget_readers()


redis_store = RedisStore


def _reopen(cls: type[RedisStore], url: str, options: dict[str, Any]) -> RedisStore:
    return cls(url, **options)


def _patience(given: float | None) -> float:
    """Return the patience that was given, else that of the environment, else the default."""
    text = (os.environ.get(_PATIENCE_VARIABLE) or PATIENCE) if given is None else given
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not seconds >= 0:
        what = f"{_PATIENCE_VARIABLE} is" if given is None else "the patience is"
        raise OptionError(f"{what} {text!r}: give a number of seconds", patience=text)
    return seconds


tell_what_is_gone(__name__)
