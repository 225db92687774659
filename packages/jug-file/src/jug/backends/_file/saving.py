"""Saving: the frames of one worker's runs, and what they change in the index.

A worker that was taken for dead begins anew under another id, and so with another
writer.  Large results go to files first; their frames only announce them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from struct import Struct
from typing import Final

from jug.backends._file import frames
from jug.backends._file.big_files import FROM_SIZE, BigFiles
from jug.backends._file.frames import FrameKind, Removed
from jug.backends._file.leases import FileLeases
from jug.backends._file.segments import Segments
from jug.backends._file.writer import Writer
from jug.backends.base import Buffer, Frame, Kind
from jug.backends.worker_record import WorkerRecord
from jug.messages import Log

__all__ = ["Saving"]

log = Log("store")

_DURATION: Final = Struct("<8xd")


class Saving:
    """What this worker writes to a store; nothing is made before `begin` or the first frame."""

    def __init__(
        self,
        segments: Segments,
        big: BigFiles,
        leases: FileLeases,
        describe: Callable[[str], WorkerRecord],
        *,
        is_local: bool,
    ) -> None:
        self._segments = segments
        self._index = segments.index
        self._big = big
        self._leases = leases
        self._describe = describe
        self._is_local = is_local
        self._writer: Writer | None = None

    def writer(self) -> Writer:
        """Return the writer of this worker, also after it was taken for dead and began anew."""
        writer = self._writer
        if writer is not None and writer.worker_id == self._leases.worker_id:
            return writer
        worker = self._leases.join()
        if writer is not None:
            writer.end()
        self._writer = Writer(self._segments, self._describe(worker))
        return self._writer

    def begin(self) -> None:
        """Say who this worker is, if it has not: what it runs may kill it before it saves."""
        if self._writer is None:
            self.writer().begin()

    def save(self, writer: Writer, frame: Frame) -> None:
        """Write what a run has left behind, a large result to a file."""
        kind, digest, record, pieces = frame
        if kind is Kind.RESULT and sum(map(len, pieces)) >= FROM_SIZE:
            pieces = [frames.pack_big(*self._big.write(digest, writer.worker, pieces))]
            self._write(writer, FrameKind.BIG, digest, record, pieces)
        else:
            self._write(writer, kind, digest, record, pieces)

    def save_void(self, writer: Writer, digest: bytes) -> None:
        """Write that a run left nothing, in place of the frame that is removed already."""
        self._write(writer, FrameKind.VOID, digest)

    def _write(
        self,
        writer: Writer,
        kind: int,
        digest: bytes,
        record: bytes = b"",
        pieces: Sequence[Buffer] = (),
    ) -> None:
        seconds = _DURATION.unpack_from(record)[0] if len(record) >= _DURATION.size else 0.0
        ident, where = writer.append(kind, digest, record, pieces, seconds)
        if kind != FrameKind.RUN:
            self._index.add(ident, kind, digest, where)
        if writer.is_due or not self._is_local:
            writer.sync()

    def note(self, digest: bytes, record: bytes) -> None:
        """Write of a run that leaves neither result nor failure."""
        self._write(self.writer(), FrameKind.RUN, digest, record)

    def remove(self, entries: list[Removed]) -> None:
        """Write that these frames do not count any more."""
        self.writer().remove(entries)
        for entry in entries:
            self._index.remove(entry)

    def write_again_what_is_missing(self) -> None:
        """Write again what a pack lacks that took this worker for dead, or what was deleted."""
        writer, segments = self._writer, self._segments
        stem = "" if writer is None else writer.stem
        if writer is not None and stem in segments.covered:
            writer.write_again(segments.covered[stem])
        elif writer is not None and stem in segments.gone_own:
            log.warning("a file in %s was deleted: what it held is saved again", segments.folder)
            writer.write_again(frames.HEAD_SIZE)
        segments.forget_gone_own()

    def sync(self) -> None:
        """Return once all that was written survives a power cut."""
        if self._writer is not None:
            self._writer.sync()

    def end(self) -> bool:
        """Sync and write nothing more; return whether anything was written."""
        if self._writer is None:
            return False
        self._writer.end()
        self._writer = None
        return True

    def abandon(self) -> None:
        """Leave the segment to the process that this one was forked from."""
        if self._writer is not None:
            self._segments.disown(self._writer.stem, self._writer.end_offset)
            self._writer.abandon()
            self._writer = None
