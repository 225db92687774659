"""How a worker takes several short tasks at a time, beside workers that take one.

To take a lease and to give it back costs more than a task of some microseconds.  So a
worker that has seen that tasks are short *claims* some at once: it writes their names into
a place of its own, where all others can read them, and then looks whether anybody has
one of them already.  What nobody had is its own, until it ends the claim.  Others do the
same, or lock one task in their way (`jug.backends.leases`) and look then.  The rule for all:

    First show what you want, then look at what others show, and last at what is done.

Of two that want one task, whoever looks later sees the other.  Perhaps both do; then both
leave it, and one gets it later.  What is done is read last, for a task is saved before
it is given back: who no more finds a task in a claim finds its result.

A short task may turn out to be long, and keep back those behind it.  So the worker marks
each task before it begins it, and others may *revoke* a claim.  Again both first show and
then look:

    The worker marks the task, then looks whether the claim was revoked; if so it begins no more.
    The other revokes the claim, then looks which task is marked: the rest is free for all.

So the task in progress stays its worker's, and no two run one of the others.  A revocation
is a flag that others only ever set, so that none can undo another's; the worker itself
clears it before its next claim.  Who is late with one revokes the next claim, which does no harm.

The claim of a worker that seems dead does not count.  That verdict may be wrong: then a task
is run twice, as when a lock is stolen, and the first result stays.

Nothing here touches a file.  `ClaimFiles` is what a driver has to provide; a test drives
this same code through every interleaving of two and three workers that crash.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from collections.abc import Set as AbstractSet
from typing import Protocol

from jug.named_tuple import NamedTuple

__all__ = ["Claim", "ClaimFiles", "Claims"]


class Claim(NamedTuple):
    """The tasks that a worker has claimed together, as others see them.

    >>> claim = Claim(7, (b"A", b"B", b"C"), begun=1)
    >>> claim.kept(), claim._replace(is_revoked=True).kept()
    ((b'A', b'B', b'C'), (b'B',))
    """

    number: int
    """Which of this worker's claims it is."""
    tasks: tuple[bytes, ...]
    begun: int = -1
    """The place of the task that was marked last, -1 if none was."""
    is_revoked: bool = False

    def kept(self) -> tuple[bytes, ...]:
        """Return the tasks that nobody else may run."""
        return self.tasks[self.begun : self.begun + 1] if self.is_revoked else self.tasks

    @property
    def running(self) -> bytes:
        """The task that was marked last, empty if none was."""
        return self.tasks[self.begun] if 0 <= self.begun < len(self.tasks) else b""


class ClaimFiles(Protocol):
    """Where claims are, as one worker sees them."""

    def clear(self) -> None:
        """Take back this worker's mark, and what others said of its last claim, which is over."""

    def write(self, number: int, tasks: Sequence[bytes]) -> None:
        """Show this worker's claim in the place of its last one."""

    def mark(self, place: int) -> None:
        """Mark which of the claimed tasks this worker begins."""

    def is_revoked(self) -> bool:
        """Return whether this worker's claim was revoked."""

    def locked(self) -> Container[bytes]:
        """Return which tasks are locked one by one."""

    def poll(self) -> None:
        """Read which tasks are done, and which workers there are."""

    def others(self) -> AbstractSet[str]:
        """Return the other workers that may claim something, as last polled."""

    def claim_of(self, worker: str) -> Claim | None:
        """Return the claim of another worker, read afresh, None if it has none."""

    def is_dead(self, worker: str) -> bool:
        """Return whether the worker seems dead; this may be wrong."""


class Claims:
    """The claims of one worker, and what it may do beside those of others."""

    __slots__ = ("_next", "files", "number", "robbed", "tasks")

    def __init__(self, files: ClaimFiles) -> None:
        self.files = files
        self.number = 0
        self.tasks: tuple[bytes, ...] = ()
        """What it has claimed, whether it got it or not."""
        self._next = 0
        self.robbed: dict[bytes, tuple[str, int]] = {}
        """What dead workers were running when they died, and this one wanted: in which claim."""

    def claim(self, tasks: Sequence[bytes]) -> list[bytes]:
        """Claim tasks; return those of them that nobody had.  Some may be done by now."""
        self._write(tuple(tasks))
        locked = self.files.locked()
        taken = self.taken(tasks)
        return [task for task in tasks if task not in locked and task not in taken]

    def begin(self, task: bytes) -> bool:
        """Mark a task that was claimed; return whether it may be run."""
        tasks, place = self.tasks, self._next
        if place >= len(tasks) or tasks[place] != task:  # mostly they begin one after another
            place = tasks.index(task)
        self._next = place + 1
        self.files.mark(place)
        return not self.files.is_revoked()

    def end(self) -> None:
        """Give back what was claimed."""
        if self.tasks:
            self._write(())

    def _write(self, tasks: tuple[bytes, ...]) -> None:
        self.number += 1
        self.files.clear()
        self.files.write(self.number, tasks)
        self.tasks, self._next = tasks, 0

    def taken(self, tasks: Sequence[bytes]) -> set[bytes]:
        """Return which tasks others have claimed, and poll after that.

        Who asks has shown before that it wants them, by a claim or by a lock.
        """
        found, seen = set[bytes](), set[str]()
        while True:
            for worker in self.files.others() - seen:
                found |= self._taken_by(worker, tasks)
                seen.add(worker)
            self.files.poll()
            if self.files.others() <= seen:
                return found

    def _taken_by(self, worker: str, tasks: Sequence[bytes]) -> set[bytes]:
        claim = self.files.claim_of(worker)
        both = set() if claim is None else {*claim.kept()}.intersection(tasks)
        if claim is None or not (both and self.files.is_dead(worker)):
            return both
        if claim.running in both:
            self.robbed[claim.running] = worker, claim.number
        return set()
