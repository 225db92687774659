"""What a run of a task leaves behind, beside its result.

A record travels in the same frame as its result, so it must cost little and be
able to grow.  It is packed: fixed numbers first, then any number of fields,
each a tag, a length and UTF-8 text.  A reader skips tags that it does not know,
so a later version may add fields without a new format.

    start      float64   seconds since the epoch, by the clock of the worker's host
    duration   float64   seconds
    size       uint64    bytes of the encoded result
    memory     uint64    peak memory of the worker so far in bytes, 0 if not measured
    fields     (tag uint8, length uint32, text)*

All numbers are little-endian.
"""

from __future__ import annotations

from struct import Struct
from typing import Any, Final, NamedTuple

Buffer = bytes | bytearray | memoryview
"""Anything that bytes can be read from."""

_NUMBERS: Final = Struct("<ddQQ")
_FIELD: Final = Struct("<BI")
_FIRST: Final = Struct("<ddQQBI")

# In the order of the fields of a record, of which the name comes first.
_TAGS: Final = {1: "name", 2: "code", 3: "exception", 4: "traceback", 5: "worker"}


class Record(NamedTuple):
    """One run of one task.

    >>> record = Record("primes.is_prime", start=1.5, duration=0.25, size=24)
    >>> unpack(pack(record)) == record
    True
    """

    name: str = ""
    """The task's name, module and function."""
    start: float = 0.0
    """When it began, in seconds since the epoch."""
    duration: float = 0.0
    """How long it took, in seconds."""
    size: int = 0
    """Bytes of the encoded result."""
    memory: int = 0
    """Peak memory of the process in bytes, 0 where it was not measured."""
    code: str = ""
    """A fingerprint of the function's code."""
    exception: str = ""
    """For a failure, the exception's type and message."""
    traceback: str = ""
    """For a failure, the traceback of the user's own code."""
    worker: str = ""
    """Who ran it: the worker's id, which the store resolves to host and process."""

    def as_dict(self) -> dict[str, Any]:
        """Return the fields that say something, for ``--json``."""
        return {name: given for name, given in self._asdict().items() if given not in ("", 0)}


def pack(record: Record) -> bytes:
    """Return the record as bytes."""
    name, start, duration, size, memory, *texts = record
    data = name.encode("utf-8", "backslashreplace")
    packed = _FIRST.pack(start, duration, size, memory, 1, len(data)) + data
    for tag, text in enumerate(texts, start=2):
        if text:
            data = text.encode("utf-8", "backslashreplace")
            packed += _FIELD.pack(tag, len(data)) + data
    return packed


def unpack(data: Buffer) -> Record:
    """Return the record that `pack` was given."""
    start, duration, size, memory = _NUMBERS.unpack_from(data)
    texts: dict[str, str] = {}
    at = _NUMBERS.size
    while at < len(data):
        tag, length = _FIELD.unpack_from(data, at)
        at += _FIELD.size
        if tag in _TAGS:
            texts[_TAGS[tag]] = str(data[at : at + length], "utf-8")
        at += length
    return Record(start=start, duration=duration, size=size, memory=memory, **texts)
