"""Reading results and records, wherever they lie by now.

The index knows where a frame lay when it was read.  If that file is gone, a pack has
taken its place: the folder is listed again and the frame is looked up again.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from jug.backends._file import frames
from jug.backends._file.big_files import BigFiles
from jug.backends._file.disk import fault, is_missing
from jug.backends._file.frames import FrameKind, View
from jug.backends._file.segments import Segments
from jug.backends.base import Buffer
from jug.errors import DamagedResult, ResultNotFound, StoreError
from jug.messages import Log
from jug.records import Record, unpack_if_sound

log = Log("store")

_T = TypeVar("_T")


class Results:
    """What the frames of a store say, read when it is asked for."""

    def __init__(
        self, segments: Segments, big: BigFiles, url: str, poll_afresh: Callable[[], None]
    ) -> None:
        self._segments = segments
        self._index = segments.index
        self._big = big
        self._url = url
        self._poll_afresh = poll_afresh

    def read(self, digest: bytes) -> Buffer:
        """Return an encoded result."""
        found = self._again_if_gone(self._result, digest)
        if found.kind != FrameKind.BIG:
            return found.payload
        size, name = frames.unpack_big(found.payload)
        try:
            return self._big.read(name, size)
        except OSError as error:
            if error.errno == errno.ESTALE:
                raise self._lost(digest) from error
            raise fault(error, self._big.path(name), "read a result in") from error

    def read_many(self, digests: Iterable[bytes]) -> Iterator[tuple[bytes, Buffer]]:
        """Yield small results in the order in which they lie in the segments.

        What can't be read at once is left out: who reads it singly is told why.
        """
        frame_at, result_of = self._segments.frame_at, self._index.results.get
        places = [(where, digest) for digest in digests if (where := result_of(digest))]
        for where, digest in sorted(places):
            try:
                found = frame_at(where, digest)
            except (DamagedResult, OSError):
                continue
            if found.kind != FrameKind.BIG:
                yield digest, found.payload

    def size(self, digest: bytes) -> int:
        """Return how many bytes an encoded result takes."""
        found = self._again_if_gone(self._result, digest)
        if found.kind == FrameKind.BIG:
            return frames.unpack_big(found.payload)[0]
        return len(found.payload)

    def find_deleted(self) -> list[bytes]:
        """Return the tasks whose results were large files that are not there any more."""
        large = [digest for digest in self._index.large if digest in self._index.results]
        there = {bytes.fromhex(name[:40]) for name, _ in self._big.names()} if large else set()
        deleted = [digest for digest in large if digest not in there and self._is_large(digest)]
        if deleted:
            log.warning("%d large results in %s were deleted", len(deleted), self._url)
        return deleted

    def _is_large(self, digest: bytes) -> bool:
        """Return whether the result that counts lies in a large file, as far as it can be read."""
        try:
            return self._again_if_gone(self._result, digest).kind == FrameKind.BIG
        except (DamagedResult, ResultNotFound):
            return False

    def record(self, digest: bytes) -> Record | None:
        """Return the record of a result, else that of the last failure, else None."""
        if digest in self._index.results:
            return self._record_of(self._again_if_gone(self._result, digest))
        failures = self._again_if_gone(self._failures, digest)
        found = [(record, f.ident) for f in failures if (record := self._record_of(f)) is not None]
        return max(found, key=lambda one: (one[0].start, one[1]), default=(None, b""))[0]

    def _record_of(self, found: View) -> Record | None:
        """Return a frame's record, None if it is damaged; its worker is named by its process."""
        record = unpack_if_sound(found.record)
        worker = self._index.workers.get(found.ident[:8])
        if record is None or worker is None or record.worker not in ("", worker.id):
            return record
        return record._replace(worker=worker.place)

    def _again_if_gone(self, read: Callable[[bytes], _T], digest: bytes) -> _T:
        try:
            return read(digest)
        except OSError as error:
            if isinstance(error, StoreError) or not is_missing(error):
                raise fault(error, self._segments.folder, "read a result in") from error
        self._poll_afresh()
        try:
            return read(digest)
        except OSError as error:
            raise self._lost(digest) from error

    def _result(self, digest: bytes) -> View:
        where = self._index.results.get(digest)
        if where is None:
            raise ResultNotFound(
                f"the result of {digest.hex()} is not in {self._url}: run its task first",
                digest=digest,
            )
        return self._segments.frame_at(where, digest)

    def _failures(self, digest: bytes) -> list[View]:
        places = self._index.failures_of(digest)
        return [self._segments.frame_at(where, digest) for where in places]

    def _lost(self, digest: bytes) -> DamagedResult:
        return DamagedResult(
            f"the file that held the result of {digest.hex()} in {self._url} is gone: "
            "its task will be computed again",
            digest=digest,
        )
