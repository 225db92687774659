"""All that is known of one task, and the state that it comes to.

A history is a set of events: frames that were written for the task, and removals.
The state is computed from the set as a whole, never from the order in which the
events came.  That is why segments can be read in any order, and again.

- A removal names a frame by its id.  It counts also when it is read before the frame.
- A removal may name *the next frame* of a worker that was running the task.
  That is the one with the lowest id, of all that this worker wrote for the task
  from a given number on.  A worker that notices in time writes a void frame in
  its place, so that a later run of the same task is not taken for it.
- Of several results that are not removed the one with the lowest id counts.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import Final

from jug.backends._file.frames import OF_TASKS, FrameKind
from jug.backends.news import TaskState
from jug.named_tuple import NamedTuple

REMOVED: Final = int(FrameKind.REMOVAL)
NEXT_REMOVED: Final = 255
RESULTS: Final = frozenset({int(FrameKind.RESULT), int(FrameKind.BIG)})
FAILURES: Final = frozenset({int(FrameKind.FAILURE), int(FrameKind.KEPT)})

_EVENT: Final = Struct(">B12sQ")


class Event(NamedTuple):
    """One frame of a task, or one removal."""

    kind: int
    """The frame's kind, or `REMOVED` or `NEXT_REMOVED`."""
    ident: bytes
    """The frame's id; for the removal of a next frame, the lowest that it can have."""
    where: int = 0
    """Where the frame lies."""

    def pack(self) -> bytes:
        """Return it as a part of a packed history."""
        return _EVENT.pack(*self)


class History:
    """The events of one task."""

    __slots__ = ("events",)

    def __init__(self, events: list[Event]) -> None:
        self.events = events

    @classmethod
    def unpack(cls, packed: bytes) -> History:
        """Return the history that was packed."""
        return cls([Event(*event) for event in _EVENT.iter_unpack(packed)])

    def pack(self) -> bytes:
        """Return the events as bytes: there may be very many histories."""
        return b"".join([_EVENT.pack(*event) for event in self.events])

    # Changing it

    def add(self, event: Event) -> None:
        """Add an event; of one that is known already the new place counts."""
        key = event[:2]
        self.events = [known for known in self.events if known[:2] != key]
        self.events.append(event)

    def move(self, ident: bytes, where: int) -> None:
        """Note that a frame lies elsewhere now."""
        self.events = [
            event._replace(where=where)
            if event.ident == ident and event.kind in OF_TASKS
            else event
            for event in self.events
        ]

    def forget(self, is_gone: Callable[[int], bool]) -> None:
        """Forget the frames at these places."""
        self.events = [
            event for event in self.events if event.kind not in OF_TASKS or not is_gone(event.where)
        ]

    # What it comes to

    def live(self) -> list[Event]:
        """Return the results and failures that are not removed."""
        gone = {event.ident for event in self.events if event.kind == REMOVED}
        if any(event.kind == NEXT_REMOVED for event in self.events):
            gone.update(target for _, target in self._next_removed() if target is not None)
        return [
            event
            for event in self.events
            if event.kind in OF_TASKS and event.ident not in gone and event.kind != FrameKind.VOID
        ]

    def state(self) -> TaskState:
        """Return the state: a result is known by its frame's id, and so is a failure."""
        live = self.live()
        return TaskState(
            min((event.ident for event in live if event.kind in RESULTS), default=None),
            frozenset(event.ident for event in live if event.kind in FAILURES),
            sum(event.kind == NEXT_REMOVED for event in self.events),
        )

    def _next_removed(self) -> list[tuple[bytes, bytes | None]]:
        """Return which frame each removal of a next frame means, None if it is not known yet."""
        idents = [event.ident for event in self.events if event.kind != NEXT_REMOVED]
        return [
            (
                event.ident,
                min(
                    (i for i in idents if i[:8] == event.ident[:8] and i >= event.ident),
                    default=None,
                ),
            )
            for event in self.events
            if event.kind == NEXT_REMOVED
        ]

    def next_ident(self, worker: bytes) -> bytes:
        """Return the lowest id that a further frame of this worker can have."""
        numbers = [
            int.from_bytes(event.ident[8:], "big")
            for event in self.events
            if event.ident[:8] == worker and event.kind != NEXT_REMOVED
        ]
        return worker + (max(numbers, default=-1) + 1).to_bytes(4, "big")

    def expects_removed(self, worker: bytes) -> bool:
        """Return whether the next frame of this worker is removed already."""
        return any(
            lowest[:8] == worker and target is None for lowest, target in self._next_removed()
        )

    def has_next_removed(self, worker: bytes) -> bool:
        """Return whether a removal names the next frame of this worker."""
        return any(
            event.kind == NEXT_REMOVED and event.ident[:8] == worker for event in self.events
        )


def removes_next(packed: bytes) -> bool:
    """Return whether there is the removal of a next frame in a packed history."""
    return NEXT_REMOVED in packed[:: _EVENT.size]


def packed_removal(ident: bytes, where: int = 0) -> bytes:
    """Return the packed history of a removed frame: of the result that lies there, if it is known.

    >>> History.unpack(packed_removal(b"worker..0001", where=7)).live()
    []
    """
    removed = _EVENT.pack(REMOVED, ident, 0)
    return _EVENT.pack(FrameKind.RESULT, ident, where) + removed if where else removed


def only_removed(packed: bytes) -> tuple[bytes, int] | None:
    """Return the id and the place of the result if nothing is known but that it was removed.

    It is the history of nearly all tasks that have one, after many were invalidated.

    >>> only_removed(packed_removal(b"worker..0001", where=7))
    (b'worker..0001', 7)
    """
    if len(packed) != 2 * _EVENT.size or packed[_EVENT.size] != REMOVED:
        return None
    kind, ident, where = _EVENT.unpack_from(packed)
    return (ident, where) if kind in RESULTS and packed == packed_removal(ident, where) else None
