"""What one worker writes: frames at the end of its own segment.

Nobody else writes to it, so a frame is one call and needs no lock.  What may go
wrong shows in one of two ways.

- *A write fails or falls short*: the segment is cut back to its last good end.
- *A sync fails*: then it is unknown which of the frames since the last sync are on
  the disk, and a second sync that succeeds would prove nothing.  The segment is
  given up.  The frames that were not synced are still in memory and go to a new
  segment, under the same ids, so whoever finds them in both sees one.

That is why frames are kept in memory until they are synced, and why they are
synced before they are many: as soon as they hold a second of computing, are a
second old, or take 16 MB.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from contextlib import AbstractContextManager, suppress
from typing import Final

from jug.backends._file import frames
from jug.backends._file.disk import (
    TEMPORARY,
    explained,
    fault,
    read_at,
    sync,
    sync_folder,
    write_at,
    written_aside,
)
from jug.backends._file.frames import FrameKind, Removed
from jug.backends._file.index import SHIFT
from jug.backends._file.segment import SEGMENT, Segment
from jug.backends._file.segments import Segments
from jug.backends.base import Buffer
from jug.backends.worker_record import WorkerRecord, pack_end
from jug.errors import StoreError
from jug.named_tuple import NamedTuple

_SECONDS: Final = 1.0
_BYTES: Final = 1 << 24
_REMOVALS_A_FRAME: Final = 4096


class Written(NamedTuple):
    """A frame that was written and perhaps not synced yet."""

    ident: bytes
    kind: int
    digest: bytes
    where: int
    frame: bytes


class Writer:
    """The segments of one worker, made when there is something to write."""

    def __init__(self, segments: Segments, worker: WorkerRecord) -> None:
        self.worker_id = worker.id
        self.worker = bytes.fromhex(worker.id)
        self._described = worker
        self._segments = segments
        self._index = segments.index
        self._frames = 0
        self._files = 0
        self._file: int | None = None
        self._segment: Segment | None = None
        self._end = 0
        self._is_listed = False
        self._is_broken = False
        self._unsynced: list[Written] = []
        self._since = 0.0
        self._seconds = 0.0
        self._bytes = 0

    @property
    def stem(self) -> str:
        """The name of the segment that is being written, empty if there is none."""
        return "" if self._segment is None else self._segment.stem

    @property
    def end_offset(self) -> int:
        """Where the segment ends."""
        return self._end

    @property
    def is_due(self) -> bool:
        """Whether what is not synced holds so much, or is so old, that it must be synced now."""
        return bool(self._unsynced) and (
            self._seconds >= _SECONDS
            or self._bytes >= _BYTES
            or time.monotonic() - self._since >= _SECONDS
        )

    # Writing

    def begin(self) -> None:
        """Begin a segment, which says who writes it, if there is none."""
        if self._file is None:
            with self._failing_as("save results in"):
                self._begin()

    def append(
        self,
        kind: int,
        digest: bytes,
        record: bytes = b"",
        pieces: Iterable[Buffer] = (),
        seconds: float = 0.0,
    ) -> tuple[bytes, int]:
        """Write a frame that took `seconds` to compute; return its id and where it lies."""
        if self._file is None or self._is_broken:
            with self._failing_as("save results in"):
                self._move() if self._is_broken else self._begin()
        assert self._segment is not None
        ident = frames.ident(self.worker, self._frames)
        self._frames += 1
        frame = frames.build(self._segment.seed, ident, kind, digest, record, pieces)
        if len(frame) > frames.LONGEST:
            raise StoreError(
                f"the record of {digest.hex()!r} is longer than 16 MB: shorten its exception",
                digest=digest,
            )
        where = self._put(frame)
        if not self._unsynced:
            self._since = time.monotonic()
        self._unsynced.append(Written(ident, kind, digest, where, frame))
        self._seconds += seconds
        self._bytes += len(frame)
        return ident, where

    def remove(self, entries: list[Removed]) -> None:
        """Write that these frames do not count any more, and sync that."""
        for first in range(0, len(entries), _REMOVALS_A_FRAME):
            part = entries[first : first + _REMOVALS_A_FRAME]
            self.append(FrameKind.REMOVAL, frames.NO_TASK, b"", [frames.pack_removals(part)])
        self.sync()

    def _put(self, frame: bytes) -> int:
        """Write a frame at the end and return where it lies; cut off what was written of it."""
        assert self._file is not None and self._segment is not None
        try:
            write_at(self._file, frame, self._end)
        except OSError as error:
            try:
                os.ftruncate(self._file, self._end)
            except OSError:
                self._is_broken = True
            raise fault(error, self._segment.path, "save a result in") from error
        where = (self._segment.number << SHIFT) + self._end
        self._end += len(frame)
        return where

    def _begin(self) -> None:
        """Begin a new segment."""
        stem = f"{self.worker.hex()}-{self._files}"
        path = os.path.join(self._segments.folder, stem + SEGMENT)
        self._files += 1
        segment = self._segments.adopt(stem, path)
        self._index.workers[self.worker] = self._described
        described, ident = self._described.pack(), frames.ident(self.worker, self._frames)
        self._frames += 1
        start = frames.head() + frames.build(
            segment.seed, ident, FrameKind.WORKER, frames.NO_TASK, b"", [described]
        )
        # Nobody must see it empty: some file systems would remember that.
        with written_aside(path, path + TEMPORARY) as file:
            write_at(file, start, 0)
        self._file, self._segment, self._end = file, segment, len(start)
        self._is_listed = self._is_broken = False

    # Syncing

    def sync(self) -> None:
        """Return once all that was written survives a power cut.

        Raises `StoreError` if that cannot be had; what was not synced is forgotten
        then, as if it had not been written.
        """
        if not self._unsynced:
            return
        with self._failing_as("make results safe in"):
            try:
                self._sync_file()
            except OSError:
                self._move()
        self._unsynced.clear()
        self._seconds, self._bytes = 0.0, 0

    def _sync_file(self) -> None:
        if self._is_broken:
            raise OSError("the segment could not be cut back")
        assert self._file is not None
        sync(self._file)
        if not self._is_listed:
            sync_folder(self._segments.folder)
            self._is_listed = True

    def _move(self) -> None:
        """Write what was not synced to a new segment, and sync that."""
        assert self._file is not None
        given_up, lost = self._file, self._unsynced
        kept = self._end - sum(len(written.frame) for written in lost)
        self._file = None
        try:
            self._begin()
            moved = [self._rewrite(written) for written in lost]
            self._sync_file()
        except OSError:
            self._forget(lost, given_up, kept)
            raise
        finally:
            os.close(given_up)
        for before, after in zip(lost, moved, strict=True):
            if before.kind in frames.OF_TASKS:
                self._index.move(after.ident, after.digest, after.where)
        self._unsynced = moved

    def _rewrite(self, written: Written) -> Written:
        assert self._segment is not None
        frame = frames.reseed(written.frame, self._segment.seed)
        return written._replace(where=self._put(frame), frame=frame)

    def _forget(self, lost: list[Written], given_up: int, kept: int) -> None:
        """Undo frames that could be made safe nowhere."""
        with suppress(OSError):  # readers may see them for a while, and they are valid
            os.ftruncate(given_up, kept)
        for written in lost:
            if written.kind in frames.OF_TASKS:
                self._index.drop(written.digest, written.where)
        self._unsynced = []
        self._seconds, self._bytes = 0.0, 0
        if self._file is not None and self._segment is not None:
            with suppress(OSError):  # nothing in it is known to anybody
                os.unlink(self._segment.path)
            os.close(self._file)
        self._file = self._segment = None
        self._is_broken = False

    # What a pack did, and the end

    def write_again(self, covered_to: int) -> None:
        """Write again what is missing from here on.

        A pack, which took this worker for dead, did not copy it, or the file was deleted.
        """
        assert self._file is not None and self._segment is not None
        old_file, old_seed = self._file, self._segment.seed
        start = (self._segment.number << SHIFT) + covered_to
        data = read_at(old_file, self._end - covered_to, covered_to)
        with self._failing_as("write results again in"):
            self._begin()
        try:
            at = 0
            while at < len(data) and frames.is_whole(data, at, old_seed):
                length = frames.length_at(data, at) or 0
                self._copy(data[at : at + length], start + at)
                at += length
        finally:
            os.close(old_file)
        self.sync()

    def _copy(self, frame: bytes, before: int) -> None:
        assert self._segment is not None
        found = frames.view(frame)
        again = frames.reseed(frame, self._segment.seed)
        written = Written(found.ident, found.kind, found.digest, self._put(again), again)
        self._unsynced.append(written)
        if self._index.results.get(found.digest) == before:
            self._index.move(found.ident, found.digest, written.where)
        elif found.kind in frames.OF_TASKS:
            self._index.add(found.ident, found.kind, found.digest, written.where)

    def end(self) -> None:
        """Sync, write that no further frame comes, and close the segment."""
        if self._file is None:
            return
        try:
            said = pack_end()
            self.append(FrameKind.END, frames.NO_TASK, b"", [said])
            self.sync()
            self._index.ended[self.worker] = said
        finally:
            self._segments.disown(self.stem, self._end)
            self.abandon()

    def abandon(self) -> None:
        """Close the segment as it is: it belongs to another process."""
        if self._file is not None:
            os.close(self._file)
        self._file = self._segment = None
        self._unsynced = []

    def _failing_as(self, doing: str) -> AbstractContextManager[None]:
        return explained(self._segments.folder, doing)
