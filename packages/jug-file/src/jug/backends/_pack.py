"""Merging the segments of workers that are gone, beside workers that are not.

Every worker leaves a segment, and whoever opens the store must open them all.  A
pack is one file in place of many: it begins by naming the segments that it
covers, and readers that know of it ignore these.  It is written aside, synced and
renamed, so it is there whole or not at all; nothing is deleted before.

*Whose segments?*  Those of a worker that certainly writes no more: it has said so
in its last frame, or its process was on this host and is gone.  What it wrote is
all there then, also for this process, and its files are deleted at once; who
still reads them is told ENOENT, and lists the folder again.  Of a worker on
another host one only knows that it was silent for ten lease times, and that
others have removed its file from the leases.  It may come to life again.  So its
segments stay for a lease time after the pack was made, and a worker that finds
its own segment covered writes the rest of it again.

*What is left out?*  Frames that were removed, and a removal together with its
target, when it is certain that no copy of the target can turn up: its worker is
certainly gone and all of its segments are covered.  Where a removal named the
next frame of a worker, all is kept, as without the frame it would mean another.

*Large files* go when nothing refers to them any more.  Their worker must be gone,
since a file is there before the frame that announces it.  On a network file
system nobody else may be at work: a file that is mapped there can't be deleted.

One process packs at a time; it holds a lease like that of a task.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from jug.backends import _frames
from jug.backends._bigfiles import BigFiles
from jug.backends._disk import explained, read_at, sync, sync_folder, write_at
from jug.backends._frames import Covered, Kind
from jug.backends._lease_folder import LeaseFolder
from jug.backends._segments import PACK, SEGMENT, TEMPORARY, Segment, Segments, worker_of
from jug.backends._worker_file import WORKER

PACK_LEASE: Final = b"\xff" * 20
"""What is held while packing, as if it were a task."""

WORTHWHILE: Final = 64
"""How many segments of workers that are gone are worth a pack that nobody asked for."""

_SILENCE: Final = 10
"""After how many lease times a worker that seems dead has been silent for long enough."""

_MUCH: Final = 2
_ENTRIES: Final = 1000
_BUFFER: Final = 1 << 22
_LAST: Final = 0xFFFFFFFF


@dataclass(slots=True)
class Summary:
    """What packing came to."""

    segments: int = 0
    """How many segments and older packs were merged."""
    frames: int = 0
    """How many frames the pack holds."""
    dropped: int = 0
    """How many removed frames it leaves out."""
    deleted: int = 0
    """How many large files were deleted."""
    busy: bool = False
    """Whether another process was packing, so that nothing was done."""


@dataclass(slots=True)
class _Plan:
    """Which segments are merged, and what is certain about their workers."""

    sources: list[Segment]
    certain: set[bytes]
    leaves_out: bool = True
    """Whether removed frames are left out, which needs all segments and packs."""
    covered: list[Covered] = field(default_factory=list)


class Packer:
    """Packs one store; its segments must have been read just before."""

    def __init__(self, segments: Segments, big: BigFiles, leases: LeaseFolder) -> None:
        self._segments = segments
        self._index = segments.index
        self._big = big
        self._leases = leases
        self._summary = Summary()

    def is_worthwhile(self) -> bool:
        """Return whether so many segments can be merged that it should be done unasked."""
        covered = self._segments.covered
        single = [s for s in self._segments.known.values() if not (s.is_pack or s.stem in covered)]
        if len(single) < WORTHWHILE:
            return False
        self._segments.learn()
        return sum(segment.is_final for segment in single) >= WORTHWHILE

    def pack(self, *, wholly: bool) -> Summary:
        """Merge what can be merged, and delete what is not needed any more.

        Unless it is done wholly, packs are left that are large beside what is new,
        so that a frame is not copied again and again as the store grows.
        """
        if self._leases.take_any([PACK_LEASE]) is None:
            self._summary.busy = True
            return self._summary
        try:
            with explained(self._segments.folder, "pack the segments in"):
                self._pack(wholly)
        finally:
            self._leases.release(PACK_LEASE)
        return self._summary

    def _pack(self, wholly: bool) -> None:
        working = at_work(self._leases)
        self._segments.learn(afresh=True)
        self._segments.learn()
        self._remove_leftovers(working)
        plan = self._plan(working)
        if not wholly:
            _leave_large_packs(plan)
        if len(plan.sources) > 1 or any(not s.is_pack or s.is_damaged for s in plan.sources):
            self._write(plan)
            self._segments.learn(afresh=True)
        self._delete_covered(plan.certain)
        self._delete_big_files(working, plan.certain)

    def _now(self) -> float:
        """Return the time, by the clock of the disk."""
        probe = self._segments.folder / f"{os.urandom(8).hex()}{TEMPORARY}"
        file = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            return os.fstat(file).st_mtime
        finally:
            os.close(file)
            os.unlink(probe)

    def _remove_leftovers(self, working: set[str]) -> None:
        """Remove what workers and packers that died had begun."""
        for name in os.listdir(self._segments.folder):
            if name.endswith(TEMPORARY) and name.partition("-")[0] not in working:
                with suppress(FileNotFoundError):
                    os.unlink(self._segments.folder / name)

    # What is merged

    def _plan(self, working: set[str]) -> _Plan:
        now, listed = self._now(), set(self._segments.names())
        plan = _Plan([], set(self._index.ended))
        for name in sorted(listed):
            segment = self._segments.known.get(os.path.splitext(name)[0])
            if segment is None or segment.stem in self._segments.covered:
                continue
            if segment.is_final and not segment.is_pack:
                plan.certain.add(segment.worker)
            if segment.is_final or self._is_silent(segment, working, now):
                plan.sources.append(segment)
        # All segments of a worker or none: a copy in another one would outlive a removal.
        merged = {source.stem for source in plan.sources}
        left = {os.path.splitext(name)[0] for name in listed} - merged
        plan.certain -= {worker_of(stem) for stem in left.difference(self._segments.covered)}
        return plan

    def _is_silent(self, segment: Segment, working: set[str], now: float) -> bool:
        if segment.worker.hex() in working:
            return False
        with suppress(FileNotFoundError):
            age = now - os.stat(segment.path).st_mtime
            return age > _SILENCE * self._leases.lease_seconds
        return False

    # Writing

    def _write(self, plan: _Plan) -> None:
        listed = set(self._segments.names())
        plan.covered = [Covered(source.stem, source.at) for source in plan.sources]
        plan.covered += [
            Covered(stem, length)
            for stem, length in self._segments.covered.items()
            if stem + SEGMENT in listed or stem + PACK in listed
        ]
        stem = f"{os.urandom(8).hex()}-0"
        path = self._segments.folder / (stem + PACK)
        temporary = path.with_name(path.name + TEMPORARY)
        file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        try:
            _write_all(file, self._content(plan, stem))
            sync(file)
        finally:
            os.close(file)
        if not self._leases.holds(PACK_LEASE):
            os.unlink(temporary)
            self._summary = Summary(busy=True)
            return
        os.rename(temporary, path)
        sync_folder(self._segments.folder)
        self._summary.segments = len(plan.sources)

    def _content(self, plan: _Plan, stem: str) -> Iterator[bytes]:
        """Yield what the pack consists of."""
        seed = _frames.seed_of(stem)
        yield _frames.head()
        for frame in self._covering(plan, stem):
            yield _frames.reseed(frame, seed)
        for source in plan.sources:
            for frame in self._kept(source, plan):
                self._summary.frames += 1
                yield _frames.reseed(frame, seed)

    def _covering(self, plan: _Plan, stem: str) -> Iterator[bytes]:
        """Yield the frames that say what is covered, and which workers have ended."""
        packer = bytes.fromhex(stem[:16])
        for number, first in enumerate(range(0, len(plan.covered), _ENTRIES)):
            payload = _frames.pack_covered(plan.covered[first : first + _ENTRIES])
            ident = _frames.ident(packer, number)
            yield _frames.build(0, ident, Kind.COVER, _frames.NO_TASK, b"", [payload])
        merged = {source.worker for source in plan.sources if not source.is_pack}
        for worker in sorted(merged & plan.certain - self._index.ended):
            yield _frames.build(0, _frames.ident(worker, _LAST), Kind.END, _frames.NO_TASK)

    def _kept(self, source: Segment, plan: _Plan) -> Iterator[bytes]:
        """Yield the frames of a source that the pack holds."""
        for frame in _frames_of(source):
            found = _frames.view(frame)
            if found.kind == Kind.REMOVAL:
                yield from self._trimmed(frame, plan)
            elif found.kind == Kind.COVER:
                continue
            elif found.kind not in _frames.OF_TASKS or not self._is_dropped(found, plan):
                yield frame
            else:
                self._summary.dropped += 1

    def _is_dropped(self, found: _frames.View, plan: _Plan) -> bool:
        return self._is_settled(found.digest, found.ident, plan) and self._index.is_removed(
            found.digest, found.ident
        )

    def _is_settled(self, digest: bytes, ident: bytes, plan: _Plan) -> bool:
        """Return whether all is known about a frame: no copy, and no removal of a next frame."""
        worker = ident[:8]
        if not plan.leaves_out:
            return False
        return worker in plan.certain and not self._index.has_next(digest, worker)

    def _trimmed(self, frame: bytes, plan: _Plan) -> Iterator[bytes]:
        """Yield a removal without the entries whose targets are gone for good."""
        found = _frames.view(frame)
        entries = [
            entry
            for entry in _frames.unpack_removals(found.payload)
            if not self._is_settled(entry.digest, entry.ident, plan)
        ]
        if entries:
            payload = _frames.pack_removals(entries)
            yield _frames.build(0, found.ident, Kind.REMOVAL, found.digest, b"", [payload])

    # Deleting

    def _delete_covered(self, certain: set[bytes]) -> None:
        """Delete segments that a pack covers, once nobody can need them."""
        names = self._segments.names()
        packs = [self._segments.folder / name for name in names if name.endswith(PACK)]
        stamps = []
        for pack in packs:
            with suppress(FileNotFoundError):
                stamps.append(os.stat(pack).st_mtime)
        newest = max(stamps, default=0.0)
        is_late = self._now() - newest > self._leases.lease_seconds
        for name in names:
            stem, suffix = os.path.splitext(name)
            worker = worker_of(stem)
            if stem in self._segments.covered and (is_late or suffix == PACK or worker in certain):
                with suppress(FileNotFoundError):
                    os.unlink(self._segments.folder / name)

    def _delete_big_files(self, working: set[str], certain: set[bytes]) -> None:
        others = working - {self._leases.worker_id}
        if others and not self._segments.is_local:
            return
        self._big.tidy(working)
        now = self._now()
        for name, worker in tuple(self._big.names()):
            if worker in working or self._is_referred_to(name):
                continue
            path = self._big.path(name)
            if bytes.fromhex(worker) in certain or self._is_old(path, now):
                self._big.delete(name)
                self._summary.deleted += 1

    def _is_old(self, path: Path, now: float) -> bool:
        with suppress(FileNotFoundError):
            return now - os.stat(path).st_mtime > self._leases.lease_seconds
        return False

    def _is_referred_to(self, name: str) -> bool:
        digest = bytes.fromhex(name[:40])
        for where in self._index.live_places(digest):
            found = _frames.view(self._segments.frame_at(where, digest))
            if found.kind == Kind.BIG and _frames.unpack_big(found.payload)[1] == name:
                return True
        return False


def _leave_large_packs(plan: _Plan) -> None:
    """Merge only packs that are not much larger than the segments that are new."""
    new = sum(source.at for source in plan.sources if not source.is_pack)
    small = [source for source in plan.sources if source.at <= _MUCH * new]
    plan.leaves_out = len(small) == len(plan.sources)
    plan.sources = small


def at_work(leases: LeaseFolder) -> set[str]:
    """Return the ids of all workers that were not found dead."""
    return {name for name in os.listdir(leases.folder) if WORKER.fullmatch(name)}


def _write_all(file: int, pieces: Iterator[bytes]) -> None:
    """Write many small pieces, a few megabytes at a time."""
    gathered: list[bytes] = []
    size = end = 0
    for piece in pieces:
        gathered.append(piece)
        size += len(piece)
        if size >= _BUFFER:
            write_at(file, b"".join(gathered), end)
            gathered, size, end = [], 0, end + size
    write_at(file, b"".join(gathered), end)


def _frames_of(source: Segment) -> Iterator[bytes]:
    """Yield all valid frames of a segment, as far as it was read."""
    file = os.open(source.path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        at, data, start = _frames.HEAD_SIZE, b"", 0
        while at < source.at:
            if not _frames.is_whole(data, at - start, source.seed):
                start = at
                data = read_at(file, min(_frames.LONGEST + _BUFFER, source.at - at), at)
                if not _frames.is_whole(data, 0, source.seed):
                    found = _frames.next_whole(data, 1, source.seed)
                    at += found if found > 0 else max(1, len(data) - _frames.HEADER.size)
                    continue
            length = _frames.length_at(data, at - start) or 0
            yield data[at - start : at - start + length]
            at += length
    finally:
        os.close(file)
