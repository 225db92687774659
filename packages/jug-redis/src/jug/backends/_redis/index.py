"""What a client knows of a store: which results and failures are there, and up to which event.

The log of the server is one sequence, and a client that follows it sees each change
by itself.  A result that is there is known as such, without an identity: between two
events it can't have become another one.  That is different when events were missed,
because the log was trimmed meanwhile and the index is read anew.  If nothing was
removed in that time, by the server's count, each result that is still there is the
same.  If something was, each may be another one, and all are told as removed and as
finished.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from jug.backends.base import Kind
from jug.backends.news import NOTHING, News, TaskState

_EVENT: Final = 21
"""Bytes of one event, or of one task in a page: a letter or a kind, and a digest."""

_THERE: Final = TaskState(result=True)


class Index:
    """The tasks that are done or failed, as last polled."""

    def __init__(self) -> None:
        self.cursor = b""
        """The last event that is known; nothing before the index was read."""
        self.removals = 0
        """How often something was removed so far, by the server's count."""
        self.results: set[bytes] = set()
        self.failures: dict[bytes, bool] = {}
        self.news = News()
        self._failed = 0
        """How many failures were seen, to tell them apart."""

    # Following the log

    def advance(self, events: bytes, cursor: bytes, removals: int) -> None:
        """Take in what others did, up to a later event.

        The cursor moves last: what an exception has cut short is taken in again.
        """
        for letter, digest in _tasks(events):
            if letter == b"d":
                self.finish(digest)
            elif letter in b"fk":
                self.fail(digest, letter == b"k")
            elif letter == b"r":
                self.remove(digest)
        self.cursor, self.removals = cursor, removals

    def note(self, kind: Kind, digest: bytes) -> None:
        """Take in a frame that was saved here."""
        if kind is Kind.RESULT:
            self.finish(digest)
        else:
            self.fail(digest, kind is Kind.KEPT)

    def finish(self, digest: bytes) -> None:
        """Take in a result."""
        if digest not in self.results:
            self.results.add(digest)
            self.failures.pop(digest, None)
            self.news.note_finished([digest])

    def fail(self, digest: bytes, kept: bool) -> None:
        """Take in a failure: one that is kept stays so, and beside a result it does not count."""
        if digest not in self.results:
            self.failures[digest] = kept or self.failures.get(digest, False)
            self._failed += 1
            self.news.note(digest, NOTHING, TaskState(failures=frozenset([self._failed])))

    def remove(self, digest: bytes) -> None:
        """Note that a task was discarded, for whoever may be running it too."""
        before = self._state(digest)
        self.results.discard(digest)
        self.failures.pop(digest, None)
        self.news.note(digest, before, NOTHING._replace(discards=1))

    def _state(self, digest: bytes) -> TaskState:
        if digest in self.results:
            return _THERE
        return TaskState(failures=frozenset([0])) if digest in self.failures else NOTHING

    # Reading it anew

    def lose(self) -> None:
        """Note that events were missed, so that the index has to be read anew."""
        self.cursor = b""

    def replace(self, pages: Iterable[bytes], cursor: bytes, removals: int) -> None:
        """Take in the whole index, read anew, and note what is different."""
        results, failures = set[bytes](), dict[bytes, bool]()
        for page in pages:
            for kind, digest in _tasks(page):
                if kind[0] == Kind.RESULT:
                    results.add(digest)
                else:
                    failures[digest] = kind[0] == Kind.KEPT
        old_results, old_failures = self.results, self.failures
        self.results, self.failures = results, failures
        self._note_replaced(old_results, old_failures.keys(), has_missed=removals != self.removals)
        self.cursor, self.removals = cursor, removals

    def _note_replaced(
        self, old_results: set[bytes], old_failures: Iterable[bytes], *, has_missed: bool
    ) -> None:
        for digest in old_results - self.results:
            self.news.note(digest, _THERE, self._state(digest))
        for digest in {*old_failures, *self.failures} - old_results - self.results:
            before = TaskState(failures=frozenset([0] if digest in old_failures else []))
            self.news.note(digest, before, self._state(digest))
        self.news.note_finished(list(self.results - old_results))
        if has_missed:
            self.news.note_all(self.results & old_results)


def _tasks(packed: bytes) -> Iterator[tuple[bytes, bytes]]:
    for at in range(0, len(packed), _EVENT):
        yield packed[at : at + 1], packed[at + 1 : at + _EVENT]
