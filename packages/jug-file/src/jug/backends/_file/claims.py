"""The claims of one worker on short tasks, and what it sees of those of others.

The protocol is that of `jug.backends.claims`.  A claim stands in the worker's own file
among the leases, behind what says who the worker is (`worker_file`):

    512   number of the claim that was taken away last       4 bytes
    516   whether the claim was revoked                      1 byte
    517   which of the claimed tasks was begun last, from 1  1 byte, 0 for none
    520   CRC-32 of the rest                                 4 bytes
    524   number of the claim, and of how many tasks         4 and 4 bytes
    532   the digests of these tasks                         20 bytes each

The claim itself is written in one call.  Who reads a part of two claims sees that the
checksum is wrong.  Then it takes neither for made: the older one has ended, and the worker
will look at what others show once it has written the new one.

The mark is written for each task, so the file is mapped, and no call is needed, nor to clear
it.  Where a full disk would have no room for such a write, and the system kill the worker for
it, that is done by a call, which can fail.  A processor may keep a write to a mapped file to
itself for less than a microsecond.  So who has seen that a claim was revoked believes the mark
a millisecond later.

All this holds among processes of one system, on a local disk.  A worker on a network
file system claims nothing, and one that knows of workers of other hosts neither; but they
heed what was claimed.  They revoke nothing either: with the one byte their system may
write back all that it remembers of the file, which is older than what stands there.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from mmap import ACCESS_READ, ACCESS_WRITE, mmap
from struct import Struct
from typing import Final
from zlib import crc32

from jug.backends._file.disk import explained, fault, is_missing, write_at, writes_in_place
from jug.backends._file.leases import Claimed, FileLeases
from jug.backends._file.segments import Segments
from jug.backends._file.worker_file import CLAIM_AT, MOST_CLAIMED, SIZE
from jug.backends.claims import Claim, Claims

__all__ = ["LATE", "FileClaims"]

LATE: Final = 0.003
"""After so many seconds a claim that others wait for is revoked."""

_SETTLED: Final = 0.001
_SHARE: Final = 1 / 20
_LONGEST: Final = 0.05
_NUMBER: Final = Struct("<I")
_STATE: Final = Struct("<IBBxxIII")
_CLAIM: Final = Struct("<II")
_BROKEN_AT: Final = CLAIM_AT
_REVOKED_AT: Final = CLAIM_AT + 4
_MARK_AT: Final = CLAIM_AT + 5
_REVOKED: Final = b"\1"
_CLEAR: Final = b"\0\0"
_CLEAR_TO: Final = _REVOKED_AT + len(_CLEAR)
_SUM_AT: Final = CLAIM_AT + 8
_DIGEST: Final = 20


class FileClaims:
    """What one worker claims in a directory, and what others do: the driver of `Claims`."""

    def __init__(
        self, leases: FileLeases, segments: Segments, poll: Callable[[], None], *, is_local: bool
    ) -> None:
        self._leases = leases
        self._segments = segments
        self._poll = poll
        self._is_local = is_local
        self._claims = Claims(self)
        self._asked = 0.0
        """When this worker last tried to take something."""
        self._worker: str | None = None
        self._page: mmap | None = None
        self._is_writable = False
        """Whether the mark may be written to the page."""
        self._seen: dict[str, tuple[int, float]] = {}
        """The number of each other worker's last claim, and when it was first seen."""
        self._revoked: dict[str, tuple[int, float]] = {}
        """The same of claims that were revoked."""

    # This worker's

    def can_claim(self) -> bool:
        """Return whether this worker may claim tasks, given who else is there."""
        if not self.may_ever_claim():
            return False
        workers = self._segments.index.workers
        live = [workers.get(segment.worker) for segment in self._segments.live]
        return all(worker is None or worker.process.is_local() for worker in live)

    def may_ever_claim(self) -> bool:
        """Return whether this worker may claim tasks when no other host is there."""
        return self._is_local and self._leases.links.is_local

    def take(self, digests: Sequence[bytes]) -> list[bytes]:
        """Claim tasks; return those that nobody had; others may have done some of them."""
        self._asked = time.monotonic()
        if self._worker != self._leases.worker_id:  # the file that is mapped is another one
            self.forget()
        try:
            return self._claims.claim(digests[:MOST_CLAIMED])
        except OSError as error:
            self.forget()
            self._leases.begin_anew(error, "take leases")
            return []

    def begin(self, digest: bytes) -> bool:
        """Mark that a claimed task begins; return whether it may."""
        if self._worker != self._leases.worker_id:
            return False
        try:
            return self._claims.begin(digest)
        except OSError as error:
            raise fault(error, self._leases.folder, "begin a task in") from error

    @property
    def worker_id(self) -> str | None:
        """The id of the worker that has claimed."""
        return self._worker

    def end(self) -> None:
        """Give back what was claimed."""
        if self._worker == self._leases.worker_id:
            with explained(self._leases.folder, "give leases back in"):
                self._claims.end()

    def forget(self) -> None:
        """Claim nothing any more, without touching a file."""
        if self._page is not None:
            self._page.close()
        self._page = self._worker = None
        self._claims = Claims(self)

    # What `ClaimFiles` asks for

    def clear(self) -> None:
        page = self._own_page()
        if self._is_writable:
            page[_REVOKED_AT:_CLEAR_TO] = _CLEAR
        else:
            os.pwrite(self._leases.links.own_file(), _CLEAR, _REVOKED_AT)

    def write(self, number: int, tasks: Sequence[bytes]) -> None:
        file = self._leases.links.own_file()
        rest = _CLAIM.pack(number, len(tasks)) + b"".join(tasks)
        write_at(file, _NUMBER.pack(crc32(rest)) + rest, _SUM_AT)
        if tasks and not self._leases.links.link_count():
            raise FileNotFoundError(errno.ENOENT, "another worker has removed it")

    def _own_page(self) -> mmap:
        if self._page is None:
            self._worker = self._leases.join()
            links = self._leases.links
            file = links.own_file()
            self._is_writable = writes_in_place(file, links.own_path)
            access = ACCESS_WRITE if self._is_writable else ACCESS_READ
            self._page = mmap(file, SIZE, access=access)
        return self._page

    def mark(self, place: int) -> None:
        page = self._page or self._own_page()
        if self._is_writable:
            page[_MARK_AT] = place + 1
        else:
            os.pwrite(self._leases.links.own_file(), bytes((place + 1,)), _MARK_AT)

    def is_revoked(self) -> bool:
        page = self._page or self._own_page()
        return page[_REVOKED_AT] != 0

    def locked(self) -> set[bytes]:
        return self._leases.links.locks()

    def poll(self) -> None:
        self._poll()

    def others(self) -> AbstractSet[str]:
        live = self._segments.live
        if self._is_local or not live:
            return {segment.worker.hex() for segment in live}
        workers = self._segments.index.workers
        known = {segment.worker.hex(): workers.get(segment.worker) for segment in live}
        return {id for id, worker in known.items() if worker is None or worker.claims}

    def claim_of(self, worker: str) -> Claim | None:
        read = self._read(worker)
        if len(read) < SIZE - CLAIM_AT:
            return None
        broken, revoked, mark, checksum, number, count = _STATE.unpack_from(read)
        rest = read[_STATE.size - _CLAIM.size :]
        end = _CLAIM.size + count * _DIGEST
        if not count or broken == number or crc32(rest[:end]) != checksum:
            return None
        tasks = tuple(rest[at : at + _DIGEST] for at in range(_CLAIM.size, end, _DIGEST))
        _since(self._seen, worker, number)
        if not revoked:  # what was seen so before was of two claims, one read half
            self._revoked.pop(worker, None)
        is_revoked = revoked > 0 and _since(self._revoked, worker, number) >= _SETTLED
        return Claim(number, tasks, mark - 1, is_revoked)

    def _read(self, worker: str) -> bytes:
        try:
            file = os.open(self._path(worker), os.O_RDONLY | os.O_CLOEXEC)
            try:
                return os.pread(file, SIZE - CLAIM_AT, CLAIM_AT)
            finally:
                os.close(file)
        except OSError as error:
            if is_missing(error):
                return b""
            raise fault(error, self._leases.folder, "read a claim in") from error

    def is_dead(self, worker: str) -> bool:
        links = self._leases.links
        return links.look(worker) is None or links.is_dead(worker)

    def _path(self, worker: str) -> str:
        return os.path.join(self._leases.folder, worker)

    # Others'

    def taken(self, digest: bytes) -> bool:
        """Return whether others have claimed a task that this worker has locked; poll then."""
        self._asked = time.monotonic()
        return digest in self._claims.taken((digest,))

    def held(self, workers: Iterable[str]) -> dict[bytes, Claimed]:
        """Return which of some workers have claimed what, of what is not done."""
        results = self._segments.index.results
        return {digest: one for digest, one in self.shown(workers) if digest not in results}

    def shown(self, workers: Iterable[str]) -> Iterator[tuple[bytes, Claimed]]:
        """Yield which tasks some workers show that they want, each perhaps several times.

        What they have begun comes last: it is theirs, while the rest may not be.
        """
        claims = {worker: self.claim_of(worker) for worker in workers}
        made = [(worker, claim) for worker, claim in claims.items() if claim is not None]
        for worker, claim in made:
            if not claim.is_revoked:
                for digest in claim.tasks[claim.begun + 1 :]:
                    yield digest, Claimed(worker, True)
        for worker, claim in made:
            if claim.running:
                yield claim.running, Claimed(worker, False)

    def revoke_late(self) -> float | None:
        """Revoke the claims that have stood for long.

        Return after how many seconds to look again, None if no claim keeps back what
        could be had.  Who found nothing to take for a while looks ever more seldom, for others
        may make claim after claim.
        """
        if not self._is_local:
            return None
        claims = {worker: self.claim_of(worker) for worker in self.others()}
        keeping = {w: c.number for w, c in claims.items() if c is not None and not c.is_revoked}
        stood = {w: _since(self._seen, w, number) for w, number in keeping.items()}
        late = [worker for worker, seconds in stood.items() if seconds >= LATE]
        if any([self._revoke(worker, keeping[worker]) for worker in late]):
            return _SETTLED
        left = [LATE - seconds for seconds in stood.values() if seconds < LATE]
        idle = time.monotonic() - self._asked
        return min(left) + min(_LONGEST, idle * _SHARE) if left else None

    def _revoke(self, worker: str, number: int) -> bool:
        """Revoke a claim; return whether its worker's file may be written to by this user."""
        try:
            self._show(worker, _REVOKED_AT, _REVOKED)
        except PermissionError:
            return False
        _since(self._revoked, worker, number)
        return True

    def break_(self, digest: bytes) -> bool:
        """Take a task, and what was claimed with it, away from its worker; return if it has it."""
        claimed = self.held(self._leases.links.workers()).get(digest)
        claim = None if claimed is None else self.claim_of(claimed.worker)
        if claimed is None or claim is None or digest not in claim.tasks:
            return False
        try:
            self._break(claimed.worker, claim.number)
        except OSError as error:
            raise fault(error, self._leases.folder, "take a claim away in") from error
        return True

    def _break(self, worker: str, number: int) -> None:
        self._show(worker, _REVOKED_AT, _REVOKED)
        self._show(worker, _BROKEN_AT, _NUMBER.pack(number))

    def _show(self, worker: str, at: int, what: bytes) -> None:
        # What is written at once is written alone, also over a network.
        at_once = 0 if self._is_local else os.O_DSYNC
        try:
            file = os.open(self._path(worker), os.O_WRONLY | os.O_CLOEXEC | at_once)
        except FileNotFoundError:
            return
        try:
            os.pwrite(file, what, at)
        finally:
            os.close(file)

    def take_robbed(self, digests: Collection[bytes]) -> dict[bytes, str]:
        """Return which of these tasks dead workers were running, and let no one find it again."""
        robbed, self._claims.robbed = self._claims.robbed, {}
        found = {digest: one for digest, one in robbed.items() if digest in digests}
        for worker, claim in found.values():
            with suppress(PermissionError):  # another user's: it is told again
                self._break(worker, claim)
        return {digest: worker for digest, (worker, _) in found.items()}


def _since(seen: dict[str, tuple[int, float]], worker: str, number: int) -> float:
    """Return for how many seconds this number of a worker was seen."""
    now = time.monotonic()
    before, since = seen.get(worker, (0, now))
    if before != number:
        seen[worker] = number, now
        return 0.0
    return now - since
