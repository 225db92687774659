"""What a store promises.

A store keeps the results of tasks and says who is working on what.  Workers on
any number of machines share it and nothing else, so all that they need to agree
on is promised here:

- *Names.* A task is named by its digest, 20 raw bytes.  The 40 hex digits that
  people see are for the methods that jug 2.x had (`jug.backends.named`).
- *Frames.* What a run leaves behind is one frame: a result or a failure, with
  the record of the run.  A frame is seen whole or not at all.  Frames commute:
  whatever order they are read in, all readers come to the same state.  A
  task is *done* while a result for it is there; else *failed* while a failure
  is; a failure is *kept* when it should not be tried again before a
  ``cleanup --failed-only``.  If two workers saved a result of one task, all
  readers agree on which one counts.
- *The index.* `exists`, `failures` and `digests` answer from memory, without
  input or output.  `poll` reads what others did since, and only what is new.
  `acquire`, `commit` and `wait` poll too.
- *News.* What changed is told to each `reader` of a store object, once, whoever
  did it, through this object or another.  What one reader takes stays for the
  others.  `jug.backends.news` says what counts as a change, for every store.
- *Leases.* Who holds the lease of a task may run it.  At most one worker does,
  unless one was found dead: then its lease is taken over, by exactly one.  A
  lease is given for a task that has no result, as of the moment when it is
  given.  A worker releases its own leases and nobody else's.
- *Signs of life.* A worker that holds a lease shows that it lives several times in the
  lease time, as `last_sign` of its `Holder` tells by the clock of the store.
- *History.* Each run is remembered with its record, those too that left nothing, and
  each worker with what it said of itself.  It decides nothing.
- *Durability.* What others can see as done survives a power cut, but for the
  last second of computing.  `flush` makes it all safe at once.
- *Truth.* Damage that a read meets is reported, and treated as not there.  (An array
  of 16 MB or more is mapped without being read: `jug.codec` says what that means.)
  Nothing that could not be written is called done.

A store that only one process can use still passes the same tests; what is
promised between workers holds between two store objects of one process then.
"""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar, Self

from jug._former import tell_what_is_gone
from jug.backends.frames import Frame, Heartbeat, Holder, Kind, Lease, Outcome, Presence
from jug.backends.named import NamedAccess, TaskLock, digest_of
from jug.backends.news import Changes, News, Reader, TaskState
from jug.records import Buffer

__all__ = [
    "BaseStore",
    "Buffer",
    "Changes",
    "Frame",
    "Heartbeat",
    "Holder",
    "Kind",
    "Lease",
    "News",
    "Outcome",
    "Presence",
    "Reader",
    "TaskLock",
    "TaskState",
    "digest_of",
]


class BaseStore(NamedAccess):
    """Results, failures and leases of tasks, shared by any number of workers.

    What is abstract stands here and in `jug.backends.promises`, by what it promises.
    """

    shared: ClassVar[bool] = True
    """Whether other processes can open the same store."""

    @property
    def worker_id(self) -> str:
        """The id of the worker that this object is, empty before it has done anything."""
        return ""

    thread: int = 0
    """The thread that uses this object, as far as that is known (`jug.session`)."""

    offers: Mapping[str, int] = MappingProxyType({})
    """What the worker that this object is may use of its machine, also where no task states it."""

    jugfile: str = ""
    """The path of the jugfile whose tasks are saved here, to be noted with the first one."""

    arguments: tuple[str, ...] = ()
    """The arguments that it is run with, which may have it make other tasks."""

    def note_jugfile(self) -> None:
        """Note that the jugfile uses results here, though it saved none, if that can be noted."""
        return None

    def jugfiles(self) -> set[str]:
        """Return which jugfiles have saved something here, as far as the store notes that.

        A jugfile is there once for all arguments that it was run with, as `known_as` says.
        """
        return set()

    def known_as(self, jugfile: str, arguments: Sequence[str] = ()) -> str:
        """Return what `jugfiles` calls a jugfile with its arguments, as a shell would take it."""
        import shlex  # `import jug` stays light

        return shlex.join([os.path.realpath(jugfile), *arguments])

    def forget_jugfiles(self, jugfiles: Iterable[str]) -> None:
        """Note that nothing is left of what these jugfiles have saved."""
        return None

    @abstractmethod
    def flush(self) -> None:
        """Return once all that was saved here survives a power cut."""

    def hurry(self) -> None:
        """Wait little for what does not answer from now on: this process is to end."""
        return None

    @abstractmethod
    def close(self) -> None:
        """Flush, give back all leases, and let go of every resource; it may be called again."""

    def another_view(self) -> Self:
        """Return another object of the same store: another worker, for another thread.

        A store object is for one thread at a time.  Here it is a copy, so a store that
        other processes can open pickles by where it is.
        """
        from copy import copy  # few need it

        return copy(self)

    @abstractmethod
    def after_fork(self) -> None:
        """Become another worker, in a process that was forked.

        Nothing of the parent's (its leases, files being written, connections,
        readers) is touched.
        """

    def __enter__(self) -> Self:
        """Return the store itself."""
        return self

    def __exit__(self, *exc: object) -> None:
        """Close the store."""
        self.close()

    def __repr__(self) -> str:
        """Show which store it is."""
        return f"<{type(self).__name__} {self.url}>"


tell_what_is_gone(__name__)
