"""What changed, and what is stale: one idea for all stores.

A store reads *events*: a result was saved, a run failed, something was removed.
They may arrive in any order, or many at once.  So neither the news for readers nor
what counts as stale is ever taken from an event itself.  Both follow from the
state of the task before the event and after it, and from nothing else:

- *finished*: another result counts after than before.
- *removed*: the result that counted before does not count any more, whether none
  or another took its place; or the failures are gone and nothing is there.
- *failed*: there is a failure that was not there before, and no result.
- *stale* is what was made from a result that does not count any more, and a run
  of a task that was discarded while it ran.

A result is known by its *identity*, so one that was removed and made anew is
another one, however many events lie between two readings.  Whichever order the
events come in, the way from the old result to the new one has a step at which the
identity changes.  That is why the order does not matter.

*Staleness* is two numbers.  A clock counts the changes that make something stale,
each task keeps the clock of its last one, and a lease keeps the clock of the
moment when it was given.  What a run was made from is stale if a task among its
inputs has a later number than the lease.

*Readers.*  Several parts of one process may follow one store object: a worker, and
inside its task another worker or a `CachedFunction`.  Each has its own `Reader`,
which collects all that changes after it was made, also what is done through the
same store object; what one reader takes stays there for the others.
"""

from __future__ import annotations

from _thread import allocate_lock  # `import jug` stays light: threading is slow to come
from collections.abc import Hashable, Iterable, Sequence
from typing import Self

from jug.named_tuple import NamedTuple

__all__ = ["NOTHING", "Changes", "News", "Reader", "TaskState"]


_Change = tuple[Sequence[bytes], Sequence[bytes], Sequence[bytes]]
"""The tasks that finished, failed, and were removed, by one event or many at once."""


class TaskState(NamedTuple):
    """What a store knows of one task at one moment."""

    result: Hashable = None
    """Which result counts, None if there is none."""
    failures: frozenset[Hashable] = frozenset()
    """Which failures were not removed."""
    discards: int = 0
    """How often the task was discarded whoever may be running it."""


NOTHING = TaskState()


class Changes:
    """What changed since a reader last took it; empty means nothing.

    A digest may stand in several lists; ask the store for its state.
    """

    __slots__ = ("failed", "finished", "removed")

    def __init__(
        self,
        finished: Iterable[bytes] = (),
        failed: Iterable[bytes] = (),
        removed: Iterable[bytes] = (),
    ) -> None:
        self.finished = [*finished]
        self.failed = [*failed]
        self.removed = [*removed]

    def __repr__(self) -> str:
        """Show what changed."""
        return f"Changes({self.finished!r}, {self.failed!r}, {self.removed!r})"

    def __bool__(self) -> bool:
        """Return whether anything changed."""
        return bool(self.finished or self.failed or self.removed)


class News:
    """The changes of one store, for its readers, and what they make stale.

    >>> news = News()
    >>> reader, since = news.reader(), news.clock
    >>> news.note(b"A", TaskState(result="old"), TaskState(result="new"))
    >>> reader.take()
    Changes([b'A'], [], [b'A'])
    >>> news.is_stale([b"A"], since), news.is_stale([b"A"], news.clock)
    (True, False)
    """

    def __init__(self) -> None:
        self.clock = 0
        """How many changes made something stale so far."""
        self._stale_at: dict[bytes, int] = {}
        self._all_stale_at = 0
        self._readers: tuple[Reader, ...] = ()
        self._coming_and_going = allocate_lock()

    def note(self, digest: bytes, before: TaskState, after: TaskState) -> None:
        """Take note of what one or many events made of a task's state."""
        is_other = after.result != before.result
        if (is_other and before.result is not None) or after.discards != before.discards:
            self.clock += 1
            self._stale_at[digest] = self.clock
        if self._readers and after != before:
            self._share(digest, before, after)

    def _share(self, digest: bytes, before: TaskState, after: TaskState) -> None:
        it, nothing = [digest], list[bytes]()
        is_other = after.result != before.result
        was_removed = is_other and before.result is not None
        has_failed = False
        if after.result is None:
            has_failed = not after.failures <= before.failures
            was_removed = was_removed or bool(before.failures and not after.failures)
        change = (
            it if is_other and after.result is not None else nothing,
            it if has_failed else nothing,
            it if was_removed else nothing,
        )
        if any(change):
            self._add(change)

    def note_finished(self, digests: list[bytes]) -> None:
        """Take note of first results, of tasks of which nothing was known before."""
        if digests:
            for reader in self._readers:
                reader.add((digests, (), ()))

    def note_all(self, digests: Iterable[bytes]) -> None:
        """Take note that these results are there, each perhaps another one than before.

        For a store that missed events.  Everything that was made before is stale.
        """
        self.clock += 1
        self._all_stale_at = self.clock
        replaced = [*digests]
        if replaced:
            self._add((replaced, (), replaced))

    def _add(self, change: _Change) -> None:
        for reader in self._readers:
            reader.add(change)

    def is_stale(self, digests: Iterable[bytes], since: int) -> bool:
        """Return whether a run that began at that clock must not be saved.

        The digests are those of its task and of the results that it was made from.
        """
        if self.clock == since:
            return False
        if self._all_stale_at > since:
            return True
        stale_at = self._stale_at
        return any(stale_at.get(digest, 0) > since for digest in digests)

    def reader(self) -> Reader:
        """Return a new reader, which collects all that changes from now on."""
        reader = Reader(self)
        with self._coming_and_going:
            self._readers = (*self._readers, reader)
        return reader

    def leave(self, reader: Reader) -> None:
        """Collect nothing more for a reader."""
        with self._coming_and_going:
            self._readers = tuple(one for one in self._readers if one is not reader)

    def forget_readers(self) -> None:
        """Leave all readers behind, in a process that was forked from theirs."""
        self._readers, self._coming_and_going = (), allocate_lock()


class Reader:
    """One reader's place in the news of a store.

    What changes is put at the end of one list and taken from its front, each in one
    step, so that threads may do both at a time.
    """

    def __init__(self, news: News) -> None:
        self._news = news
        self._pending: list[_Change] = []

    def add(self, change: _Change) -> None:
        """Add to what is still to be taken."""
        self._pending.append(change)

    def has_changes(self) -> bool:
        """Return whether there is anything to take."""
        return bool(self._pending)

    def take(self) -> Changes:
        """Return what changed and was not taken yet, without input or output."""
        changes = Changes()
        taken = self._pending[:]
        del self._pending[: len(taken)]
        for finished, failed, removed in taken:
            changes.finished += finished
            changes.failed += failed
            changes.removed += removed
        return changes

    def pass_over(self, digest: bytes) -> None:
        """Do not take that a task finished: this reader has just saved its first result."""
        change = ([digest], (), ())
        if change in self._pending:
            self._pending.remove(change)

    def close(self) -> None:
        """Collect nothing more."""
        self._news.leave(self)

    def __enter__(self) -> Self:
        """Return the reader itself."""
        return self

    def __exit__(self, *exc: object) -> None:
        """Collect nothing more."""
        self.close()
