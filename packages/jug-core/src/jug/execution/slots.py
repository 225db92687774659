"""What a supervisor can see of its workers while they compute.

A few bytes of memory that all of them share, in a file that is open in each: it
works whether a worker was forked or started anew, costs a worker no system
call, and can be read while a task holds the interpreter's lock.  On Linux the file is in
memory too; elsewhere its room is taken at once, since to write where a disk has no room
would end the process that does it.

    byte 0         1 once no further task is to be started, 2 if only because a user wants it so
    byte 1         1 if somebody wants to know how far the tasks are
    from byte 8    float64: when a worker may next say so, by the monotonic clock
    from byte 16   uint64: how many tasks the jugfile made, as far as a worker has said
    from byte 64   the tasks of which workers died, in 392 bytes
    after these    a slot for each worker, of 264 bytes:
      float64      the deadline of its function by the monotonic clock, 0 for none
      float64      the time limit of the task in seconds
      float64      since when it has the task, in seconds since the epoch
      float64      the same by the monotonic clock
      uint32       how often the task is to be tried again
      uint32       length of the name
      20 bytes     the task's digest, zeros for no task
      202 bytes    the task's name, as much as fits, or that of the last; none before the first
      uint8        1 once it is in the tally, or will not be
      uint8        1 while the worker may have taken another task that it does not show yet
    after these    a tally for each worker, of 16 kB
    after these    the last of each worker's output and of its errors, of 64 kB and a little each
    after these    for each worker what it takes of the machine, in 24 bytes
    after these    for each worker the arguments of a task in short, of 256 bytes:
      20 bytes     the task's digest; they are those of no other task
      uint32       length of the arguments
      the rest     the arguments, as much as fits
"""

from __future__ import annotations

import mmap
import os
import time
from functools import lru_cache
from struct import Struct
from typing import Any, Final

from jug.execution.deaths import DEADLY, Deaths
from jug.execution.last_output import ROOM, LastOutput, LastOutputs
from jug.execution.shares import Share, Shares
from jug.execution.tally import Tally, added
from jug.named_tuple import NamedTuple
from jug.progress import Spent

NO_TASK: Final = bytes(20)

_SLOT: Final = Struct("<ddddII20s202sBB")
_TIME: Final = Struct("<d")
_COUNT: Final = Struct("<Q")
_NEXT_REPORT: Final = 8
_TOLD: Final = 16
_DIGEST: Final = slice(40, 60)
_DEATHS: Final = 64
_FIRST: Final = _DEATHS + Deaths.SIZE
_NAME: Final = 202
_IS_COUNTED: Final = 262
_IS_TAKING: Final = 263
_TALLY: Final = 1 << 14
_ARGUMENTS: Final = Struct("<I232s")
_BEFORE_SHARES: Final = _SLOT.size + _TALLY + 2 * ROOM
_PER_WORKER: Final = _BEFORE_SHARES + Shares.SIZE + len(NO_TASK) + _ARGUMENTS.size

_UNUSED: Final = (0.0, 0.0, 0.0, 0.0, 0, 0, NO_TASK, b"", 0, 0)


@lru_cache(maxsize=1000)
def _shown(name: str) -> bytes:
    """Return as much of a name as is shown."""
    return name.encode("utf-8", "backslashreplace")[:_NAME]


class Running(NamedTuple):
    """What a worker shows that it is running."""

    deadline: float
    limit: float
    since: float
    """When the worker took the task, in seconds since the epoch."""
    began: float
    """The same by the monotonic clock."""
    retries: int
    digest: bytes
    name: str
    """The name of the task, or that of the last one; empty before the first."""

    @property
    def title(self) -> str:
        """Its name with the first digits of its hash, as its arguments are not known here."""
        return f"{self.name} ({self.digest.hex()[:12]})"


class WorkerSlots:
    """The shared bytes.

    >>> slots = WorkerSlots.for_workers(2)
    >>> slots.running(1).digest == NO_TASK, slots.is_stopped()
    (True, False)
    >>> slots.close()
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._bytes = mmap.mmap(descriptor, 0)
        self.count = (len(self._bytes) - _FIRST) // _PER_WORKER
        self.deaths = Deaths(self._bytes, _DEATHS)
        shares = _FIRST + self.count * _BEFORE_SHARES
        self.shares = Shares(self._bytes, shares, self.count, descriptor)

    @classmethod
    def for_workers(cls, count: int) -> WorkerSlots:
        """Return a slot for each worker."""
        size = _FIRST + count * _PER_WORKER
        if hasattr(os, "memfd_create"):
            descriptor = os.memfd_create("jug")
            os.ftruncate(descriptor, size)
            return cls(descriptor)
        from tempfile import TemporaryFile  # which is slow to import

        with TemporaryFile() as file:
            file.write(bytes(size))
            file.flush()
            return cls(os.dup(file.fileno()))

    def stop(self) -> None:
        """Let no worker start a further task."""
        self._bytes[0] = 1

    def drain(self) -> None:
        """Let no worker start a further task, as the user wants it so."""
        self._bytes[0] = self._bytes[0] or 2

    def is_stopped(self) -> bool:
        """Return whether no further task is to be started."""
        return self._bytes[0] != 0

    def is_drained(self) -> bool:
        """Return whether no further task is to be started as the user wants it so."""
        return self._bytes[0] == 2

    def watch(self) -> None:
        """Let workers say how far the tasks are."""
        self._bytes[1] = 1

    def is_watched(self) -> bool:
        """Return whether workers are to say how far the tasks are."""
        return self._bytes[1] == 1

    def claim_report(self, now: float, seconds: float) -> bool:
        """Return whether no worker has spoken for all of them; none will for so long then."""
        (due,) = _TIME.unpack_from(self._bytes, _NEXT_REPORT)
        if now < due:
            return False
        _TIME.pack_into(self._bytes, _NEXT_REPORT, now + seconds)
        return True

    def delay_report(self, until: float) -> None:
        """Let no worker speak before then, if it was to earlier."""
        (due,) = _TIME.unpack_from(self._bytes, _NEXT_REPORT)
        _TIME.pack_into(self._bytes, _NEXT_REPORT, max(due, until))

    def claim_reading(self, tasks: int) -> bool:
        """Return whether no worker has spoken yet that has read the jugfile as far."""
        (known,) = _COUNT.unpack_from(self._bytes, _TOLD)
        if tasks > known:
            _COUNT.pack_into(self._bytes, _TOLD, tasks)
        return bool(tasks > known)

    def publish(self, slot: int, task: Any) -> float:
        """Show which task a worker has taken, and when: it loads, runs and saves it.

        Return when that was, by the monotonic clock.
        """
        name, options, now = _shown(task.name), task.options, time.monotonic()
        _SLOT.pack_into(
            self._bytes, _FIRST + slot * _SLOT.size,
            0.0, options.timeout or 0.0, time.time(), now, options.retries, len(name),
            task.digest, name, 0, 0,
        )  # fmt: skip
        return now

    def note_taking(self, slot: int) -> None:
        """Show that a worker tries to take a task, until it shows which or that it has none."""
        self._bytes[_FIRST + slot * _SLOT.size + _IS_TAKING] = 1

    def note_counted(self, slot: int) -> None:
        """Show that the task which a worker has run is in its tally, if it is to be."""
        self._bytes[_FIRST + slot * _SLOT.size + _IS_COUNTED] = 1

    def set_deadline(self, slot: int, seconds: float | None) -> None:
        """Show that the task's function has so long from now on, None for any time."""
        deadline = 0.0 if seconds is None else time.monotonic() + seconds
        _TIME.pack_into(self._bytes, _FIRST + slot * _SLOT.size, deadline)

    def clear(self, slot: int) -> None:
        """Show that a worker runs nothing, and takes nothing of the machine."""
        start = _FIRST + slot * _SLOT.size
        self._bytes[start + _DIGEST.start : start + _DIGEST.stop] = NO_TASK
        self._bytes[start + _IS_TAKING] = 0
        self.set_deadline(slot, None)
        self.shares.show(slot, Share())

    def reset(self, slot: int) -> None:
        """Show that a worker has run nothing yet."""
        self.shares.show(slot, Share())
        _SLOT.pack_into(self._bytes, _FIRST + slot * _SLOT.size, *_UNUSED)

    def running(self, slot: int) -> Running:
        """Return what a worker runs."""
        fields = _SLOT.unpack_from(self._bytes, _FIRST + slot * _SLOT.size)
        deadline, limit, since, began, retries, length, digest, name, *_ = fields
        text = name[:length].decode(errors="replace")
        return Running(deadline, limit, since, began, retries, digest, text)

    def show_arguments(self, slot: int, digest: bytes, arguments: str) -> None:
        """Show the arguments of the task that a worker has taken, in short."""
        encoded, place = arguments.encode("utf-8", "backslashreplace"), self._arguments_of(slot)
        text = place + len(NO_TASK)
        self._bytes[place:text] = NO_TASK
        _ARGUMENTS.pack_into(self._bytes, text, len(encoded), encoded)
        self._bytes[place:text] = digest  # now they are whole

    def arguments(self, slot: int, digest: bytes) -> str | None:
        """Return the arguments of a worker's task in short, None if it has not shown them."""
        place = self._arguments_of(slot)
        text = place + len(NO_TASK)
        if self._bytes[place:text] != digest:
            return None
        length, encoded = _ARGUMENTS.unpack_from(self._bytes, text)
        return (
            str(encoded[:length], "utf-8", "ignore") if self._bytes[place:text] == digest else None
        )

    def _arguments_of(self, slot: int) -> int:
        return len(self._bytes) - (self.count - slot) * (len(NO_TASK) + _ARGUMENTS.size)

    def is_anybody_busy(self) -> bool:
        """Return whether a worker runs a task, or may have taken one that it does not show yet."""
        takes = (self._bytes[_FIRST + n * _SLOT.size + _IS_TAKING] for n in range(self.count))
        return any(takes) or bool(self.digests())

    def tally(self, slot: int) -> Tally:
        """Return what the workers of a slot have run, by name."""
        start = _FIRST + self.count * _SLOT.size + slot * _TALLY
        return Tally(self._bytes, start, start + _TALLY)

    def last_outputs(self, slot: int) -> LastOutputs:
        """Return the last of what the worker of a slot printed through each of its pipes."""
        start = _FIRST + self.count * (_SLOT.size + _TALLY) + slot * 2 * ROOM
        return LastOutput(self._bytes, start), LastOutput(self._bytes, start + ROOM)

    def executed(self) -> dict[str, Spent]:
        """Return what all workers have run so far, by name."""
        return added(self.tally(slot).read() for slot in range(self.count))

    def digests(self) -> set[bytes]:
        """Return the tasks that workers run."""
        return {self.running(slot).digest for slot in range(self.count)} - {NO_TASK}

    def digests_beside(self, slot: int) -> set[bytes]:
        """Return the tasks that workers run but for that of a slot."""
        return {self._digest_at(start) for start in self._beside(slot)} - {NO_TASK}

    def uncounted_beside(self, slot: int) -> set[bytes]:
        """Return those of these tasks that are in no tally yet: some are saved already."""
        starts = [start for start in self._beside(slot) if not self._bytes[start + _IS_COUNTED]]
        return {self._digest_at(start) for start in starts} - {NO_TASK}

    def _beside(self, slot: int) -> list[int]:
        return [_FIRST + n * _SLOT.size for n in range(self.count) if n != slot]

    def _digest_at(self, start: int) -> bytes:
        return self._bytes[start + _DIGEST.start : start + _DIGEST.stop]

    def is_on_trial(self, digest: bytes, slot: int) -> bool:
        """Return whether a task that the worker of a slot has taken may prove to be deadly.

        So it is if as many workers died of it as may, with those that still show it.
        """
        if not self.deaths.of(digest):
            return False
        others = (other for other in range(self.count) if other != slot)
        showing = sum(self.running(other).digest == digest for other in others)
        # The deaths come last: each is counted before its slot is cleared.
        return self.deaths.of(digest) + showing >= DEADLY

    def close(self) -> None:
        """Let go of the memory."""
        self._bytes.close()
        os.close(self.descriptor)
