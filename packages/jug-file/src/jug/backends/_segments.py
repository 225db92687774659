"""The folder of segments, as one process reads it: only what is new, only once.

Every worker appends to a segment of its own.  To learn what others did is to
list the folder and to read each segment from where the last reading stopped.

- *Listing.* On a local disk it is skipped while the folder's modification time
  stays the same.  That can be trusted only if this time was well past when the
  folder was listed, since a change in the same tick of the clock leaves no trace.
- *A segment that is final is not looked at again*: its worker has ended well, or
  its process on this host is gone, and it was read to its end after that was
  known.
- *A bad frame* with nothing valid after it is a torn tail, which is either being
  written or was left by a crash: it is passed over in silence and looked at again.
  A bad frame before valid ones is damage; it is reported and skipped.  On a
  network file system zeros may be data that arrive out of order, so one waits
  for a while first.
- *Other hosts.* What another host wrote is seen by opening the file afresh, so on
  a network file system no file is kept open for that.  A file that was merged
  into a pack meanwhile may answer ENOENT or ESTALE: list again.
- *A pack* holds the frames of the segments that it covers, and these are ignored
  from then on; frames of theirs that it leaves out were removed.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import time
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from jug.backends import _frames
from jug.backends._disk import is_gone, read_at
from jug.backends._frames import Covered
from jug.backends._index import BLOCK, OFFSET, SHIFT, Index
from jug.errors import DamagedResult

log = logging.getLogger("jug.store")

SEGMENT: Final = ".seg"
PACK: Final = ".pack"
TEMPORARY: Final = ".tmp"

_NAME: Final = re.compile(r"[0-9a-f]{16}-[0-9]+\.(seg|pack)")

# How old a folder's time must be for its listing to be trusted: some ticks of a
# clock, or the two seconds of simple file systems.
_SETTLED_NS: Final = 50_000_000 if sys.platform == "linux" else 2_100_000_000

_CHUNK: Final = 1 << 18
_FIRST_READ: Final = 2 * BLOCK
_OPEN_FILES: Final = 256
_TRIES: Final = 10

# Where data of another host have not arrived yet, a file reads as zeros.
_ZEROS: Final = bytes(32)
_PATIENCE: Final = 5.0


@dataclass(slots=True, eq=False)
class Segment:
    """One segment, and how far it was read."""

    stem: str
    path: str
    number: int
    is_pack: bool = False
    seed: int = 0
    at: int = 0
    """Where the next frame begins."""
    is_final: bool = False
    judged: float = 0.0
    """When it was last asked whether its process is gone."""
    bad_since: float | None = None
    is_damaged: bool = False
    """Whether bad frames before valid ones were found in it."""
    worker: bytes = field(init=False)

    def __post_init__(self) -> None:
        self.seed = _frames.seed_of(self.stem)
        self.worker = worker_of(self.stem)


def worker_of(stem: str) -> bytes:
    """Return the id of the worker that writes a segment of this name."""
    return bytes.fromhex(stem.partition("-")[0])


class Segments:
    """All segments of a store."""

    def __init__(self, folder: Path, *, is_local: bool) -> None:
        self.folder = folder
        self._path = str(folder)
        self.is_local = is_local
        self.index = Index(self.ident_at)
        self.covered: dict[str, int] = {}
        """Segments that a pack holds the frames of, and up to where."""
        self.known: dict[str, Segment] = {}
        self.bytes_read = 0
        self._by_number: list[Segment] = []
        self.live: list[Segment] = []
        """Segments that others may still be writing."""
        self._own: set[str] = set()
        self._files: OrderedDict[int, int] = OrderedDict()
        self._listed: int | None = None
        self._vanished = False
        self._asked = 0, b""

    # Learning

    def learn(self, *, afresh: bool = False) -> None:
        """Read what is new; list the folder in any case if it must be afresh."""
        if afresh:
            self._listed = None
        for _ in range(_TRIES):
            self._vanished = False
            self._list()
            if self.live:
                now = time.monotonic()
                for segment in tuple(self.live):
                    self._read(segment, now)
            if not self._vanished:
                return
            # What was in that file is in a pack that is newer than the listing.
            self._listed = None

    def adopt(self, stem: str, path: Path) -> Segment:
        """Return the entry of a segment that this process writes itself, and never reads."""
        self._own.add(stem)
        return self._enter(stem, path)

    def disown(self, stem: str, end: int) -> None:
        """Read a segment from now on that another process goes on writing."""
        if stem in self._own:
            self._own.discard(stem)
            segment = self.known[stem]
            segment.at = end
            self.live.append(segment)

    def names(self) -> list[str]:
        """Return the names of all segments and packs that are there now, and of no other files."""
        return [name for name in os.listdir(self.folder) if _NAME.fullmatch(name)]

    def _list(self) -> None:
        changed = 0
        if self.is_local:
            changed = os.stat(self._path).st_mtime_ns
            if changed == self._listed:
                return
        asked = time.time_ns()
        for name in sorted(self.names(), key=lambda name: not name.endswith(PACK)):
            stem, suffix = os.path.splitext(name)
            if stem in self.known or stem in self.covered:
                continue
            segment = self._enter(stem, self.folder / name)
            segment.is_pack = suffix == PACK
            if segment.is_pack:
                self._read_pack(segment)
            else:
                self.live.append(segment)
        self._listed = changed if changed + _SETTLED_NS < asked else None

    def _enter(self, stem: str, path: Path) -> Segment:
        segment = Segment(stem, str(path), len(self._by_number))
        self._by_number.append(segment)
        self.known[stem] = segment
        return segment

    # Reading one segment

    def _read(self, segment: Segment, now: float) -> None:
        is_over = self._is_over(segment, now)
        try:
            file = self._open(segment, afresh=not self.is_local)
            if not self.is_local:
                os.pread(file, 1, 0)  # some file systems tell an old size before a read
            size = os.fstat(file).st_size
            if size > segment.at:
                self._read_on(segment, file, size, patient=not (is_over or self.is_local))
        except OSError as error:
            if not is_gone(error):
                raise
            self.live.remove(segment)
            self._vanished = True
            return
        if is_over or segment.worker in self.index.ended:  # its end was among what was read
            segment.is_final = True
            self.live.remove(segment)

    def _is_over(self, segment: Segment, now: float) -> bool:
        """Return whether the segment's worker certainly writes no more."""
        if segment.worker in self.index.ended:
            return True
        process = self.index.workers.get(segment.worker)
        if process is None or now - segment.judged < 1.0:
            return False
        segment.judged = now
        return process.is_gone() is True

    def _read_on(self, segment: Segment, file: int, size: int, *, patient: bool) -> None:
        """Take in the frames up to `size`, past damage if there are valid ones after it."""
        chunk = _CHUNK
        while segment.at < size:
            wanted = min(size - segment.at, chunk)
            data = read_at(file, wanted, segment.at)
            if len(data) < wanted:  # its writer has cut it back
                size = segment.at + len(data)
            used = self._take_in(segment, data)
            segment.at += used
            self.bytes_read += used
            if used == len(data):
                segment.bad_since = None
                continue
            length = _frames.length_at(data, used) if segment.at else None
            if used and segment.at + len(data) - used < size:
                continue
            if length is not None and len(data) - used < length <= size - segment.at:
                chunk = length
            elif self._skip(segment, file, size, patient=patient):
                size = os.fstat(file).st_size
            else:
                return

    def _take_in(self, segment: Segment, data: bytes) -> int:
        if segment.at:
            return self.index.take_in(data, segment.number, segment.at, segment.seed)
        if not _frames.check_head(data, segment.path):
            return 0
        head, rest = _frames.HEAD_SIZE, data[_frames.HEAD_SIZE :]
        return head + self.index.take_in(rest, segment.number, head, segment.seed)

    def _skip(self, segment: Segment, file: int, size: int, *, patient: bool) -> bool:
        """Go on at the next valid frame, if there is one; return whether to go on.

        The bad frame is read once more together with what follows: it may have been
        torn only because its writer was not done with it.
        """
        start = segment.at
        while start < size:
            data = read_at(file, 2 * _frames.LONGEST, start)
            if start == segment.at and self._is_sound(segment, data):
                return True
            found = _frames.next_whole(data, 1, segment.seed)
            if found >= 0:
                is_late = patient and _ZEROS in data[:found]
                return self._report_hole(segment, start + found, patient=is_late)
            if len(data) < 2 * _frames.LONGEST:
                return False
            start += _frames.LONGEST
        return False

    def _is_sound(self, segment: Segment, data: bytes) -> bool:
        """Return whether data begin as they should where the reading stopped."""
        if segment.at:
            return _frames.is_whole(data, 0, segment.seed)
        return _frames.check_head(data, segment.path)

    def _report_hole(self, segment: Segment, end: int, *, patient: bool) -> bool:
        if patient:
            segment.bad_since = segment.bad_since or time.monotonic()
            if time.monotonic() - segment.bad_since < _PATIENCE:
                return False
        log.warning(
            "%s is damaged between bytes %d and %d: what was there will be computed again, "
            "and `jug pack` ends this message",
            segment.path,
            segment.at,
            end,
        )
        segment.at = end
        segment.is_damaged = True
        segment.bad_since = None
        return True

    # Packs

    def _read_pack(self, pack: Segment) -> None:
        """Take in a pack, in place of the segments that it covers."""
        try:
            file = self._open(pack)
            size = os.fstat(file).st_size
            covered = covered_by(file, pack)
        except OSError as error:
            if not is_gone(error):
                raise
            del self.known[pack.stem]
            self._vanished = True
            return
        there, failed, news = self._forget(covered), set(self.index.failed), self.index.news
        old_finished, old_failed = news.finished, news.failed
        news.finished, news.failed = [], []
        self._read_on(pack, file, size, patient=False)
        pack.is_final = True
        news.finished = old_finished + [d for d in news.finished if d not in there]
        news.failed = old_failed + [d for d in news.failed if d not in failed]
        news.removed += self._removed(there)

    def _forget(self, covered: list[Covered]) -> dict[bytes, bytes | None]:
        """Stop reading the covered segments; return the results in them, with their ids."""
        known = [self.known[one.stem] for one in covered if one.stem in self.known]
        there = self.index.forget([segment.number for segment in known]) if known else {}
        self.covered.update(covered)
        for segment in known:
            segment.is_final = True
            self._close_file(segment.number)
        self.live = [segment for segment in self.live if not segment.is_final]
        return there

    def _removed(self, there: dict[bytes, bytes | None]) -> list[bytes]:
        """Return what a pack has left out of the results that were known, and count it.

        A result that was made again meanwhile is another than the one that was there.
        """
        removed = []
        for digest, ident in there.items():
            where = self.index.results.get(digest)
            if not where or ident not in (None, self.ident_at(where, digest)):
                removed.append(digest)
                self.index.note_removal(digest)
        return removed

    # Single frames

    def frame_at(self, where: int, digest: bytes) -> bytes:
        """Return the whole frame of this task that lies there or soon after.

        Raises `DamagedResult` if there is no valid one, and OSError if its segment is gone.
        """
        segment = self._by_number[where >> SHIFT]
        data = self._data_at(where, _FIRST_READ)
        for at, length in _headers_of(digest, data):
            frame = data[at : at + length]
            if length > len(frame):
                frame = self._data_at(where + at, length)
            if _frames.is_whole(frame, 0, segment.seed):
                return frame
        raise DamagedResult(
            f"the frame of {digest.hex()} in {segment.path!r}, at byte {where & OFFSET} or soon "
            "after, is damaged: its task will be computed again",
            path=segment.path,
        )

    def ident_at(self, where: int, digest: bytes) -> bytes | None:
        """Return the id of the frame that lies there, damaged or not; None if it is gone.

        Neighbours are often asked for together, so what was read for one is kept for the next.
        """
        if self._asked[0] != where:
            try:
                self._asked = where, self._data_at(where, _FIRST_READ)
            except OSError as error:
                if not is_gone(error):
                    raise
                return None
        data = self._asked[1]
        at = next((at for at, _ in _headers_of(digest, data)), None)
        return None if at is None else _frames.ident_of(data, at)

    def _data_at(self, where: int, length: int) -> bytes:
        segment = self._by_number[where >> SHIFT]
        return read_at(self._open(segment), length, where & OFFSET)

    # Files that are open

    def _open(self, segment: Segment, *, afresh: bool = False) -> int:
        file = self._files.get(segment.number)
        if file is not None and not afresh:
            self._files.move_to_end(segment.number)
            return file
        self._close_file(segment.number)
        if len(self._files) >= _OPEN_FILES:
            os.close(self._files.popitem(last=False)[1])
        file = os.open(segment.path, os.O_RDONLY | os.O_CLOEXEC)
        self._files[segment.number] = file
        return file

    def _close_file(self, number: int) -> None:
        file = self._files.pop(number, None)
        if file is not None:
            os.close(file)

    def close(self) -> None:
        """Close all files; they are opened again when they are needed."""
        for number in tuple(self._files):
            self._close_file(number)


def _headers_of(digest: bytes, data: bytes) -> Iterator[tuple[int, int]]:
    """Yield where frames of a task seem to begin in the data, and how long they say they are."""
    at = data.find(digest, _frames.DIGEST_AT)
    while at >= 0:
        start = at - _frames.DIGEST_AT
        length = _frames.length_at(data, start)
        if length is not None and data[at - 1] in _frames.OF_TASKS:
            yield start, length
        at = data.find(digest, at + 1)


def covered_by(file: int, pack: Segment) -> list[Covered]:
    """Return the segments that a pack covers, from its first frames."""
    covered: list[Covered] = []
    at = _frames.HEAD_SIZE
    while True:
        header = read_at(file, _frames.HEADER.size, at)
        length = _frames.length_at(header, 0)
        frame = read_at(file, length or 0, at)
        if length is None or not _frames.is_whole(frame, 0, pack.seed):
            return covered
        found = _frames.view(frame)
        if found.kind != _frames.Kind.COVER:
            return covered
        covered += _frames.unpack_covered(found.payload)
        at += length
