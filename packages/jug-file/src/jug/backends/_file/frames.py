"""How a frame lies in a segment, byte by byte; the page docs/file-format.md says the same.

A segment begins with its head and goes on with frames, one after another.  A
frame is written by one call, so it is there whole, or torn at the end of the
file.  What a frame says never depends on where it lies: it is named by an id,
the worker that wrote it and a number that this worker counts up.  So a frame may
be copied to another segment and stays the same frame.

The checksum starts from the segment's name.  A result may contain the bytes of
another segment, or a disk may show old blocks after a power cut; such bytes are
never taken for frames of this segment.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum
from struct import Struct
from typing import Final
from zlib import crc32

from jug.backends.base import Buffer
from jug.errors import StoreFormatError
from jug.named_tuple import NamedTuple

MAGIC: Final = b"\xf9jug"
HEADER: Final = Struct("<4sIII12sB20s")
"""Magic, checksum, length of what follows, length of the record, id, kind, digest."""

BRIEF: Final = Struct("<4sII16xB20s")
"""The same without the length of the record and the id."""

CHECKED_FROM: Final = 8
"""Where in a frame the checksum begins: it covers all but itself and the magic."""

IDENT_SIZE: Final = 12
"""Bytes of an id: 8 of the worker, 4 of the number."""

IDENT_AT: Final = 16
"""Where in a frame the id lies."""

DIGEST_AT: Final = 29
"""Where in a frame the digest lies."""

LONGEST: Final = 1 << 24
"""No frame is longer than this: a greater length is damage."""

_START: Final = Struct("<4sI")
_REST: Final = Struct("<II12sB20s")
_HEAD: Final = Struct("<8sHHI")
_HEAD_MAGIC: Final = b"\xf9jugseg\n"
_MAJOR: Final = 1
_MINOR: Final = 0
_BIG: Final = Struct("<Q")
_REMOVAL: Final = Struct("<20s12sB")
_COVER: Final = Struct("<QB")

HEAD_SIZE: Final = _HEAD.size
NO_TASK: Final = bytes(20)


class FrameKind(IntEnum):
    """What a frame says; the first three are those of `jug.backends.base.Kind`."""

    RESULT = 1
    FAILURE = 2
    KEPT = 3
    BIG = 4
    """A result that lies in a file of its own: the payload is its size and name."""
    VOID = 5
    """A run whose result was removed before it was saved."""
    REMOVAL = 6
    """Frames that count no more: the payload names them."""
    WORKER = 7
    """What the worker says of itself, as JSON."""
    END = 8
    """The worker has ended well: it writes no further frame.  The payload says when, as JSON."""
    COVER = 9
    """Segments whose frames are all here: the payload names them and how far."""
    RUN = 10
    """A run that left neither result nor failure, or that does not count any more."""


OF_TASKS: Final = frozenset(range(FrameKind.RESULT, FrameKind.REMOVAL))
"""Kinds that say what a run of a task has left behind."""


class Removed(NamedTuple):
    """One entry of a removal."""

    digest: bytes
    ident: bytes
    """The frame's id, or the lowest that it can have."""
    is_next: bool = False
    """Whether it is the worker's next frame for this task, from that id on."""


class Covered(NamedTuple):
    """One segment that a pack covers."""

    stem: str
    length: int


def seed_of(stem: str) -> int:
    """Return what the checksums of a segment start from."""
    return crc32(stem.encode())


def ident(worker: bytes, number: int) -> bytes:
    """Return the id of a worker's frame; ids sort by worker and number.

    >>> ident(b"\\xab" * 8, 258).hex()
    'abababababababab00000102'
    """
    return worker + number.to_bytes(4, "big")


def head() -> bytes:
    """Return what a segment begins with."""
    plain = _HEAD.pack(_HEAD_MAGIC, _MAJOR, _MINOR, 0)[:-4]
    return plain + crc32(plain).to_bytes(4, "little")


def check_head(data: bytes, path: str) -> bool:
    """Return whether a segment's head is whole.

    Raises `StoreFormatError` for one of a later format.
    """
    if len(data) < HEAD_SIZE:
        return False
    magic, major, _, checksum = _HEAD.unpack_from(data)
    if magic != _HEAD_MAGIC or crc32(data[: HEAD_SIZE - 4]) != checksum:
        return False
    if major != _MAJOR:
        raise StoreFormatError(
            f"{path!r} has the segment format {major}, of a later jug: update jug-file", path=path
        )
    return True


def build(
    seed: int,
    frame_id: bytes,
    kind: int,
    digest: bytes,
    record: bytes = b"",
    pieces: Iterable[Buffer] = (),
) -> bytes:
    """Return a frame as it is written."""
    payload = b"".join(pieces)
    length = len(record) + len(payload)
    rest = _REST.pack(length, len(record), frame_id, kind, digest) + record + payload
    return _START.pack(MAGIC, crc32(rest, seed)) + rest


def reseed(frame: bytes, seed: int) -> bytes:
    """Return the same frame for another segment."""
    return _START.pack(MAGIC, crc32(memoryview(frame)[CHECKED_FROM:], seed)) + frame[CHECKED_FROM:]


class View(NamedTuple):
    """A frame that was read."""

    ident: bytes
    kind: int
    digest: bytes
    record: memoryview
    payload: memoryview


def view(frame: Buffer) -> View:
    """Return the parts of a whole frame."""
    _, _, length, record, frame_id, kind, digest = HEADER.unpack_from(frame)
    body = memoryview(frame)[HEADER.size : HEADER.size + length]
    return View(frame_id, kind, digest, body[:record], body[record:])


def length_at(data: Buffer, at: int) -> int | None:
    """Return how long the frame there says that it is, None if there is no header of one."""
    if len(data) - at < HEADER.size:
        return None
    magic, _, length, record = HEADER.unpack_from(data, at)[:4]
    if magic != MAGIC or record > length or length > LONGEST:
        return None
    return HEADER.size + int(length)


def ident_of(data: bytes, at: int) -> bytes:
    """Return the id of the frame that begins there."""
    return data[at + 16 : at + 28]


def is_whole(data: Buffer, at: int, seed: int) -> bool:
    """Return whether a valid frame lies there."""
    length = length_at(data, at)
    if length is None or at + length > len(data):
        return False
    checksum = int.from_bytes(data[at + 4 : at + 8], "little")
    return crc32(memoryview(data)[at + CHECKED_FROM : at + length], seed) == checksum


def next_whole(data: bytes, at: int, seed: int) -> int:
    """Return where the next valid frame begins, -1 if there is none."""
    at = data.find(MAGIC, at)
    while at >= 0 and not is_whole(data, at, seed):
        at = data.find(MAGIC, at + 1)
    return at


# What the payloads of the other kinds hold


def pack_big(size: int, name: str) -> bytes:
    """Return the payload that announces a big file."""
    return _BIG.pack(size) + name.encode()


def unpack_big(payload: Buffer) -> tuple[int, str]:
    """Return the size and the name of a big file.

    >>> unpack_big(pack_big(7, "name"))
    (7, 'name')
    """
    return _BIG.unpack_from(payload)[0], str(memoryview(payload)[_BIG.size :], "ascii")


def pack_removals(entries: Sequence[Removed]) -> bytes:
    """Return the payload that names removed frames."""
    return b"".join(_REMOVAL.pack(*entry) for entry in entries)


def unpack_removals(payload: Buffer) -> Iterator[Removed]:
    """Yield the frames that a removal names."""
    for digest, frame_id, is_next in _REMOVAL.iter_unpack(payload):
        yield Removed(digest, frame_id, bool(is_next))


def pack_covered(entries: Iterable[Covered]) -> bytes:
    """Return the payload that names covered segments."""
    stems = ((entry.length, entry.stem.encode()) for entry in entries)
    return b"".join(_COVER.pack(length, len(stem)) + stem for length, stem in stems)


def unpack_covered(payload: Buffer) -> Iterator[Covered]:
    """Yield the segments that a pack covers.

    >>> list(unpack_covered(pack_covered([Covered("00ff-0", 12)])))
    [Covered(stem='00ff-0', length=12)]
    """
    data, at = bytes(payload), 0
    while at < len(data):
        length, size = _COVER.unpack_from(data, at)
        at += _COVER.size
        yield Covered(data[at : at + size].decode(), length)
        at += size
