"""The last of what came through one pipe of a worker, in memory that it shares with its supervisor.

The supervisor takes what the worker prints (`jug.execution.outputs`) and puts it here.  So
the worker finds what its task has printed, and the supervisor still has it if the worker
has died.  Its part of the memory is a ring of 64 kB after a head:

    uint64   bytes that were taken from the worker so far
    uint64   how many of them were printed before the task in progress
    uint8    1 while the supervisor takes something that is not here yet
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from mmap import mmap
from struct import Struct
from typing import Final

_COUNT: Final = Struct("<Q")
_HEAD: Final = Struct("<QQB7x")
SIZE: Final = 1 << 16
"""As many bytes of what a task prints are kept."""
ROOM: Final = _HEAD.size + SIZE
"""Bytes of memory that it takes."""


LastOutputs = tuple["LastOutput", "LastOutput"]
"""Of the two pipes that a worker may print into; of one alone, the first is used."""


class LastOutput:
    """The end of what came through a pipe, in a part of some memory.

    >>> output = LastOutput(mmap(-1, ROOM), 0)
    >>> output.put(b"before"), output.begin_task(output.taken), output.put(b"hello")
    (None, None, None)
    >>> output.of_task()
    'hello'
    """

    def __init__(self, memory: mmap, start: int) -> None:
        self._memory = memory
        self._start = start
        self._ring = start + _HEAD.size

    @property
    def taken(self) -> int:
        """How many bytes were taken from the worker so far."""
        count: int = _COUNT.unpack_from(self._memory, self._start)[0]
        return count

    def reset(self) -> None:
        """Begin anew, for another worker."""
        _HEAD.pack_into(self._memory, self._start, 0, 0, 0)

    # The supervisor's side

    @contextmanager
    def taking(self) -> Iterator[None]:
        """Show that something is being taken, until it is here."""
        self._memory[self._start + 2 * _COUNT.size] = 1
        try:
            yield
        finally:
            self._memory[self._start + 2 * _COUNT.size] = 0

    def put(self, data: bytes) -> None:
        """Add what was taken."""
        count = self.taken + len(data)
        data = data[-SIZE:]
        at = (count - len(data)) % SIZE
        first = data[: SIZE - at]
        rest = data[len(first) :]
        self._memory[self._ring + at : self._ring + at + len(first)] = first
        self._memory[self._ring : self._ring + len(rest)] = rest
        _COUNT.pack_into(self._memory, self._start, count)

    # The worker's side

    def begin_task(self, before: int) -> None:
        """Note that a task begins, before which so many bytes were printed."""
        _COUNT.pack_into(self._memory, self._start + _COUNT.size, before)

    def is_being_taken(self) -> bool:
        """Return whether something was taken that is not here yet."""
        return self._memory[self._start + 2 * _COUNT.size] == 1

    def of_task(self) -> str:
        """Return the last that was printed since the task began, as far as it was taken."""
        taken, before, _ = _HEAD.unpack_from(self._memory, self._start)
        length = min(max(0, taken - before), SIZE)
        return self._last(taken, length).decode(errors="backslashreplace")

    def _last(self, taken: int, length: int) -> bytes:
        at = (taken - length) % SIZE
        data = self._memory[self._ring + at : self._ring + min(SIZE, at + length)]
        return data + self._memory[self._ring : self._ring + length - len(data)]


def of_task(outputs: LastOutputs) -> str:
    """Return the last that a task has printed through all pipes, as far as it was taken."""
    return "".join([output.of_task() for output in outputs])
