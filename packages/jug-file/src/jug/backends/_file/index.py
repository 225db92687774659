"""What is there: the state of every task, according to the frames that were read.

Nearly every task has one frame, a result, and costs one entry in a dictionary:
its digest and where the frame lies.  A task of which more is known (a failure, a
second result, a removal) has a *history* (`jug.backends._file.history`).  Whatever
changes its state is noted as news, with the state before and after.

Where a frame lies is one number: that of the segment, in the order in which this
process found them, and the offset.  It is never 0.  Small results that follow each
other share the number of the first, since a number for each would cost as much
memory as half a digest: a frame is looked for from there on.

A result is known by its frame's id, which is read from its segment when it is
needed.  If that file is gone, at most the first part of the id is known: the worker
that wrote it.  Then whatever frame is found is taken for another one.

The methods are many, as they are the events that change a state and the questions that
are asked of it; each is short.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Final
from zlib import crc32

from jug.backends._file.frames import (
    BRIEF,
    CHECKED_FROM,
    IDENT_SIZE,
    MAGIC,
    OF_TASKS,
    FrameKind,
    Removed,
    ident_of,
    unpack_removals,
    view,
)
from jug.backends._file.history import (
    FAILURES,
    NEXT_REMOVED,
    REMOVED,
    RESULTS,
    Event,
    History,
    only_removed,
    packed_removal,
    removes_next,
)
from jug.backends._file.pages import BLOCK
from jug.backends.news import NOTHING, News, TaskState
from jug.backends.worker_record import WorkerRecord
from jug.named_tuple import NamedTuple

SHIFT: Final = 40
OFFSET: Final = (1 << SHIFT) - 1


class Place(NamedTuple):
    """One frame of a task, and where it lies."""

    ident: bytes
    """Its id, only a part of it where that can't be read any more."""
    where: int


class FrameIndex:
    """The state of all tasks, in memory."""

    def __init__(self, ident_at: Callable[[int, bytes], bytes]) -> None:
        self.results: dict[bytes, int] = {}
        """Where the result of a task lies that counts."""
        self.large: set[bytes] = set()
        """Tasks of which a frame was seen that announces a large file."""
        self.failed: dict[bytes, bool] = {}
        """Tasks that failed and have no result, and whether that is kept."""
        self.histories: dict[bytes, bytes] = {}
        self.news = News()
        self.workers: dict[bytes, WorkerRecord] = {}
        self.ended: dict[bytes, bytes] = {}
        """Workers that have ended well, and what they said then."""
        self._ident_at = ident_at
        self._before: dict[bytes, TaskState] | None = None
        """While a pack is read: the state before it of each task that it changes."""

    @contextmanager
    def sharing_keys(self, digests: Iterable[bytes]) -> Iterator[None]:
        """Keep these very digests, and no copies, if nothing was read before the block.

        A dictionary keeps the key that came first.  So they are there during the
        block as results that lie at 0, which is nowhere.
        """
        if self.results or self.histories:
            yield
            return
        self.results = dict.fromkeys(digests, 0)
        try:
            yield
        finally:
            for digest in [digest for digest, where in self.results.items() if not where]:
                del self.results[digest]

    # Frames that others wrote

    def take_in(self, data: bytes, number: int, start: int, seed: int) -> int:
        """Take in the frames of a segment's part; return how much of it was whole frames."""
        results, histories, is_result = self.results, self.histories, RESULTS
        finished: list[bytes] = []
        where_is, note_finished = results.get, finished.append
        is_large, note_large = int(FrameKind.BIG), self.large.add
        unpack, checksum_of = BRIEF.unpack_from, crc32
        size, magic_there, checked_from = BRIEF.size, MAGIC, CHECKED_FROM
        at, end, base = 0, len(data), (number << SHIFT) + start
        place, next_place, last = base, 0, len(data) - BRIEF.size
        try:
            while at <= last:
                magic, checksum, length, kind, digest = unpack(data, at)
                stop = at + size + length
                if (
                    magic != magic_there
                    or stop > end
                    or checksum_of(data[at + checked_from : stop], seed) != checksum
                ):
                    break
                if kind in is_result and not where_is(digest) and digest not in histories:
                    if at >= next_place:
                        place, next_place = base + at, at + BLOCK
                    note_finished(digest)
                    results[digest] = place
                    if kind == is_large:
                        note_large(digest)
                else:
                    self._take_in_rare(kind, digest, base + at, data[at:stop])
                at = stop
        finally:  # a time limit may strike at any moment
            self._note_finished(finished)
        return at

    def _take_in_rare(self, kind: int, digest: bytes, where: int, frame: bytes) -> None:
        ident = ident_of(frame, 0)
        if kind in OF_TASKS:
            self.add(ident, kind, digest, where)
        elif kind == FrameKind.REMOVAL:
            self.remove_all(unpack_removals(view(frame).payload))
        elif kind == FrameKind.WORKER:
            packed = bytes(view(frame).payload)
            with suppress(ValueError):  # said by a version that this one does not understand
                self.workers[ident[:8]] = WorkerRecord.unpack(ident[:8].hex(), packed)
        elif kind == FrameKind.END:
            said = bytes(view(frame).payload)
            self.ended[ident[:8]] = said or self.ended.get(ident[:8], b"")

    # Single frames

    def add(self, ident: bytes, kind: int, digest: bytes, where: int) -> None:
        """Take in one result, failure or void frame."""
        if kind == FrameKind.BIG:
            self.large.add(digest)
        known = self.histories.get(digest)
        if known is None and kind in RESULTS:
            there = self.results.get(digest)
            if not there:
                self.results[digest] = where
                self._note_finished([digest])
                return
            if ident == self._ident_at(there, digest):
                self.results[digest] = where
                return
        event = Event(kind, ident, where)
        if known == packed_removal(ident):
            self.histories[digest] = known + event.pack()  # nothing is there, as before
        else:
            self._add_event(digest, event)

    def remove_all(self, entries: Iterable[Removed]) -> None:
        """Note that frames count no more; those that lie side by side one after another."""
        for entry in sorted(entries, key=lambda entry: self.result_at(entry.digest)):
            self.remove(entry)

    def remove(self, entry: Removed) -> None:
        """Note that a frame counts no more."""
        digest, ident, is_next = entry
        if is_next:
            self._add_event(digest, Event(NEXT_REMOVED, ident))
        elif digest in self.histories or not self._remove_only(digest, ident):
            self._add_event(digest, Event(REMOVED, ident))

    def _remove_only(self, digest: bytes, ident: bytes) -> bool:
        """Remove the only frame that is known of a task, if it is this one, or none is known."""
        where = self.results.get(digest)
        if where:
            if self._ident_at(where, digest) != ident:
                return False
            del self.results[digest]
            self.histories[digest] = packed_removal(ident, where)
            self._note(digest, TaskState(ident), NOTHING)
        else:
            self.histories[digest] = packed_removal(ident)
        return True

    def discard_run(self, digest: bytes) -> None:
        """Note that what this worker makes of a task that it is running must not be saved."""
        self._note(digest, NOTHING, NOTHING._replace(discards=1))

    def _add_event(self, digest: bytes, event: Event) -> None:
        before, history = self.state(digest), self.history(digest)
        history.add(event)
        self._recompute(digest, history, before)

    def _recompute(self, digest: bytes, history: History, before: TaskState) -> None:
        """Keep a task's history and what it comes to, and note what that changed."""
        self.histories[digest] = history.pack()
        self.results.pop(digest, None)
        self.failed.pop(digest, None)
        live = history.live()
        results = [(event.ident, event.where) for event in live if event.kind in RESULTS]
        if results:
            self.results[digest] = min(results)[1]
        elif live:
            self.failed[digest] = any(event.kind == FrameKind.KEPT for event in live)
        self._note(digest, before, history.state())

    # What changed

    def _note(self, digest: bytes, before: TaskState, after: TaskState) -> None:
        if self._before is None:
            self.news.note(digest, before, after)
        else:
            self._before.setdefault(digest, before)

    def _note_finished(self, digests: list[bytes]) -> None:
        if self._before is None:
            self.news.note_finished(digests)
        else:
            for digest in digests:
                self._before.setdefault(digest, NOTHING)

    @contextmanager
    def replacing(self, numbers: Iterable[int]) -> Iterator[None]:
        """Forget these segments; note what is different after the block, which reads their pack."""
        self._before = self._forget(frozenset(numbers))
        try:
            yield
        finally:
            changed, self._before = self._before, None
            first, results, histories = list[bytes](), self.results, self.histories
            for digest, before in changed.items():
                if before is NOTHING and digest in results and digest not in histories:
                    first.append(digest)  # its id need not be read
                else:
                    self.news.note(digest, before, self.state(digest))
            self.news.note_finished(first)

    # Questions about one task

    def state(self, digest: bytes) -> TaskState:
        """Return the state of a task."""
        if digest in self.histories:
            return self.history(digest).state()
        where = self.results.get(digest)
        if not where:
            return NOTHING
        return TaskState(self._ident_at(where, digest))

    def history(self, digest: bytes) -> History:
        """Return the history of a task, of which perhaps only a result is known."""
        packed = self.histories.get(digest)
        if packed is not None:
            return History.unpack(packed)
        where = self.results.get(digest)
        ident = self._ident_at(where, digest) if where else b""
        return History(
            [Event(FrameKind.RESULT, ident, where or 0)] if len(ident) == IDENT_SIZE else []
        )

    def result_at(self, digest: bytes) -> int:
        """Return where the result of a task lies that counts, 0 if there is none."""
        return self.results.get(digest, 0)

    def knows(self, digest: bytes) -> bool:
        """Return whether a result or a failure is there that counts."""
        return digest in self.results or digest in self.failed

    def failures_of(self, digest: bytes) -> list[int]:
        """Return where the failures lie that count."""
        live = History.unpack(self.histories.get(digest, b"")).live()
        return [event.where for event in live if event.kind in FAILURES]

    def place_of(self, digest: bytes) -> Place | None:
        """Return which frame is the result that counts, None if there is none."""
        where = self.results.get(digest)
        return Place(self._ident_at(where, digest), where) if where else None

    def live_idents(self, digest: bytes) -> list[bytes]:
        """Return the ids of all results and failures of a task that are not removed."""
        if digest in self.histories:
            return [event.ident for event in self.history(digest).live()]
        place = self.place_of(digest)
        return [place.ident] if place and len(place.ident) == IDENT_SIZE else []

    def live_places(self, digest: bytes) -> list[int]:
        """Return where all results and failures of a task lie that are not removed."""
        packed = self.histories.get(digest)
        if packed is None:
            return [self.results[digest]] if digest in self.results else []
        return [event.where for event in History.unpack(packed).live()]

    def is_removed(self, digest: bytes, ident: bytes) -> bool:
        """Return whether a frame that is there counts no more; a void one never did."""
        packed = self.histories.get(digest)
        if packed is None:
            return False
        if only_removed(packed) is not None:
            return True
        return all(event.ident != ident for event in History.unpack(packed).live())

    def expects_removed(self, digest: bytes, worker: bytes) -> bool:
        """Return whether the next frame of this worker for this task is removed already."""
        packed = self.histories.get(digest)
        if packed is None or not removes_next(packed):
            return False
        return History.unpack(packed).expects_removed(worker)

    def has_next_removed(self, digest: bytes, worker: bytes) -> bool:
        """Return whether a removal names the next frame of this worker for this task."""
        packed = self.histories.get(digest)
        if packed is None or not removes_next(packed):
            return False
        return History.unpack(packed).has_next_removed(worker)

    # Segments that move or vanish

    def move(self, ident: bytes, digest: bytes, where: int) -> None:
        """Note that a frame lies elsewhere now."""
        packed = self.histories.get(digest)
        if packed is None:
            self.results[digest] = where
            return
        history = History.unpack(packed)
        before = history.state()
        history.move(ident, where)
        self._recompute(digest, history, before)

    def drop(self, digest: bytes, where: int) -> None:
        """Forget a frame that is gone or damaged."""
        if digest in self.histories:
            self._forget_events(digest, lambda place: place == where)
        elif self.results.get(digest) == where:
            before = self.state(digest)
            del self.results[digest]
            self._note(digest, before, NOTHING)

    def _forget(self, numbers: frozenset[int]) -> dict[bytes, TaskState]:
        """Forget all frames in these segments; return the states that tasks in them had."""
        if not numbers:
            return {}
        before = {
            digest: self.state(digest)
            for digest, where in self.results.items()
            if where and where >> SHIFT in numbers
        }
        self._before = before
        for digest in before.keys() - self.histories:
            del self.results[digest]
        for digest in list(self.histories):
            self._forget_events(digest, lambda place: place >> SHIFT in numbers)
        return before

    def _forget_events(self, digest: bytes, is_gone: Callable[[int], bool]) -> None:
        removed = only_removed(self.histories.get(digest, b""))
        if removed is not None:  # nothing is there, as before
            ident, where = removed
            if is_gone(where):
                self.histories[digest] = packed_removal(ident)
            return
        history = self.history(digest)
        before = history.state()
        history.forget(is_gone)
        self._recompute(digest, history, before)
