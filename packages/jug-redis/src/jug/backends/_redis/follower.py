"""Following the log: what a client does to keep its index in step with the server."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from time import sleep
from typing import Final

from jug.backends._redis import scripts
from jug.backends._redis.access import Access
from jug.backends._redis.index import Index
from jug.backends._redis.results import batches
from jug.backends._redis.round_trip import Reply

# A server ends a blocking read up to so many seconds late, so the last part of a wait is
# spent in short sleeps.
_LATE: Final = 0.1
_STEP: Final = 0.01

_PAGE: Final = 2000


class Follower:
    """Keeps one store object's index up to the last event that it was told of."""

    def __init__(self, access: Access) -> None:
        self.index = Index()
        self._access = access

    def poll(self) -> None:
        """Read what others did since; the first time, all that is there."""
        is_behind = True
        while is_behind:
            if not self.index.cursor:
                self._read_index()
            answer = self._access.server.run(scripts.NEWS, self.index.cursor)
            is_behind = self.take_in(answer).is_behind

    def look_again(self) -> None:
        """Poll, and read the index anew if the server lost results without an event of it."""
        self.poll()
        key = self._access.address.tag + "results"
        if self._access.server.command("HLEN", key) < len(self.index.results):
            self.index.lose()
            self.poll()

    def begin(self) -> None:
        """Read the index if that was not done yet."""
        if not self.index.cursor:
            self.poll()

    def take_in(self, answer: bytes) -> Reply:
        """Take in what a script answered; return what is not about the index."""
        done, number, known, more, removals, *lengths = scripts.ANSWER.unpack_from(answer)
        events_at = scripts.ANSWER.size + lengths[0]
        holders_at = events_at + lengths[1]
        if known:
            cursor = answer[scripts.ANSWER.size : events_at]
            seen = self.index.removals if more else removals
            self.index.advance(answer[events_at:holders_at], cursor, seen)
        else:
            self.index.lose()
        holders = answer[holders_at:].decode().split()
        return Reply(done, number, holders, is_behind=bool(more) or not known)

    def listen(self, seconds: float) -> None:
        """Block until an event comes, at most for this time."""
        if seconds > _LATE:
            milliseconds = round((seconds - _LATE) * 1000) or 1
            log = self._access.address.tag + "log"
            words = ("COUNT", 1, "BLOCK", milliseconds, "STREAMS", log, self.index.cursor)
            self._access.server.command("XREAD", *words)
        elif seconds > 0:
            sleep(min(seconds, _STEP))

    def are_done(self, digests: Iterator[bytes], asked: list[bytes]) -> bool:
        """Return whether all are done, noting which were asked about to find out.

        The index is not needed for that.
        """

        def packed() -> Iterator[bytes]:
            for batch in batches(digests):
                asked.extend(batch)
                yield b"".join(batch)

        words, server = packed(), self._access.server
        # If some are not, that shows often in the first ones already.
        first = [server.run(scripts.DONE, word) for word in islice(words, 1)]
        answers = chain(first, server.run_each(scripts.DONE, words))
        return all(b"0" not in answer for answer in answers)

    def _read_index(self) -> None:
        """Read all that is there: events that come meanwhile are read afterwards."""
        cursor, removals = self._access.server.run(scripts.HEAD)
        self.index.replace(self._pages(), cursor, int(removals))

    def _pages(self) -> Iterator[bytes]:
        for name in ("failures", "results"):
            at = b"0"
            while True:
                at, page = self._access.server.run(scripts.PAGE, name, at, _PAGE)
                yield page
                if at == b"0":
                    break
