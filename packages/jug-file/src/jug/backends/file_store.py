"""A store in a directory, on a local disk or shared by hosts: the default of jug.

Small results are frames in segments, one segment per worker (`_segments` learns
of them, `_writer` writes one's own, `_index` knows what they come to, `_results`
reads them); large ones are files of their own (`_bigfiles`).  Who runs what is told by links
(`_lease_folder`).  Here these are put together, and what binds them is order:

- A lease is taken first, then what others did is read, and only then the task is
  known to be without a result.
- A frame is written, and synced if it holds much computing, before its lease ends.
- On a network file system others see a frame only once it is synced, so there
  each is synced.
- Nothing is made before there is something to write: who only looks leaves
  nothing behind.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from struct import Struct
from types import MappingProxyType
from typing import Any, Final, NamedTuple, Self

from jug.backends import _frames, _marker
from jug.backends._bigfiles import FROM_SIZE, BigFiles
from jug.backends._disk import explained, fault, is_local, raise_descriptor_limit
from jug.backends._frames import Kind, Removed
from jug.backends._lease_folder import LeaseFolder
from jug.backends._pack import PACK_LEASE, Packer, Summary, at_work
from jug.backends._pulse import StorePulse
from jug.backends._results import Results
from jug.backends._segments import Segments
from jug.backends._watch import Watch
from jug.backends._writer import Writer
from jug.backends.base import BaseStore, Buffer, Changes, Frame, Holder, Lease, Outcome, Pulse
from jug.backends.base import Kind as FrameKind
from jug.errors import OptionError, StoreError
from jug.records import Record

__all__ = ["FileStore", "Summary", "file_store"]

log = logging.getLogger("jug.store")

_LEASE_SECONDS: Final = 120.0
_DURATION: Final = Struct("<8xd")


class _Token(NamedTuple):
    worker: str
    removals: int


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
        dirname: str | os.PathLike[str],
        compress_numpy: bool = False,
        *,
        lease_seconds: float | None = None,
        network: bool | None = None,
    ) -> None:
        """Open a directory, which need not be there yet.

        `compress_numpy` is accepted, as jug 2.x had it, and changes nothing: arrays
        are stored as they are, so that they can be mapped.  `network` says whether
        other hosts write to the directory; without it, the kind of its file system
        decides.
        """
        self.jugdir = os.fspath(dirname)
        self.url = f"file:{self.jugdir}"
        self._path = Path(os.path.abspath(self.jugdir))
        self._options = {"lease_seconds": lease_seconds, "network": network}
        self._is_local = is_local(self._path) if network is None else not network
        self._is_made = _marker.is_made(self._path)
        self._can_write = False
        self._leases = LeaseFolder(self._path / "leases", _lease_seconds(lease_seconds))
        self._segments = Segments(self._path / "segments", is_local=self._is_local)
        self._index = self._segments.index
        self._big = BigFiles(self._path / "big", is_local=self._is_local)
        self._results = Results(
            self._segments, self._big, self.url, lambda: self.learn(afresh=True)
        )
        self._writer: Writer | None = None
        self._watch: Watch | None = None
        self._held: dict[bytes, Holder] = {}
        raise_descriptor_limit()

    @classmethod
    def open(cls, url: str, **options: Any) -> Self:
        """Return the store of ``file:DIR``, ``file_keepalive:DIR`` or a plain path."""
        scheme, colon, path = url.partition(":")
        return cls(path if colon and scheme in ("file", "file_keepalive") else url, **options)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by where it is: the copy is another worker."""
        return _reopen, (type(self), str(self._path), self._options)

    # What is there, from memory

    def exists(self, digests: Iterable[bytes]) -> list[bool]:
        """Return for each digest whether its result is there, as last learned."""
        results = self._index.results
        return [digest in results for digest in digests]

    def failures(self) -> Mapping[bytes, bool]:
        """Return the tasks that failed and have no result: digest to whether it is kept."""
        return MappingProxyType(self._index.failed)

    def digests(self) -> Iterator[bytes]:
        """Yield the digests of all results, as last learned."""
        return iter(tuple(self._index.results))

    def drain(self) -> Changes:
        """Return what was learned and not handed out yet, without input or output."""
        return self._index.drain()

    # What others did

    def learn(self, *, afresh: bool = False) -> None:
        """Read what others did since, for `drain` to hand out.

        With `afresh` no file is taken to be known because its folder seems unchanged.
        """
        if not (self._is_made or self._is_there()):
            return
        segments, writer = self._segments, self._writer
        try:
            segments.learn(afresh=afresh)
        except OSError as error:
            raise fault(error, segments.folder, "read results in") from error
        if segments.covered and writer is not None and writer.stem in segments.covered:
            writer.write_again(segments.covered[writer.stem])

    def learn_of(self, digests: Iterable[bytes]) -> list[bool]:
        """Learn what others did, and return for each digest whether its result is there."""
        wanted = list(digests)
        with self._index.sharing(wanted):
            self.learn()
        return self.exists(wanted)

    def _is_there(self) -> bool:
        """Return whether anybody has made the store yet."""
        self._is_made = self._is_made or _marker.is_made(self._path)
        return self._is_made

    def wait(self, seconds: float) -> Changes:
        """Wait until something changes, at most so long, and return what did."""
        self.flush()
        if not self._is_there():
            self._wait_for_others(seconds)
        self.learn()
        if not self._index.has_news():
            self._primed_watch().wait(seconds, self._running_pids())
        return self.drain()

    def _wait_for_others(self, seconds: float) -> None:
        """Wait until anybody has made the store."""
        watch = Watch([], self._is_there)
        watch.wait(0)
        watch.wait(seconds)

    def _primed_watch(self) -> Watch:
        """Return the watch, which has looked at least once."""
        if self._watch is None:
            folders = [self._segments.folder, self._leases.folder]
            self._watch = Watch(folders, self._look, self._leases.look_seconds)
            self._watch.wait(0)
        return self._watch

    def _look(self) -> object:
        """Return what must differ for a wait to end."""
        self.learn()
        self._held = self.holders()
        return self._segments.bytes_read, self._held

    def _running_pids(self) -> set[int]:
        """Return the processes of this host whose end would free a lease."""
        return {
            holder.process.pid
            for holder in self._held.values()
            if holder.alive
            and holder.process is not None
            and holder.process.is_local()
            and holder.process.pid != os.getpid()
        }

    # Reading

    def read(self, digest: bytes) -> Buffer:
        """Return the encoded result."""
        return self._results.read(digest)

    def record(self, digest: bytes) -> Record | None:
        """Return the record of the run that counts: of the result, else the last failure."""
        return self._results.record(digest)

    def size(self, digest: bytes) -> int:
        """Return how many bytes the encoded result takes."""
        return self._results.size(digest)

    # Leases

    def acquire(self, candidates: Sequence[bytes]) -> Lease | None:
        """Return a lease of the first candidate that is free and has no result."""
        self._be_writable()
        results, leases = self._index.results, self._leases
        wanted = [digest for digest in candidates if digest not in results]
        while wanted:
            digest = leases.take_any(wanted)
            if digest is None and self._watch is None:
                # What is released from now on ends a wait.
                self._primed_watch()
                digest = leases.take_any(wanted)
            if digest is None:
                return None
            try:
                self.learn()
            except BaseException:
                leases.release(digest)
                raise
            lease = self._lease_of(digest)
            if lease is not None:
                return lease
            wanted = [digest for digest in wanted if digest not in results]
        return None

    def commit(self, lease: Lease, frame: Frame, inputs: Sequence[bytes] = ()) -> Outcome:
        """Save what became of the task and end the lease."""
        try:
            outcome = self._save(lease, frame, inputs)
        except BaseException:
            with suppress(StoreError):  # the first error is the one to tell
                self.release(lease)
            raise
        self.release(lease)
        return outcome

    def commit_and_acquire(
        self, lease: Lease, frame: Frame, inputs: Sequence[bytes], candidates: Sequence[bytes]
    ) -> tuple[Outcome, Lease | None]:
        """Commit one task and acquire the next.

        The next lease is taken first, so that what others did is read once for both.
        """
        leases = self._leases
        digest, worker = leases.take_free(candidates), leases.worker_id
        try:
            outcome = self.commit(lease, frame, inputs)
        except BaseException:
            if digest is not None:
                with suppress(StoreError):  # the first error is the one to tell
                    leases.release(digest)
            raise
        if digest is not None and leases.worker_id == worker:
            following = self._lease_of(digest)
            if following is not None:
                return outcome, following
        return outcome, self.acquire(candidates) if candidates else None

    def _lease_of(self, digest: bytes) -> Lease | None:
        """Return a lease that was taken before others' results were read; none if it is done."""
        if digest in self._index.results:
            self._leases.release(digest)
            return None
        assert self._leases.worker_id is not None
        return Lease(digest, _Token(self._leases.worker_id, self._index.removals))

    def _save(self, lease: Lease, frame: Frame, inputs: Sequence[bytes]) -> Outcome:
        self.learn()
        index, digest, since = self._index, lease.digest, lease.token.removals
        writer = self._current_writer()
        if index.awaits(digest, writer.worker):
            self._write(writer, Kind.VOID, digest)
            return Outcome.STALE
        removed = index.removed
        if removed and any(removed.get(one, 0) > since for one in (digest, *inputs)):
            return Outcome.STALE
        if digest in index.results:
            return Outcome.DUPLICATE
        self._write_frame(writer, frame)
        return Outcome.SAVED

    def release(self, lease: Lease) -> None:
        """End the lease, saving nothing.  A lease that was lost is left alone."""
        if lease.token.worker == self._leases.worker_id:
            self._leases.release(lease.digest)

    def holders(self) -> dict[bytes, Holder]:
        """Return who holds what now."""
        if not self._is_there():
            return {}
        found = self._leases.holders()
        found.pop(PACK_LEASE, None)
        return found

    def break_leases(self, digests: Iterable[bytes]) -> int:
        """Take the leases away from whoever holds them, alive or not; return how many."""
        held = self.holders()
        wanted = [digest for digest in digests if digest in held]
        return sum(self._leases.break_lease(digest) for digest in wanted)

    def tidy(self) -> None:
        """Remove what workers that are certainly gone left behind."""
        if self._is_there():
            self._leases.tidy()
            with explained(self._path, "tidy up in"):
                self._big.tidy(at_work(self._leases))
                _marker.tidy(self._path)

    def pulse(self) -> Pulse:
        """Return the heartbeat of this worker."""
        self._be_writable()
        return StorePulse(self._leases.pulse(), str(self._segments.folder))

    # Writing

    def put(self, frame: Frame) -> None:
        """Save a frame, whoever holds the lease.  A result that is there stays."""
        self._be_writable()
        self.learn()
        if frame.digest in self._index.results:
            return
        writer = self._current_writer()
        while self._index.awaits(frame.digest, writer.worker):
            self._write(writer, Kind.VOID, frame.digest)
        self._write_frame(writer, frame)

    def _write_frame(self, writer: Writer, frame: Frame) -> None:
        kind, pieces = int(frame.kind), frame.payload
        if frame.kind is FrameKind.RESULT and sum(map(len, pieces)) >= FROM_SIZE:
            kind = Kind.BIG
            pieces = [_frames.pack_big(*self._big.write(frame.digest, writer.worker, pieces))]
        self._write(writer, kind, frame.digest, frame.record, pieces)

    def _write(
        self,
        writer: Writer,
        kind: int,
        digest: bytes,
        record: bytes = b"",
        pieces: Sequence[Buffer] = (),
    ) -> None:
        seconds = _DURATION.unpack_from(record)[0] if len(record) >= _DURATION.size else 0.0
        written = writer.append(kind, digest, record, pieces, seconds)
        self._index.add_own(written.ident, kind, digest, written.where)
        if writer.is_due or not self._is_local:
            writer.sync()

    def discard(self, digests: Iterable[bytes]) -> int:
        """Remove results and failures, as they are after a refresh; return of how many tasks.

        Workers that run such a task are looked for before the refresh and again
        after the removals are written: who took its lease later sees them.
        """
        wanted = tuple(dict.fromkeys(digests))
        held = self.holders()
        self.learn(afresh=True)
        count, entries = 0, []
        for digest in wanted:
            if self._index.knows(digest):
                count += 1
                entries += self._named(digest)
            if digest in held and held[digest].worker == self._leases.worker_id:
                self._index.note_removal(digest)
        running = self._running(wanted, held)
        self._remove(entries + running)
        if self._is_made:
            late = self._running(wanted, self.holders())
            self._remove([entry for entry in late if entry not in running])
        return count

    def _named(self, digest: bytes) -> list[Removed]:
        """Return what names the frames of a task; what cannot be read any more is forgotten."""
        idents = self._index.live_idents(digest)
        if not idents:
            self._index.drop(digest, self._index.results[digest])
        return [Removed(digest, ident) for ident in idents]

    def _running(self, digests: Iterable[bytes], held: dict[bytes, Holder]) -> list[Removed]:
        """Return the next frames of all who run one of these tasks."""
        if not held:
            return []
        others = {
            digest: bytes.fromhex(holder.worker)
            for digest, holder in held.items()
            if len(holder.worker) == 16 and holder.worker != self._leases.worker_id
        }
        return [
            Removed(digest, self._index.next_ident(digest, others[digest]), is_next=True)
            for digest in digests
            if digest in others
        ]

    def _remove(self, entries: list[Removed]) -> None:
        if not entries:
            return
        self._be_writable()
        self._current_writer().remove(entries)
        for entry in entries:
            self._index.remove(entry, Changes())

    def _current_writer(self) -> Writer:
        """Return the writer of this worker, also after it was taken for dead and began anew."""
        worker = self._leases.join()
        if self._writer is None or self._writer.worker_id != worker:
            if self._writer is not None:
                self._writer.end()
            self._writer = Writer(self._segments, worker)
        return self._writer

    def _be_writable(self) -> None:
        if not self._can_write:
            _marker.make(self._path)
            self._is_made = self._can_write = True

    def flush(self) -> None:
        """Return once all that was saved here survives a power cut."""
        if self._writer is not None:
            self._writer.sync()

    def close(self) -> None:
        """Flush, give back all leases, and let go of every resource."""
        try:
            if self._writer is not None:
                self._writer.end()
                self._writer = None
                self._pack_if_many()
        finally:
            self._leases.leave()
            self._segments.close()
            self._close_watch()

    def after_fork(self) -> None:
        """Become a worker of one's own in a process that was forked."""
        if self._writer is not None:
            self._segments.disown(self._writer.stem, self._writer.end_offset)
            self._writer.abandon()
            self._writer = None
        self._leases.forget()
        self._close_watch()

    def _close_watch(self) -> None:
        if self._watch is not None:
            self._watch.close()
            self._watch = None

    # Packing

    def pack(self) -> Summary:
        """Merge the segments of workers that are gone, and delete what nothing refers to."""
        self._be_writable()
        self.flush()
        self.learn(afresh=True)
        return self._packer().pack(wholly=True)

    def _pack_if_many(self) -> None:
        """Merge what there is very much of; if that fails, nothing is lost."""
        try:
            if self._packer().is_worthwhile():
                self._packer().pack(wholly=False)
        except StoreError as error:
            log.warning("%s (the results are safe, in many files)", error)

    def _packer(self) -> Packer:
        return Packer(self._segments, self._big, self._leases)


file_store = FileStore


def _reopen(cls: type[FileStore], dirname: str, options: dict[str, Any]) -> FileStore:
    return cls(dirname, **options)


def _lease_seconds(given: float | None) -> float:
    text = os.environ.get("JUG_LEASE_SECONDS", _LEASE_SECONDS) if given is None else given
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not seconds > 0:
        raise OptionError(f"a lease time of {text!r} is not possible: give seconds above 0")
    return seconds
