"""What is there: the state of every task, as told by the frames that were read.

Nearly every task has one frame, a result, and costs one entry in a dictionary:
its digest and where the frame lies.  A task of which more is known (a failure, a
second result, a removal) has a *story*: all events about it, packed.  Its state
is computed from its story as a whole, never from the order in which the events
came.  That is why segments can be read in any order, and again.

- A removal names frames by id.  It counts also when it is read before them.
- A removal may name *the next frame* of a worker that was running the task.
  That is the one with the lowest id, of all that this worker wrote for the task
  from a given number on.  A worker that notices in time writes a void frame in
  its place, so that a later run of the same task is not taken for it.
- Of several results that are not removed the one with the lowest id counts.

Where a frame lies is one number: that of the segment, in the order in which this
process came to know them, and the offset.  It is never 0.  Small results that
follow each other share the number of the first, since a number of one's own would
cost as much memory as half a digest: a frame is looked for from there on.

What others did is noted from the first `drain` on; until then all is news.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from struct import Struct
from typing import Final
from zlib import crc32

from jug.backends._frames import (
    CHECKED_FROM,
    HEADER,
    MAGIC,
    OF_TASKS,
    Kind,
    Removed,
    unpack_removals,
    view,
)
from jug.backends.base import Changes
from jug.backends.process import Process

SHIFT: Final = 40
OFFSET: Final = (1 << SHIFT) - 1

BLOCK: Final = 2048
"""Within so many bytes behind the number of its place a frame begins."""

_EVENT: Final = Struct(">B12sQ")
_REMOVED: Final = int(Kind.REMOVAL)
_NEXT: Final = 255
_RESULTS: Final = frozenset({int(Kind.RESULT), int(Kind.BIG)})
_FAILURES: Final = frozenset({int(Kind.FAILURE), int(Kind.KEPT)})


class Index:
    """The state of all tasks, in memory."""

    def __init__(self, ident_at: Callable[[int, bytes], bytes | None]) -> None:
        self.results: dict[bytes, int] = {}
        """Where the result of a task lies that counts."""
        self.failed: dict[bytes, bool] = {}
        """Tasks that failed and have no result, and whether that is kept."""
        self.stories: dict[bytes, bytes] = {}
        self.removals = 0
        """How often something that counted was removed."""
        self.removed: dict[bytes, int] = {}
        """Which of these removals was the last of a task."""
        self.workers: dict[bytes, Process] = {}
        self.ended: set[bytes] = set()
        self._ident_at = ident_at
        self._news: Changes | None = None

    # News

    @property
    def news(self) -> Changes:
        """Where to note what others did."""
        return Changes() if self._news is None else self._news

    def has_news(self) -> bool:
        """Return whether there is anything to drain."""
        return bool(self.results or self.failed if self._news is None else self._news)

    def drain(self) -> Changes:
        """Return what was learned and not handed out yet."""
        news = Changes(self.results, self.failed) if self._news is None else self._news
        self._news = Changes()
        return news

    @contextmanager
    def sharing(self, digests: Iterable[bytes]) -> Iterator[None]:
        """Keep these very digests, and no copies, if nothing was learned before the block.

        A dictionary keeps the key that came first.  So they are there during the
        block as results that lie at 0, which is nowhere.
        """
        if self.results or self.stories:
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
        """Learn the frames of a segment's part; return how much of it was whole frames."""
        results, stories, is_result, news = self.results, self.stories, _RESULTS, self.news
        where_is, tell = results.get, news.finished.append
        unpack, checksum_of = HEADER.unpack_from, crc32
        size, magic_there, checked_from = HEADER.size, MAGIC, CHECKED_FROM
        whole = memoryview(data)
        at, end, base = 0, len(data), (number << SHIFT) + start
        place, next_place = base, 0
        while at + size <= end:
            magic, checksum, length, _, ident, kind, digest = unpack(data, at)
            stop = at + size + length
            if (
                magic != magic_there
                or stop > end
                or checksum_of(whole[at + checked_from : stop], seed) != checksum
            ):
                break
            if kind in is_result and not where_is(digest) and digest not in stories:
                if at >= next_place:
                    place, next_place = base + at, at + BLOCK
                results[digest] = place
                tell(digest)
            else:
                self._take_in_rare(ident, kind, digest, base + at, whole[at:stop], news)
            at = stop
        return at

    def _take_in_rare(
        self, ident: bytes, kind: int, digest: bytes, where: int, frame: memoryview, news: Changes
    ) -> None:
        if kind in OF_TASKS:
            self.add(ident, kind, digest, where, news)
        elif kind == Kind.REMOVAL:
            for entry in unpack_removals(view(frame).payload):
                self.remove(entry, news)
        elif kind == Kind.WORKER:
            self.workers[ident[:8]] = Process(**json.loads(bytes(view(frame).payload)))
        elif kind == Kind.END:
            self.ended.add(ident[:8])

    # Single frames

    def add_own(self, ident: bytes, kind: int, digest: bytes, where: int) -> None:
        """Learn a frame that this process wrote, which is no news to it."""
        if kind in _RESULTS and digest not in self.results and digest not in self.stories:
            self.results[digest] = where
        else:
            self.add(ident, kind, digest, where, Changes())

    def add(self, ident: bytes, kind: int, digest: bytes, where: int, news: Changes) -> None:
        """Learn one result, failure or void frame, and tell what it changed."""
        if kind in _RESULTS and digest not in self.stories:
            there = self.results.get(digest)
            known = self._ident_at(there, digest) if there else None
            if known is None or known == ident:
                self.results[digest] = where
                if not there:
                    news.finished.append(digest)
                return
        self._tell(digest, _EVENT.pack(kind, ident, where), news)

    def remove(self, entry: Removed, news: Changes) -> None:
        """Learn that a frame counts no more, and tell what it changed."""
        kind = _NEXT if entry.is_next else _REMOVED
        self._tell(entry.digest, _EVENT.pack(kind, entry.ident, 0), news)

    def _tell(self, digest: bytes, event: bytes, news: Changes) -> None:
        story = self.stories.get(digest)
        if story is None:
            story = self._begin(digest)
        key = event[:13]
        others = [story[at : at + 21] for at in range(0, len(story), 21)]
        self.stories[digest] = b"".join([e for e in others if e[:13] != key]) + event
        self._settle(digest, event[0], news)

    def _begin(self, digest: bytes) -> bytes:
        """Return the story of a task of which only a result was known so far, or nothing."""
        where = self.results.get(digest)
        ident = self._ident_at(where, digest) if where else None
        return _EVENT.pack(Kind.RESULT, ident, where) if ident else b""

    def _settle(self, digest: bytes, kind: int, news: Changes) -> None:
        """Compute a task's state from its story, and tell what an event of this kind changed."""
        live = _live(self.stories[digest])
        before, had_failed = self.results.pop(digest, 0), self.failed.pop(digest, None)
        results = [(ident, where) for kind_of, ident, where in live if kind_of in _RESULTS]
        failures = [kind_of for kind_of, _, _ in live if kind_of in _FAILURES]
        if results:
            self.results[digest] = min(results)[1]
            if not before:
                news.finished.append(digest)
        elif failures:
            self.failed[digest] = Kind.KEPT in failures
            if kind in _FAILURES:
                news.failed.append(digest)
        if (before and not results) or (had_failed is not None and not live):
            news.removed.append(digest)
        if kind == _NEXT or (kind == _REMOVED and before != self.results.get(digest, 0)):
            self.note_removal(digest)

    # Questions about one task

    def knows(self, digest: bytes) -> bool:
        """Return whether a result or a failure is there that counts."""
        return digest in self.results or digest in self.failed

    def failures_of(self, digest: bytes) -> list[int]:
        """Return where the failures lie that count."""
        live = _live(self.stories.get(digest, b""))
        return [where for kind, _, where in live if kind in _FAILURES]

    def live_idents(self, digest: bytes) -> list[bytes]:
        """Return the ids of all results and failures of a task that are not removed."""
        live = _live(self.stories.get(digest) or self._begin(digest))
        return [ident for _, ident, _ in live]

    def live_places(self, digest: bytes) -> list[int]:
        """Return where all results and failures of a task lie that are not removed."""
        story = self.stories.get(digest)
        if story is None:
            return [self.results[digest]] if digest in self.results else []
        return [where for _, _, where in _live(story)]

    def is_removed(self, digest: bytes, ident: bytes) -> bool:
        """Return whether a frame that is there counts no more; a void one never did."""
        story = self.stories.get(digest)
        return story is not None and all(ident != live for _, live, _ in _live(story))

    def note_removal(self, digest: bytes) -> None:
        """Count a removal, for those who made something from what was removed."""
        self.removals += 1
        self.removed[digest] = self.removals

    def next_ident(self, digest: bytes, worker: bytes) -> bytes:
        """Return the lowest id that a further frame of this worker for this task can have."""
        story = self.stories.get(digest) or self._begin(digest)
        numbers = [
            int.from_bytes(ident[8:], "big")
            for kind, ident, _ in _EVENT.iter_unpack(story)
            if ident[:8] == worker and kind != _NEXT
        ]
        return worker + (max(numbers, default=-1) + 1).to_bytes(4, "big")

    def awaits(self, digest: bytes, worker: bytes) -> bool:
        """Return whether the next frame of this worker for this task is removed already."""
        story = self.stories.get(digest)
        return story is not None and any(
            lowest[:8] == worker and target is None
            for lowest, target in _targets(_EVENT.iter_unpack(story))
        )

    def has_next(self, digest: bytes, worker: bytes) -> bool:
        """Return whether a removal names the next frame of this worker for this task."""
        story = self.stories.get(digest)
        return story is not None and any(
            kind == _NEXT and ident[:8] == worker for kind, ident, _ in _EVENT.iter_unpack(story)
        )

    # Segments that move or vanish

    def move(self, ident: bytes, digest: bytes, where: int) -> None:
        """Learn that a frame lies elsewhere now."""
        story = self.stories.get(digest)
        if story is None:
            self.results[digest] = where
            return
        events = [
            (kind, known, where if known == ident and kind in OF_TASKS else place)
            for kind, known, place in _EVENT.iter_unpack(story)
        ]
        self.stories[digest] = b"".join(_EVENT.pack(*event) for event in events)
        self._settle(digest, 0, Changes())

    def drop(self, digest: bytes, where: int) -> None:
        """Forget a frame that is gone or damaged."""
        story = self.stories.get(digest)
        if story is None:
            if self.results.get(digest) == where:
                del self.results[digest]
                self.note_removal(digest)
            return
        self._forget_events(digest, _REMOVED, lambda place: place == where)

    def forget(self, numbers: Iterable[int]) -> dict[bytes, bytes | None]:
        """Forget all frames in these segments; return the results that were there, with ids."""
        gone = frozenset(numbers)
        found = {
            digest: self._ident_at(where, digest)
            for digest, where in self.results.items()
            if where and where >> SHIFT in gone
        }
        for digest in found.keys() - self.stories:
            del self.results[digest]
        for digest in list(self.stories):
            self._forget_events(digest, 0, lambda place: place >> SHIFT in gone)
        return found

    def _forget_events(self, digest: bytes, kind: int, is_gone: Callable[[int], bool]) -> None:
        events = [
            event
            for event in _EVENT.iter_unpack(self.stories[digest])
            if event[0] not in OF_TASKS or not is_gone(event[2])
        ]
        self.stories[digest] = b"".join(_EVENT.pack(*event) for event in events)
        self._settle(digest, kind, Changes())


def _live(story: bytes) -> list[tuple[int, bytes, int]]:
    """Return the frames of a story that are not removed: kind, id, where."""
    events = list(_EVENT.iter_unpack(story))
    gone = {ident for kind, ident, _ in events if kind == _REMOVED}
    gone.update(target for _, target in _targets(events) if target is not None)
    return [
        event
        for event in events
        if event[0] in OF_TASKS and event[1] not in gone and event[0] != Kind.VOID
    ]


def _targets(events: Iterable[tuple[int, bytes, int]]) -> list[tuple[bytes, bytes | None]]:
    """Return which frame each removal of a next frame means, None if it is not known yet."""
    idents: list[bytes] = []
    lowest_ones: list[bytes] = []
    for kind, ident, _ in events:
        (lowest_ones if kind == _NEXT else idents).append(ident)
    return [
        (
            lowest,
            min((i for i in idents if i[:8] == lowest[:8] and i >= lowest), default=None),
        )
        for lowest in lowest_ones
    ]
