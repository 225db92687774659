"""What each worker of a command takes of their machine, in memory that all of them share.

A worker looks at what the others take and then shows what it takes itself.  That these two
are one step is seen to by a lock on the file behind the memory, which the system takes away
from a process that dies; what it has taken is cleared by the supervisor.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from mmap import mmap
from struct import Struct
from typing import Final

from jug.errors import JugError
from jug.named_tuple import NamedTuple

_SHARE: Final = Struct("<QQQ")


class Share(NamedTuple):
    """What a worker takes."""

    cpus: int = 0
    memory: int = 0
    """In bytes."""
    gpus: int = 0
    """A bit for each that it has, by its place among those of the command."""


class Shares:
    """The shares of all workers, in a part of some memory; zeros are none.

    >>> shares = Shares(mmap(-1, 2 * Shares.SIZE), 0, 2)
    >>> shares.show(1, Share(cpus=4))
    >>> [share.cpus for share in shares.all()]
    [0, 4]
    """

    SIZE: Final = _SHARE.size

    def __init__(self, memory: mmap, start: int, count: int, descriptor: int = -1) -> None:
        self.count = count
        self._memory = memory
        self._start = start
        self._descriptor = descriptor

    def all(self) -> list[Share]:
        """Return what each worker takes, by slot."""
        end = self._start + self.count * _SHARE.size
        return [Share(*one) for one in _SHARE.iter_unpack(self._memory[self._start : end])]

    def show(self, slot: int, share: Share) -> None:
        """Show what the worker of a slot takes."""
        _SHARE.pack_into(self._memory, self._start + slot * _SHARE.size, *share)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Let no other worker take anything meanwhile."""
        import fcntl  # where there is none, there is one worker

        try:
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX)
        except OSError as error:
            raise JugError(
                f"this worker can't share its machine any more ({error.strerror}): "
                "a task has closed files that it did not open"
            ) from None
        try:
            yield
        finally:
            fcntl.lockf(self._descriptor, fcntl.LOCK_UN)
