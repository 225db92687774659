"""What a client knows of a store: which results and failures are there, and up to which event."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from jug.backends.base import Changes, Kind

_EVENT: Final = 21
"""Bytes of one event, or of one task in a page: a letter or a kind, and a digest."""


@dataclass(slots=True, eq=False)
class Held:
    """What was removed while a lease is held: what it is made from may be among that."""

    digest: bytes
    removed: set[bytes] = field(default_factory=set)
    is_uncertain: bool = False
    """Whether something was removed and it is not known what."""

    def is_stale(self, digests: Iterable[bytes]) -> bool:
        """Return whether one of these may have been removed since the lease was given."""
        return self.is_uncertain or (bool(self.removed) and not self.removed.isdisjoint(digests))


@dataclass(slots=True, eq=False)
class Index:
    """The tasks that are done or failed, as last learned."""

    cursor: bytes = b""
    """The last event that is known; nothing before the index was read."""
    removals: int = 0
    results: set[bytes] = field(default_factory=set)
    failures: dict[bytes, bool] = field(default_factory=dict)
    news: Changes = field(default_factory=Changes)
    held: dict[str, Held] = field(default_factory=dict)
    """This worker's leases, by their tokens."""

    def drain(self) -> Changes:
        """Return what others changed and was not handed out yet."""
        news, self.news = self.news, Changes()
        return news

    def advance(self, events: bytes, cursor: bytes, removals: int) -> None:
        """Take in what others did, up to a later event."""
        self.cursor, self.removals = cursor, removals
        for letter, digest in _tasks(events):
            if letter == b"d":
                self.finish(digest)
                self.news.finished.append(digest)
            elif letter in b"fk":
                self.fail(digest, letter == b"k")
                self.news.failed.append(digest)
            elif letter == b"r":
                self.remove(digest)
                self.news.removed.append(digest)

    def lose(self, removals: int) -> None:
        """Note that events were missed, so that the index has to be read anew."""
        self._suspect(removals)
        self.cursor = b""

    def note(self, kind: Kind, digest: bytes) -> None:
        """Note a frame of one's own."""
        if kind is Kind.RESULT:
            self.finish(digest)
        else:
            self.fail(digest, kind is Kind.KEPT)

    def finish(self, digest: bytes) -> None:
        """Note a result."""
        self.results.add(digest)
        self.failures.pop(digest, None)

    def fail(self, digest: bytes, kept: bool) -> None:
        """Note a failure: one that is kept stays so, and beside a result it does not count."""
        if digest not in self.results:
            self.failures[digest] = kept or self.failures.get(digest, False)

    def remove(self, digest: bytes) -> None:
        """Note that neither result nor failure is there any more."""
        self.results.discard(digest)
        self.failures.pop(digest, None)
        for held in self.held.values():
            held.removed.add(digest)

    def replace(self, pages: Iterable[bytes], cursor: bytes, removals: int) -> None:
        """Take in the whole index, read anew, and note what is different."""
        old_results, old_failures = self.results, self.failures
        self.results, self.failures = set(), {}
        for page in pages:
            for kind, digest in _tasks(page):
                if kind[0] == Kind.RESULT:
                    self.results.add(digest)
                else:
                    self.failures[digest] = kind[0] == Kind.KEPT
        self.news.finished += self.results - old_results
        self.news.failed += self.failures.keys() - old_failures.keys()
        self.news.removed += old_results - self.results
        self.news.removed += old_failures.keys() - self.failures.keys() - self.results
        self._suspect(removals)
        self.cursor = cursor

    def _suspect(self, removals: int) -> None:
        """Note how many removals there were, when it is not known of what."""
        if removals > self.removals:
            for held in self.held.values():
                held.is_uncertain = True
        self.removals = removals


def _tasks(packed: bytes) -> Iterator[tuple[bytes, bytes]]:
    for at in range(0, len(packed), _EVENT):
        yield packed[at : at + 1], packed[at + 1 : at + _EVENT]
