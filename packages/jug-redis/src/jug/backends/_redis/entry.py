"""A frame as redis keeps it.

An entry is what lies under a task's digest: a header, the packed record, and
the encoded result if it is small.  A larger result is a *blob*, a hash of its
own whose fields 0, 1, … are its chunks, since redis takes no value of more than
512 MB; the entry names it by the frame's id, which is worker and number.  The id
also tells a commit that is tried again from a second result.

    worker     8 bytes   who saved it
    number     uint32    counted by the worker
    kind       uint8     `jug.backends.base.Kind`
    chunks     uint32    0: the result is in the entry itself
    size       uint64    bytes of the encoded result
    record     uint32    bytes of the record
    the record, and the result if there are no chunks

All numbers are little-endian.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from struct import Struct
from struct import error as StructError
from typing import Final, NamedTuple, Self

from jug.backends.base import Buffer, Frame, Kind
from jug.errors import DamagedResult

_HEADER: Final = Struct("<12sBIQI")
_ID: Final = Struct("<8sI")
_LENGTH: Final = Struct("<I")

ID_SIZE: Final = _ID.size

INLINE: Final = 1024
"""Results up to this size are stored inline in the index."""


class Entry(NamedTuple):
    """What lies under a task's digest."""

    id: bytes
    kind: Kind
    chunks: int
    size: int
    record: bytes
    inline: bytes

    @classmethod
    def of(cls, frame: Frame, worker: str, number: int, chunk_bytes: int) -> Self:
        """Return the entry of a worker's frame.

        >>> frame = Frame(Kind.RESULT, b"", b"record", [b"re", b"sult"])
        >>> entry = Entry.of(frame, "0123456789abcdef", 7, chunk_bytes=4)
        >>> entry.chunks, entry.size, entry.inline
        (0, 6, b'result')
        >>> entry.worker
        '0123456789abcdef'
        """
        size = sum(piece.nbytes for piece in map(_bytes, frame.payload))
        chunks = 0 if size <= INLINE else -(-size // chunk_bytes)
        inline = b"" if chunks else b"".join(frame.payload)
        id = _ID.pack(bytes.fromhex(worker), number)
        return cls(id, frame.kind, chunks, size, frame.record, inline)

    @property
    def worker(self) -> str:
        """The id of the worker that saved it."""
        return self.id[:8].hex()

    def pack(self) -> bytes:
        """Return the entry as bytes."""
        header = _HEADER.pack(self.id, self.kind, self.chunks, self.size, len(self.record))
        return header + self.record + self.inline

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        """Return the entry that was packed."""
        try:
            id, kind, chunks, size, length = _HEADER.unpack_from(data)
            start = _HEADER.size + length
            entry = cls(id, Kind(kind), chunks, size, data[_HEADER.size : start], data[start:])
        except (StructError, ValueError) as error:
            raise DamagedResult(f"its entry has a damaged header ({error})") from error
        if len(data) < start or (not chunks and len(entry.inline) != size):
            raise DamagedResult(f"its entry has {len(data)} bytes, which is not what was written")
        return entry


def pack_run(worker: str, number: int, record: bytes) -> bytes:
    """Return a run that does not count, as it is remembered.

    >>> list(unpack_runs(b"\\x16\\0\\0\\0" + pack_run("0123456789abcdef", 7, b"0123456789")))
    [('0123456789abcdef', b'0123456789')]
    """
    return _ID.pack(bytes.fromhex(worker), number) + record


def unpack_runs(packed: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the worker and the record of each run of a task that is remembered."""
    at = 0
    while at + _LENGTH.size <= len(packed):
        (length,) = _LENGTH.unpack_from(packed, at)
        start, at = at + _LENGTH.size, at + _LENGTH.size + length
        yield packed[start : start + 8].hex(), packed[start + ID_SIZE : at]


def chunks(payload: Sequence[Buffer], size: int) -> Iterator[Buffer]:
    """Yield the bytes of some buffers in chunks of a size, copying only what spans two buffers.

    >>> [bytes(chunk) for chunk in chunks([b"abc", b"defgh"], 4)]
    [b'abcd', b'efgh']
    """
    parts: list[memoryview] = []
    room = size
    for piece in map(_bytes, payload):
        while len(piece) >= room:
            yield _joined([*parts, piece[:room]])
            piece, parts, room = piece[room:], [], size
        if piece:
            parts.append(piece)
            room -= len(piece)
    if parts:
        yield _joined(parts)


def _bytes(buffer: Buffer) -> memoryview:
    return memoryview(buffer).cast("B")


def _joined(parts: list[memoryview]) -> Buffer:
    return parts[0] if len(parts) == 1 else b"".join(parts)
