"""Bytes that say where they end: the lowest layer of the hash.

Every encoding begins with a tag and is either of a length that the tag fixes or
carries its length, so that encodings put one after another can be read in one
way only.  What holds other values is *sealed*: its parts are counted, joined
and replaced by their digest, so that an encoding stays short however much it
stands for.

Two hashes are used, each where it is the faster one: BLAKE2b for what is short, and
SHA-256 for long content, which most processors have instructions for.  Content of
more than 4 MiB is cut into chunks whose digests are hashed together.  The cut
depends on nothing but the length, therefore any number of threads may work on the
chunks.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from struct import Struct
from typing import Final

from jug.digests import blake2b
from jug.hash.shared import LONG, keep, recall

DIGEST_SIZE: Final = 20
INLINE: Final = 4096
"""Longer content is replaced by its digest."""
CHUNK: Final = 1 << 22

_AT_ONCE: Final = 4096
"""How many parts are joined at a time, lest a long list is there twice."""

length: Final = Struct("<Q").pack
"""Pack a length or a count."""

fresh: Final = blake2b(digest_size=DIGEST_SIZE).copy
"""Make an empty hash; copying one is faster."""


def digest(data: bytes | memoryview) -> bytes:
    """Return the 20 bytes that stand for the data."""
    state = fresh()
    state.update(data)
    return state.digest()


def digest_of_long(data: bytes | memoryview) -> bytes:
    """Return the 20 bytes that stand for long content, or for a chunk of it."""
    from hashlib import sha256  # little is long

    return sha256(data).digest()[:DIGEST_SIZE]


def sealed(tag: bytes, parts: list[bytes]) -> bytes:
    """Return the tag and the digest of any number of encodings."""
    state = fresh()
    state.update(length(len(parts)))
    for first in range(0, len(parts), _AT_ONCE):
        state.update(b"".join(parts[first : first + _AT_ONCE]))
    return tag + state.digest()


def text(value: str) -> bytes:
    """Return the encoding of a string; lone surrogates, as in file names, are kept."""
    if len(value) < LONG:
        return b"s" + content(value.encode("utf-8", "surrogatepass"))
    known = recall(id(value))
    if known is not None:
        return known
    return keep(id(value), value, b"s" + content(value.encode("utf-8", "surrogatepass")))


def memory(value: bytes) -> bytes:
    """Return the encoding of bytes."""
    if len(value) < LONG:
        return b"b" + content(value)
    known = recall(id(value))
    return known if known is not None else keep(id(value), value, b"b" + content(value))


def content(data: bytes | bytearray | memoryview) -> bytes:
    """Return the length, and the bytes or what stands for them."""
    size = len(data)
    if size <= INLINE:
        return length(size) + data
    view = memoryview(data)
    return pieces(size, -(-size // CHUNK), lambda i: view[i * CHUNK : (i + 1) * CHUNK])


def pieces(size: int, count: int, piece: Callable[[int], bytes | memoryview]) -> bytes:
    """Return what stands for long content that is given in chunks.

    ``piece`` may be called in any order and from several threads.
    """
    if count == 1:
        return length(size) + digest_of_long(piece(0))
    digests = _in_threads(lambda i: digest_of_long(piece(i)), count)
    return length(size) + digest_of_long(b"".join(digests))


def _in_threads(work: Callable[[int], bytes], count: int) -> Iterable[bytes]:
    threads = min(count, os.cpu_count() or 1, 8)
    if threads == 1:
        return map(work, range(count))
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(threads) as pool:
        return pool.map(work, range(count))
