"""A store in a directory, on a local disk or shared by hosts: the default of jug.

Small results are frames in segments, one segment per worker; large ones are files
(`_file.big_files`).  `_file.segments` reads what others wrote, `_file.index` knows
what it comes to, `_file.results` reads single results, `_file.saving` writes.  Who
runs what is shown by links (`_file.leases`).  Here these are put together, by one
method for each promise of a store, so there are many.  What binds them is order:

- A lease is taken first, then what others did is read, and only then the task is
  known to be without a result.
- A frame is written, and synced if it holds much computing, before its lease ends.
- On a network file system others see a frame only once it is synced, so there
  each is synced.
- Nothing is made before a lease is taken or there is something to write: who only looks
  leaves nothing behind.
"""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Self

from jug._former import tell_what_is_gone
from jug.backends._file import marker
from jug.backends._file.big_files import BigFiles
from jug.backends._file.claims import FileClaims
from jug.backends._file.clock import DiskClock
from jug.backends._file.code import CodeFiles
from jug.backends._file.disk import (
    explained,
    fault,
    is_local,
    raise_descriptor_limit,
)
from jug.backends._file.frames import Removed
from jug.backends._file.grants import Grants
from jug.backends._file.heartbeat import StoreHeartbeat
from jug.backends._file.index import Place
from jug.backends._file.jugfiles import Jugfiles
from jug.backends._file.leases import MANY, FileLeases
from jug.backends._file.pack import Packer, PackSummary
from jug.backends._file.publishing import delete_begun
from jug.backends._file.removing import Discard, removal_of
from jug.backends._file.results import Results
from jug.backends._file.saving import Saving
from jug.backends._file.segments import Segments
from jug.backends._file.waiting import Waiting, wait_until
from jug.backends._file.worker_file import WORKER
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
from jug.backends.frames import by_worker
from jug.backends.heartbeat import stop_heartbeat
from jug.backends.lease_time import lease_seconds as lease_seconds_of
from jug.backends.runs_kept import runs_kept as runs_kept_of
from jug.backends.worker_record import WorkerRecord
from jug.collector import without_collector
from jug.errors import StoreError
from jug.records import Record, Run, RunState, with_state

if TYPE_CHECKING:
    from jug.backends._file.runs import Runs
    from jug.run_times import RunTimes

__all__ = ["FileStore", "PackSummary", "file_store"]

_MANY: Final = 4
"""How many records are read in the time in which one alone is looked up."""

_FRESH: Final = 0.01
"""Seconds for which what was read of others will do to save a short task."""


class FileStore(BaseStore):
    """Results, failures and leases in a directory.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder, FileStore(folder) as store:
    ...     store.dump([1, 2], b"0" * 40)
    ...     store.load(b"0" * 40)
    [1, 2]
    """

    def __init__(
        self,
        dname: str | os.PathLike[str],
        compress_numpy: bool = False,
        *,
        lease_seconds: float | None = None,
        network: bool | None = None,
        runs_kept: int | None = None,
    ) -> None:
        """Open a directory, which need not be there yet.

        `compress_numpy` is accepted, as jug 2.x had it, and changes nothing: arrays
        are stored as they are, so that they can be mapped.  `network` says whether
        other hosts write to the directory; without it, the kind of its file system
        decides.  `runs_kept` is how many runs of a task a pack keeps beside the one that
        counts.
        """
        self.jugdir = os.fspath(dname)
        self._path = os.path.abspath(self.jugdir)
        self.url = f"file:{self._path}"
        self._options = {
            "lease_seconds": lease_seconds,
            "network": network,
            "runs_kept": runs_kept,
        }
        self._runs_kept = runs_kept_of(runs_kept)
        self._is_local = is_local(self._path) if network is None else not network
        self._jugfiles = Jugfiles(self._path)
        self._code = CodeFiles(self._path)
        self._is_made = marker.is_made(self._path)
        self._can_write = False
        self._claimed_at = 0.0
        self.lease_seconds = lease_seconds_of(lease_seconds)
        self._leases = FileLeases(os.path.join(self._path, "leases"), self.lease_seconds)
        self._clock = DiskClock(self._path, is_local=self._is_local)
        self._segments = Segments(os.path.join(self._path, "segments"), is_local=self._is_local)
        self._index = self._segments.index
        self._claims = FileClaims(
            self._leases, self._segments, lambda: self.poll(), is_local=self._is_local
        )
        self.news = self._index.news
        self._big = BigFiles(os.path.join(self._path, "big"), is_local=self._is_local)
        self._results = Results(self._segments, self._big, self.url, lambda: self.poll(afresh=True))
        self._saving = Saving(
            self._segments, self._big, self._leases, self._describe, is_local=self._is_local
        )
        folders = (self._segments.folder, self._leases.folder)
        self._waiting = Waiting(folders, self._look, self._leases.look_seconds)
        self._grants = Grants(self._leases, self._claims, self._index, self._saving, self._waiting)
        raise_descriptor_limit()

    @classmethod
    def open(cls, url: str, **options: Any) -> Self:
        """Return the store of ``file:DIR``, ``file_keepalive:DIR`` or a plain path."""
        scheme, colon, path = url.partition(":")
        return cls(path if colon and scheme in ("file", "file_keepalive") else url, **options)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by where it is: the copy is another worker."""
        return _reopen, (type(self), self._path, self._options)

    @property
    def worker_id(self) -> str:
        return self._leases.worker_id or ""

    # What is there, from memory

    def exists(self, digests: Iterable[bytes]) -> list[bool]:
        return [*map(self._index.results.__contains__, digests)]

    def has(self, digest: bytes) -> bool:
        return digest in self._index.results

    def failures(self) -> Mapping[bytes, bool]:
        return MappingProxyType(self._index.failed)

    def digests(self) -> Iterator[bytes]:
        return iter(tuple(self._index.results))

    # What others did

    def poll(self, *, afresh: bool = False) -> None:
        """Read what others did since the last time, and only that.

        With `afresh` the folder is listed again even if it seems unchanged.
        """
        if not (self._is_made or self._is_there()):
            return
        segments = self._segments
        try:
            segments.poll(afresh=afresh)
        except OSError as error:
            raise fault(error, segments.folder, "read results in") from error
        if segments.gone_own:
            marker.make(self._path)
        if segments.covered or segments.gone_own:
            self._saving.write_again_what_is_missing()

    def look_again(self) -> None:
        self.poll(afresh=True)
        if self._can_write:
            marker.make(self._path)
        for digest in self._results.find_deleted():
            self.discard_frame(digest, self._index.place_of(digest))

    def exists_after_poll(self, digests: Iterable[bytes]) -> list[bool]:
        wanted = list(digests)
        with self._index.sharing_keys(wanted):
            self.poll()
        return self.exists(wanted)

    def _is_there(self) -> bool:
        """Return whether anybody has made the store yet."""
        self._is_made = self._is_made or marker.is_made(self._path)
        return self._is_made

    def wait(self, reader: Reader, seconds: float) -> Changes:
        self.flush()
        if not self._is_there():
            wait_until(self._is_there, seconds)
        self._waiting.begin()  # what its first look finds is no reason to end a wait
        self.poll()
        if not reader.has_changes():
            # Who has never taken a task only looks, and is in no hurry.
            pause = self._claims.revoke_late() if self.worker_id else None
            if pause is None:
                self._waiting.wait(seconds)
            else:
                time.sleep(min(seconds, pause))
                self.poll()
        return reader.take()

    def _look(self) -> tuple[int, dict[bytes, Holder]]:
        """Read what others did; return what must differ for a wait to end: no sign of life."""
        self.poll()
        held = {digest: one._replace(last_sign=0.0) for digest, one in self.holders().items()}
        return self._segments.bytes_read, held

    # Reading

    def read(self, digest: bytes) -> Buffer:
        return self._results.read(digest)

    def read_many(self, digests: Sequence[bytes]) -> Iterator[tuple[bytes, Buffer]]:
        return self._results.read_many(digests)

    def frame_of(self, digest: bytes) -> Place | None:
        self.poll(afresh=True)
        return self._index.place_of(digest)

    def record(self, digest: bytes) -> Record | None:
        return self._results.record(digest)

    def size(self, digest: bytes) -> int:
        return self._results.size(digest)

    def records(self, digests: Sequence[bytes]) -> list[Record | None]:
        if not digests or len(digests) * _MANY < len(self._index.results):
            return super().records(digests)
        with without_collector():
            found = self._runs.records(digests)
        rest = [place for place, record in enumerate(found) if record is None]
        singly = super().records([digests[place] for place in rest])
        for place, record in zip(rest, singly, strict=True):
            found[place] = record
        return found

    # The history

    @cached_property
    def _runs(self) -> Runs:
        from jug.backends._file.runs import Runs  # which is slow to import

        return Runs(self._segments, lambda: self.poll(afresh=True))

    def note(self, digest: bytes, state: RunState, record: bytes) -> None:
        self._be_writable()
        self._saving.note(digest, with_state(record, state))

    def each_run(self) -> Iterator[Run]:
        self.poll()
        return self._runs.each() if self._segments.known else iter(())

    def each_time(self) -> Iterator[RunTimes]:
        self.poll()
        return self._runs.times()

    def workers(self) -> dict[str, WorkerRecord]:
        return self.workers_of([key.hex() for key in self._index.workers])

    def workers_of(self, ids: Collection[str]) -> dict[str, WorkerRecord]:
        index, keys = self._index, [bytes.fromhex(id) for id in ids if WORKER.fullmatch(id)]
        known = {key: index.workers[key] for key in keys if key in index.workers}
        return {one.id: one.ended(index.ended.get(key, b"")) for key, one in known.items()}

    def _describe(self, worker: str) -> WorkerRecord:
        record = WorkerRecord.here(worker, self.jugfile, self.offers)
        return record._replace(claims=self.gives_several and self._claims.may_ever_claim())

    def keep_code(self, pieces: Mapping[bytes, bytes]) -> None:
        self._be_writable()
        self._code.keep(pieces)

    def kept_code(self) -> dict[bytes, bytes]:
        kept = self._code.kept() if self._is_there() else {}
        self.lacks_code = self._code.has_damage
        return kept

    # Leases

    def acquire(self, candidates: Sequence[bytes]) -> Lease | None:
        self._be_writable()
        return self._grants.one(candidates)

    def acquire_several(self, candidates: Sequence[bytes]) -> list[Lease]:
        """Claim several tasks, on a local disk where no worker of another host is known."""
        self._be_writable()
        self._claimed_at = time.monotonic()
        return self._grants.several(candidates) if self.gives_several else []

    def begin(self, lease: Lease) -> bool:
        return self._claims.begin(lease.digest)

    def save(self, lease: Lease, frame: Frame, inputs: Sequence[bytes] = ()) -> Outcome:
        if time.monotonic() - self._claimed_at > _FRESH:
            self.poll()
        return self._save_if_wanted(lease, frame, inputs)

    def end_several(self) -> None:
        self._claims.end()

    def commit(self, lease: Lease, frame: Frame, inputs: Sequence[bytes] = ()) -> Outcome:
        try:
            outcome = self._save(lease, frame, inputs)
        except BaseException:
            with suppress(StoreError):  # the first error is the one to report
                self.release(lease)
            raise
        self.release(lease)
        return outcome

    def commit_and_acquire(
        self, lease: Lease, frame: Frame, inputs: Sequence[bytes], candidates: Sequence[bytes]
    ) -> tuple[Outcome, Lease | None]:
        """Commit one task and acquire the next.

        The next lease is taken first, so that what others did is read once for both.
        Among many workers most candidates may be done by now, so there it is read before.
        """
        if len(candidates) >= MANY:
            return super().commit_and_acquire(lease, frame, inputs, candidates)
        leases = self._leases
        try:
            digest, worker = leases.take_free(candidates), leases.worker_id
        except StoreError:
            self.commit(lease, frame, inputs)  # what was computed is not lost for that
            raise
        try:
            outcome = self.commit(lease, frame, inputs)
        except BaseException:
            if digest is not None:
                with suppress(StoreError):  # the first error is the one to report
                    leases.release(digest)
            raise
        if digest is not None and leases.worker_id == worker:
            following = self._grants.of_locked(digest)
            if following is not None:
                return outcome, following
        return outcome, self.acquire(candidates) if candidates else None

    def _save(self, lease: Lease, frame: Frame, inputs: Sequence[bytes]) -> Outcome:
        self.poll()
        return self._save_if_wanted(lease, frame, inputs)

    def _save_if_wanted(self, lease: Lease, frame: Frame, inputs: Sequence[bytes]) -> Outcome:
        digest, index, saving = lease.digest, self._index, self._saving
        writer = saving.writer()
        if digest in index.histories and index.expects_removed(digest, writer.worker):
            saving.save_void(writer, digest)
            return Outcome.STALE
        if self.news.clock != lease.since and self.news.is_stale((digest, *inputs), lease.since):
            return Outcome.STALE
        if digest in index.results:
            return Outcome.DUPLICATE
        saving.save(writer, frame)
        return Outcome.SAVED

    def release(self, lease: Lease) -> None:
        if lease.token == self._leases.worker_id and not lease.is_one_of_several:
            self._leases.release(lease.digest)

    def turn(self) -> tuple[int, int]:
        return self._leases.turn()

    def holders(self) -> dict[bytes, Holder]:
        return self._grants.holders() if self._is_there() else {}

    def present(self) -> list[Presence]:
        holders = self.holders()
        holding = [*by_worker(holders)]
        busy = {one.worker for one in holding}
        return holding + (self._leases.idle(busy) if self._is_there() else [])

    def now(self) -> float:
        """Return the time by the clock of the disk, or by that of the file server."""
        return self._clock.now()

    def break_leases(self, digests: Iterable[bytes]) -> int:
        return self._grants.take_away(digests) if self._is_there() else 0

    def tidy(self) -> None:
        if self._is_there():
            self._leases.tidy()
            self._packer().tidy()
            with explained(self._path, "tidy up in"):
                delete_begun(self._path)
                self._jugfiles.tidy()
                self._code.tidy()

    def heartbeat(self) -> Heartbeat:
        self._be_writable()
        self._saving.begin()
        return StoreHeartbeat(self._leases.heartbeat(), self._segments.folder)

    # Writing

    def put(self, frame: Frame) -> bool:
        self._be_writable()
        self.poll()
        if frame.digest in self._index.results:
            return False
        saving, writer = self._saving, self._saving.writer()
        while self._index.expects_removed(frame.digest, writer.worker):
            saving.save_void(writer, frame.digest)
        saving.save(writer, frame)
        return True

    def discard(self, digests: Iterable[bytes]) -> int:
        discard, leases = Discard(self._index, digests), self._leases
        at_work = self._at_work()
        self.poll(afresh=True)
        self._remove(discard.entries(at_work, leases.worker_id))
        if self._is_made:
            self._remove(discard.late_entries(self._at_work(), leases.worker_id))
        return discard.count

    def _at_work(self) -> set[tuple[bytes, str]]:
        """Return which tasks are run, and by whom, or by one of whom."""
        if not self._is_there():
            return set()
        workers, locks = self._leases.links.workers_and_locks()
        locked = {(digest, one.worker) for digest, one in self._leases.holders(locks).items()}
        return locked.union((digest, one.worker) for digest, one in self._claims.shown(workers))

    def discard_frame(self, digest: bytes, frame: Place | None) -> None:
        if frame is not None:
            self._remove(removal_of(self._index, digest, frame))

    def _remove(self, entries: list[Removed]) -> None:
        if entries:
            self._be_writable()
            self._saving.remove(entries)

    def _be_writable(self) -> None:
        if not self._can_write:
            marker.make(self._path)
            self._is_made = self._can_write = True
            self.gives_several = self._is_local and marker.has_claims(self._path)
        self._jugfiles.note(self.jugfile, self.arguments)

    def note_jugfile(self) -> None:
        with suppress(StoreError):  # who may not write here can still read
            if self._is_there():
                self._be_writable()

    def jugfiles(self) -> set[str]:
        return self._jugfiles.known() if self._is_there() else set()

    def forget_jugfiles(self, jugfiles: Iterable[str]) -> None:
        if self._is_there():
            self._jugfiles.forget(jugfiles)

    def flush(self) -> None:
        self._saving.sync()

    def close(self) -> None:
        stop_heartbeat(self)
        try:
            self._claims.end()
            self._claims.forget()
            if self._saving.end():
                self._packer().pack_if_worthwhile()
        finally:
            self._leases.leave()
            self._segments.close()
            self._waiting.close()

    def after_fork(self) -> None:
        self._saving.abandon()
        self._claims.forget()
        self._leases.forget()
        self.news.forget_readers()
        self._waiting.close()

    # Packing

    def pack(self) -> PackSummary:
        """Merge the segments of workers that are gone, and delete what nothing refers to."""
        self._be_writable()
        self.flush()
        self.poll(afresh=True)
        return self._packer().pack(wholly=True)

    def _packer(self) -> Packer:
        return Packer(self._segments, self._big, self._leases, self._runs_kept)


file_store = FileStore
tell_what_is_gone(__name__)


def _reopen(cls: type[FileStore], dirname: str, options: dict[str, Any]) -> FileStore:
    return cls(dirname, **options)
