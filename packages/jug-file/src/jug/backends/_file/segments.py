"""The folder of segments, as one process reads it: only what is new, only once.

Every worker appends to a segment of its own.  To read what others did is to list
the folder and to read each segment from where the last reading stopped
(`segment_reader`).

- *Listing.* On a local disk it is skipped while the folder's modification time
  stays the same.  That can be trusted only if this time was well past when the
  folder was listed, since a change in the same tick of the clock leaves no trace.
- *A segment that is final is not looked at again*: its worker has ended well, or
  its process on this host is gone, and it was read to its end after that was
  known.
- *Other hosts.* What another host wrote is seen by listing the folder past what this
  host remembers of it (`folders`), and opening each file afresh, so on a network file
  system no file is kept open for that.  A file that was merged
  into a pack meanwhile may answer ENOENT or ESTALE: list again.
- *A segment that is gone* and in no pack was deleted by somebody else, such as a cleaner
  that goes by age.  Its frames are forgotten, which is news; who still writes it
  writes all of it again first.
- *A pack* holds the frames of the segments that it covers, and these are ignored
  from then on; frames of theirs that it leaves out were removed.  So it is with
  segments that are gone, as a pack covered them that was itself packed meanwhile.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from typing import Final

from jug.backends._file.disk import TEMPORARY, is_missing
from jug.backends._file.folders import names_in
from jug.backends._file.frames import View
from jug.backends._file.index import OFFSET, SHIFT, FrameIndex
from jug.backends._file.open_files import OpenFiles
from jug.backends._file.pages import Pages
from jug.backends._file.segment import PACK, SEGMENT, Segment, is_segment_name, worker_of
from jug.backends._file.segment_reader import SegmentReader, covered_by
from jug.messages import Log

log = Log("store")

# How old a folder's time must be for its listing to be trusted: some ticks of a
# clock, or the two seconds of simple file systems.
_SETTLED_NS: Final = 50_000_000 if sys.platform == "linux" else 2_100_000_000

_TRIES: Final = 10


class Segments:
    """All segments of a store."""

    def __init__(self, folder: str, *, is_local: bool) -> None:
        self.folder = folder
        self.is_local = is_local
        self.index = FrameIndex(self.ident_at)
        self.covered: dict[str, int] = {}
        """Segments that a pack holds the frames of, and up to where."""
        self.known: dict[str, Segment] = {}
        self._reader = SegmentReader(self.index)
        self._files = OpenFiles()
        self._pages = Pages(self._files)
        self._by_number: list[Segment] = []
        self.live: list[Segment] = []
        """Segments that others may still be writing."""
        self._own: set[str] = set()
        self.gone_own: set[str] = set()
        """Segments of this process that were deleted while it was writing them."""
        self._listed: int | None = None
        self._vanished = False
        self._missing: set[str] = set()
        """Segments that the last listing did not show, and that no pack covers."""

    # What is new

    def poll(self, *, afresh: bool = False) -> None:
        """Read what is new; with `afresh` list the folder even if it seems unchanged."""
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

    def adopt(self, stem: str, path: str) -> Segment:
        """Return the entry of a segment that this process writes itself, and never reads."""
        self._own.add(stem)
        return self._enter(stem, path)

    def disown(self, stem: str, end: int) -> None:
        """Read a segment from now on that another process goes on writing."""
        if stem in self._own:
            self._own.discard(stem)
            self.gone_own.discard(stem)
            segment = self.known[stem]
            segment.at = end
            self.live.append(segment)

    def names(self) -> list[str]:
        """Return the names of all segments and packs that are there now, and of no other files."""
        return list(filter(is_segment_name, self._file_names()))

    def _file_names(self) -> list[str]:
        """List the folder; one that somebody removed from the jugdir holds nothing."""
        try:
            return names_in(self.folder, is_local=self.is_local)
        except FileNotFoundError:
            if not os.path.exists(os.path.dirname(self.folder)):
                raise
            return []

    def begun(self) -> Iterator[tuple[str, str | None]]:
        """Yield each file that somebody has begun, with the id of its worker if that is one."""
        for name in filter(lambda name: name.endswith(TEMPORARY), self._file_names()):
            stem = os.path.splitext(name)[0]
            is_workers = is_segment_name(stem) and stem.endswith(SEGMENT)
            path = os.path.join(self.folder, name)
            yield path, worker_of(stem).hex() if is_workers else None

    @property
    def bytes_read(self) -> int:
        """How many bytes of segments were read so far."""
        return self._reader.bytes_read

    def _list(self) -> None:
        changed = 0
        if self.is_local:
            try:
                changed = os.stat(self.folder).st_mtime_ns
            except FileNotFoundError:  # see `names`
                changed = 0
            if changed == self._listed:
                return
        asked = time.time_ns()
        names = sorted(self.names(), key=lambda name: not name.endswith(PACK))
        listed = {os.path.splitext(name)[0] for name in names}
        for name in names:
            stem, suffix = os.path.splitext(name)
            if stem in self.known or stem in self.covered:
                continue
            segment = self._enter(stem, os.path.join(self.folder, name))
            segment.is_pack = suffix == PACK
            if segment.is_pack:
                self._read_pack(segment, listed)
            else:
                self.live.append(segment)
        self._listed = changed if changed + _SETTLED_NS < asked else None
        self._look_for_missing(listed)

    def _enter(self, stem: str, path: str) -> Segment:
        segment = Segment(stem, path, len(self._by_number))
        self._by_number.append(segment)
        self.known[stem] = segment
        return segment

    # What is gone

    def _look_for_missing(self, listed: set[str]) -> None:
        """Forget segments that two listings in a row did not show.

        One is not enough: a pack that was made during a listing is only in the next.
        """
        missing = self.known.keys() - listed - self.covered.keys()
        gone, self._missing = missing & self._missing, missing
        self._vanished |= missing != gone
        self.gone_own |= gone & self._own
        if gone - self._own:
            self._forget([self.known.pop(stem) for stem in gone - self._own])

    def forget_gone_own(self) -> None:
        """Forget own segments that were deleted, and what was in them alone."""
        gone, self.gone_own = self.gone_own, set()
        self._own -= gone
        if gone:
            self._forget([self.known.pop(stem) for stem in gone])

    def _forget(self, segments: list[Segment]) -> None:
        before = len(self.index.results)
        with self.index.replacing([segment.number for segment in segments]):
            self._stop_reading(segments)
        lost = before - len(self.index.results)
        if lost:
            log.warning("files in %s were deleted, and with them %d results", self.folder, lost)

    # Reading one segment

    def _read(self, segment: Segment, now: float) -> None:
        is_over = self._is_over(segment, now)
        try:
            file = self._files.open(segment, afresh=not self.is_local)
            if not self.is_local:
                os.pread(file, 1, 0)  # some file systems give an old size before a read
            size = os.fstat(file).st_size
            if size > segment.at:
                with self._files.kept_open(segment):
                    self._reader.read_on(
                        segment, file, size, patient=not (is_over or self.is_local)
                    )
        except OSError as error:
            if not is_missing(error):
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
        worker = self.index.workers.get(segment.worker)
        if worker is None or now - segment.judged < 1.0:
            return False
        segment.judged = now
        return worker.process.is_gone() is True

    # Packs

    def _read_pack(self, pack: Segment, listed: set[str]) -> None:
        """Take in a pack, in place of the segments that it covers."""
        try:
            with self._files.kept_open(pack):
                self._replace_by(pack, self._files.open(pack), listed)
        except BaseException as error:  # what was not read to its end is read again
            del self.known[pack.stem]
            if not (isinstance(error, OSError) and is_missing(error)):
                raise
            self._vanished = True

    def _replace_by(self, pack: Segment, file: int, listed: set[str]) -> None:
        size, covered = os.fstat(file).st_size, dict(covered_by(file, pack))
        replaced = [self.known[stem] for stem in covered if stem in self.known]
        replaced += self._packed_before(listed.union(covered))
        with self.index.replacing([segment.number for segment in replaced]):
            self._stop_reading(replaced)
            self._reader.read_on(pack, file, size, patient=False)
        self.covered.update(covered)
        pack.is_final = True

    def _packed_before(self, names: set[str]) -> list[Segment]:
        """Return known segments that are gone: a pack that is gone itself covered them."""
        elsewhere = names.union(self._own, self.covered)
        gone = [stem for stem in self.known if stem not in elsewhere]
        return [self.known.pop(stem) for stem in gone]

    def _stop_reading(self, segments: list[Segment]) -> None:
        for segment in segments:
            segment.is_final = True
            self._files.close(segment.number)
            self._pages.forget(segment.number)
        self.live = [segment for segment in self.live if not segment.is_final]

    # Single frames

    def frame_at(self, where: int, digest: bytes) -> View:
        """Return the frame of this task that lies there or soon after, as `Pages` says it."""
        return self._pages.frame_at(self._by_number[where >> SHIFT], where & OFFSET, digest)

    def ident_at(self, where: int, digest: bytes) -> bytes:
        """Return the id of the frame that lies there, as far as it is known, as `Pages` says it."""
        return self._pages.ident_at(self._by_number[where >> SHIFT], where & OFFSET, digest)

    def close(self) -> None:
        """Close all files; they are opened again when they are needed."""
        self._files.close_all()
