"""From a value to its encoding, without recursion.

A walk runs encoders on a stack of its own, so that neither a list nested a
million deep nor a chain of objects meets Python's recursion limit.

Equal values must be encoded alike however they are laid out in memory.  So what
was seen is remembered for speed alone: the second occurrence of an object is
encoded as the first, and as an equal copy would be.  Only an object that is
inside itself needs another way: it is encoded as the number of steps back up
to it.  The parts of such a loop look different seen from elsewhere, so they are
not remembered.

An object whose parts hold ever new objects of its own class has no end.  No memory
holds what a walk would keep of it, so beyond a depth it is given up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from jug.errors import HashError
from jug.hash.containers import (
    NESTED,
    Encoder,
    Hidden,
    atoms,
    encoders,
    leaves,
    looked_into,
    plain,
    small,
)
from jug.hash.framing import length
from jug.wording import an

_NEVER: Final = 1 << 62
_DEEP: Final = 200_000
"""At each multiple of this depth a walk looks whether one class makes up a quarter of it."""
_CONTAINERS: Final = (Hidden, list, tuple, dict, set, frozenset)
_TANGLED: Final = 100_000
"""So often nothing is met again inside loops but by going round and round."""


def encoding_of(value: Any) -> bytes:
    """Return the encoding of a value in which tasks may stand."""
    leaf = leaves.get(type(value))
    if leaf is not None:
        return leaf(value)
    encode = plain.get(type(value))
    encoding = encode(value, leaves, NESTED) if encode is not None else None
    return encoding if encoding is not None else Walk().encoding_of(value)


class _Frame:
    """A value whose encoder waits for the encoding of what it holds."""

    __slots__ = ("depth", "inside", "loop", "send", "value")

    def __init__(self, value: Any, encoder: Encoder, depth: int, inside: bool) -> None:
        self.value = value
        self.send = encoder(value).send
        self.depth = depth
        self.inside = inside
        """Whether jug looks for tasks in what this value holds."""
        self.loop = _NEVER
        """The least depth that something inside refers back to."""


class Walk:
    """One encoding of one value; ``special`` has encoders for this walk alone."""

    def __init__(self, special: Mapping[type, Encoder] | None = None) -> None:
        self.special = special or {}
        self.frames: list[_Frame] = []
        self.path: dict[int, int] = {}
        self.known: dict[tuple[int, bool], tuple[Any, bytes]] = {}
        self.in_loops: dict[int, Any] = {}
        self.met_again = 0

    def encoding_of(self, value: Any, inside: bool = True) -> bytes:
        """Return the value's encoding; `inside` says whether tasks may stand in it."""
        frames = self.frames
        reply = self._enter(value, inside)
        while frames:
            frame = frames[-1]
            try:
                value = frame.send(reply)  # type: ignore[arg-type]  # None begins
            except StopIteration as end:
                reply = self._leave(frame, end.value)
            else:
                table = leaves if frame.inside else atoms
                leaf = table.get(type(value))
                reply = leaf(value) if leaf is not None else small(value, table)
                if reply is None:
                    reply = self._enter(value, frame.inside)
        assert reply is not None
        return reply

    def _enter(self, value: Any, inside: bool) -> bytes | None:
        """Return what is known of the value, or begin to encode it and return None."""
        encoder = self._encoder(type(value))
        if encoder is None:
            return self._leaf(value, inside)
        at = self.path.get(id(value))
        if at is not None:
            self.frames[-1].loop = min(self.frames[-1].loop, at)
            return b"^" + length(len(self.frames) - at)
        inside = inside and encoder in looked_into
        known = self.known.get((id(value), inside))
        if known is not None:
            return known[1]
        if self.frames and len(self.frames) % _DEEP == 0:
            self._give_up_if_endless()
        self.path[id(value)] = len(self.frames)
        self.frames.append(_Frame(value, encoder, len(self.frames), inside))
        return None

    def _give_up_if_endless(self) -> None:
        classes = Counter(type(frame.value) for frame in self.frames).most_common()
        cls, count = next((found for found in classes if found[0] not in _CONTAINERS), (object, 0))
        if count > _DEEP // 4:
            raise HashError(
                f"{an(cls.__qualname__)} is made of {count} others, each inside the one before, and"
                " seems to have no end: give its class a __jug_hash__ method, or register its type"
                " with jug.hash.register"
            )

    def _encoder(self, cls: type) -> Encoder | None:
        known = self.special.get(cls) or encoders.get(cls)
        if known is not None:
            return known
        from jug.hash.objects import resolve  # few programs have other arguments than Python's

        return resolve(cls)

    def _leave(self, frame: _Frame, encoding: bytes) -> bytes:
        """Go back to what holds the value that is now encoded."""
        self.frames.pop()
        del self.path[id(frame.value)]
        if frame.loop > frame.depth:
            self.known[id(frame.value), frame.inside] = (frame.value, encoding)
            return encoding
        if frame.loop < frame.depth:
            self.frames[-1].loop = min(self.frames[-1].loop, frame.loop)
        self._count(frame.value)
        return encoding

    def _count(self, value: Any) -> None:
        """Count what is met again inside a loop, where the ways round may be without end."""
        if id(value) not in self.in_loops:
            self.in_loops[id(value)] = value
            return
        self.met_again += 1
        if self.met_again > _TANGLED:
            raise HashError(
                f"{type(value).__qualname__!r} objects refer to each other in too many ways"
                " to be followed: give their class a __jug_hash__ method"
            )

    def _leaf(self, value: Any, inside: bool) -> bytes:
        leaf = (leaves if inside else atoms).get(type(value))
        if leaf is None:
            raise self._out_of_sight(value)
        return leaf(value)

    def _out_of_sight(self, task: Any) -> HashError:
        name = getattr(task, "name", None) or type(task).__qualname__
        holder = next((frame.value for frame in self.frames if not frame.inside), None)
        if isinstance(holder, Hidden):
            where = holder.place
        else:
            where = an(type(holder).__qualname__)
        return HashError(
            f"task {name!r} is inside {where}, where jug does not look for tasks:"
            " pass it in a list, a tuple or the values of a dict"
        )
