"""How workers that share nothing but a directory agree on who runs a task.

A worker owns one file, named by its id, which is random and never used again.
To *take* a task it links that file to the task's name: of many links to one
name, one succeeds.  The lock is thus the worker's own file under another name,
and what it contains says whose it is.

Giving a lock back, or taking it over from a worker that seems dead, is harder.
"See whose it is, then remove it" does not do: between the two, another may have
removed it and a third have taken it, and it is the third's that is removed.  A
check and a removal cannot be made one step.  So they are done behind a *gate*.
The gate of K's lock T is the name ``T~K``, made by linking, and the one rule is:

    Only who holds the gate T~K removes or replaces K's T.

K itself, to release T, links ``T~K``, checks that T is still its own, unlinks T,
and unlinks the gate.  W, to steal T from K, links its own file to ``T~K``, looks
afresh whether T is K's and K is dead, and renames the gate onto T, which in one
step puts W's file in the place of K's and opens the gate.  If T is not K's any
more, or K does live, W just unlinks the gate.  Behind its gate the lock cannot
change hands, so what was checked stays true until it is acted upon; and as the
gate names the holder, a gate made too late, when T is another's already, hinders
nobody.  The verdict "K is dead" may be wrong.  K then learns when it releases T
that it was stolen, and touches nothing.

A gate is itself a name with a maker, that may die before it opens the gate.  Then
the gate is removed as any lock would be, behind its own gate ``T~K~W``, and so on.
But who opens a gate of its own does not shut another one first, so here the
verdict must not be wrong: only the gate of a worker that is *certainly gone*, not
just silent, is broken.

How a worker knows that a name is still its own: its file's link count.  The
count is one, and one more for each lock and gate that it has made; only theft
makes it less.  When call and count agree, which costs one fstat, nothing else
needs to be read.  When they do not, because something was stolen, or a network
file system lost the answer of a call that was carried out and says of the worker's
own link that the name exists already, the names themselves are read.

If a worker finds somebody else behind the gate of its own lock, then it is being
stolen from, or a thief has just found it alive.  It does not wait for the
outcome: it *owes* that lock, and tries to release it again later.

Nothing here touches a file.  `Folder` is what a driver has to provide; a test
drives this same code through every interleaving of two and three workers that
crash, and call each other dead, at any step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

__all__ = ["Folder", "Leases", "gate_of"]

_UNKNOWN: Final = -1_000_000
"""A count that no file has, however many names are made after it."""


class Folder(Protocol):
    """The directory of locks, as one worker acts on it."""

    is_certain: bool
    """Whether no answer is ever lost, as none is on a local disk."""

    def link(self, name: str) -> bool:
        """Give the worker's own file one more name; return False if that name is taken."""

    def link_count(self) -> int:
        """Return how many names the worker's own file has."""

    def unlink(self, name: str) -> None:
        """Remove a name; that it is gone already does not matter."""

    def rename(self, name: str, onto: str) -> None:
        """Put one name in the place of another; that it was done already does not matter."""

    def maker(self, name: str) -> str | None:
        """Return which worker made the name, read afresh, None if there is no such name."""

    def is_dead(self, worker: str) -> bool:
        """Return whether the worker seems dead; this may be wrong."""

    def is_gone(self, worker: str) -> bool:
        """Return whether the worker will certainly never act again."""


class Leases:
    """The locks of one worker, and what it may do with them and with others'."""

    __slots__ = ("count", "folder", "held", "owed", "worker")

    def __init__(self, folder: Folder, worker: str) -> None:
        self.folder = folder
        self.worker = worker
        self.held: set[str] = set()
        """The locks that are this worker's, as far as it knows."""
        self.owed: set[str] = set()
        """Those of them that it has given up and could not release yet."""
        self.count = 1
        """How many names its own file has if nothing was stolen."""

    def take(self, name: str) -> bool:
        """Take a lock that is free; return whether it was."""
        if name in self.held and name not in self.owed:
            return False
        linked = self.folder.link(name)
        if not linked and self.folder.maker(name) != self.worker:
            return False
        is_as_told = linked and name not in self.held  # else it was stolen, or an answer lost
        self.held.add(name)
        self.owed.discard(name)
        self.count += linked
        if not is_as_told or not (self.folder.is_certain or self.folder.link_count() == self.count):
            self._recount()
        return name in self.held

    def holds(self, name: str) -> bool:
        """Return whether the lock is still this worker's own."""
        mine = name in self.held and name not in self.owed
        return mine and self.folder.maker(name) == self.worker

    def release(self, name: str) -> bool:
        """Give a lock back; return False if it was lost, or is being lost."""
        if name not in self.held:
            return False
        gate = gate_of(name, self.worker)
        if not self._shut(gate):
            self.owed.add(name)
            return False
        if self.folder.link_count() != self.count:
            self._recount()
        mine = name in self.held
        if mine:
            self.folder.unlink(name)
            self.count -= 1
            self.held.discard(name)
            self.owed.discard(name)
        self._open(gate)
        return mine

    def settle(self) -> None:
        """Try again to release what is owed."""
        for name in tuple(self.owed):
            self.release(name)

    def steal(self, name: str, holder: str) -> bool:
        """Take a lock over from a worker that seems dead; return whether that was done."""
        gate = gate_of(name, holder)
        if not self._shut_for(name, holder, self.folder.is_dead):
            return False
        self.folder.rename(gate, name)
        self.held.add(name)
        self.owed.discard(name)
        if self.folder.link_count() != self.count:
            self._recount()
        return name in self.held

    def clear(self, name: str, holder: str) -> bool:
        """Remove a lock or a gate that a worker left behind that is certainly gone."""
        return self._remove(name, holder, self.folder.is_gone)

    def break_(self, name: str, holder: str) -> bool:
        """Remove a lock, whether its holder lives or not; return whether it was there."""
        if holder == self.worker:
            return self.release(name)
        return self._remove(name, holder, lambda _: True)

    def doubt(self) -> None:
        """Distrust the link count after a failed call."""
        self.count = _UNKNOWN

    def _remove(self, name: str, holder: str, verdict: Callable[[str], bool]) -> bool:
        if not self._shut_for(name, holder, verdict):
            return False
        self.folder.unlink(name)
        self._open(gate_of(name, holder))
        return True

    def _shut_for(self, name: str, holder: str, verdict: Callable[[str], bool]) -> bool:
        """Shut the gate of another's name, if it is still his and the verdict still holds."""
        gate = gate_of(name, holder)
        if not self._shut(gate):
            return False
        if self.folder.maker(name) == holder and verdict(holder):
            return True
        self._open(gate)
        return False

    def _shut(self, gate: str, again: bool = True) -> bool:
        if not self.folder.link(gate):
            maker = self.folder.maker(gate)
            if maker != self.worker:
                free = maker is None or (self.folder.is_gone(maker) and self.clear(gate, maker))
                return again and free and self._shut(gate, again=False)
        self.count += 1
        return True

    def _open(self, gate: str) -> None:
        self.folder.unlink(gate)
        self.count -= 1

    def _recount(self) -> None:
        # The count comes first: what is stolen while the names are read shows next time.
        self.count = self.folder.link_count()
        self.held = {name for name in self.held if self.folder.maker(name) == self.worker}
        self.owed &= self.held


def gate_of(name: str, holder: str) -> str:
    """Return the name of the gate before a holder's lock.

    >>> gate_of("b1946ac9", "worker")
    'b1946ac9~worker'
    """
    return f"{name}~{holder}"
