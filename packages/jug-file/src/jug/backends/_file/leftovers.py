"""Files of a store that nothing needs any more, and deleting them.

*What was begun* by workers and packers that died goes at once: they write beside the place
of a file, and rename it.  Which workers are at work is asked after the listing, as each has
joined before it begins a file.  Packers are no workers; nobody packs but who has the lease
for it.

*Segments that a pack covers* go at once if their workers certainly write no more.
A reader that still wants one finds it missing, and lists the folder again.  Others stay for
a lease time after the pack was made: their workers may come to life again.

*Large files* go when nothing refers to them any more.  Their worker must be gone,
since a file is there before the frame that announces it.  On a network file
system nobody else may be at work: a file that is mapped there can't be deleted.
"""

from __future__ import annotations

import os
from contextlib import suppress

from jug.backends._file import frames
from jug.backends._file.big_files import BigFiles
from jug.backends._file.disk import delete, disk_time
from jug.backends._file.frames import FrameKind
from jug.backends._file.leases import FileLeases
from jug.backends._file.segment import PACK, worker_of
from jug.backends._file.segments import Segments
from jug.errors import DamagedResult

__all__ = ["Leftovers"]


class Leftovers:
    """Deletes what one store does not need; its segments must have been read just before."""

    def __init__(self, segments: Segments, big: BigFiles, leases: FileLeases) -> None:
        self._segments = segments
        self._index = segments.index
        self._big = big
        self._leases = leases

    def delete_begun(self) -> None:
        """Delete the segments and large results that workers that died had begun."""
        begun = [*self._big.begun(), *self._segments.begun()]
        working = self._leases.at_work()
        for path, worker in begun:
            if worker is not None and worker not in working:
                delete(path)

    def are_packs_begun(self) -> bool:
        """Return whether somebody packs, or has died of it."""
        return any(worker is None for _, worker in self._segments.begun())

    def delete_begun_packs(self) -> None:
        """Delete what packers that died had begun; only who packs may do so."""
        for path, worker in self._segments.begun():
            if worker is None:
                delete(path)

    def delete_covered(self, certain: set[bytes]) -> None:
        """Delete segments that a pack covers, once nobody can need them."""
        names = self._segments.names()
        packs = [os.path.join(self._segments.folder, name) for name in names if name.endswith(PACK)]
        stamps = []
        for pack in packs:
            with suppress(FileNotFoundError):
                stamps.append(os.stat(pack).st_mtime)
        newest = max(stamps, default=0.0)
        is_late = disk_time(self._segments.folder) - newest > self._leases.lease_seconds
        for name in names:
            stem, suffix = os.path.splitext(name)
            worker = worker_of(stem)
            if stem in self._segments.covered and (is_late or suffix == PACK or worker in certain):
                with suppress(FileNotFoundError):
                    os.unlink(os.path.join(self._segments.folder, name))

    def delete_big_files(self, working: set[str], certain: set[bytes]) -> int:
        """Delete large files that nothing refers to; return how many."""
        others = working - {self._leases.worker_id}
        if others and not self._segments.is_local:
            return 0
        now, deleted = disk_time(self._segments.folder), 0
        for name, worker in tuple(self._big.names()):
            if worker in working or self._is_referred_to(name):
                continue
            path = self._big.path(name)
            if bytes.fromhex(worker) in certain or self._is_old(path, now):
                self._big.delete(name)
                deleted += 1
        return deleted

    def _is_old(self, path: str, now: float) -> bool:
        with suppress(FileNotFoundError):
            return now - os.stat(path).st_mtime > self._leases.lease_seconds
        return False

    def _is_referred_to(self, name: str) -> bool:
        digest = bytes.fromhex(name[:40])
        for where in self._index.live_places(digest):
            try:
                found = self._segments.frame_at(where, digest)
            except DamagedResult:
                return True  # it may be this one that it named
            if found.kind == FrameKind.BIG and frames.unpack_big(found.payload)[1] == name:
                return True
        return False
