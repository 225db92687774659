"""Many strings as one: their lengths, and all their characters.

A column of a million strings is hashed as two streams of bytes, which is several
times faster than string by string, and as certain: the lengths say where one string
ends and the next begins.  Whoever has the strings as buffers already, as polars and
arrow do, gives those.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from jug.hash.framing import CHUNK, DIGEST_SIZE

Block = tuple["bytes | memoryview | array[Any]", "bytes | memoryview"]
"""Lengths of some strings in characters, as numbers of 4 bytes, and their UTF-8."""

_AT_ONCE: Final = 4096

watchers: Final[list[Callable[[bytes], None]]] = []
"""Called with all text that is put together, and may refuse it."""


class Encoded:
    """What was encoded already, to stand among values that will be."""

    __slots__ = ("encoding",)

    def __init__(self, encoding: bytes) -> None:
        self.encoding = encoding


def texts(strings: list[str] | tuple[str, ...]) -> bytes:
    """Return the encoding of many strings; `OverflowError` if one has 2**32 characters."""
    return texts_in(_blocks(strings))


def texts_in(blocks: Iterable[Block]) -> bytes:
    """Return the encoding of many strings, given as buffers, however they are cut."""
    from hashlib import sha256

    sizes, characters = sha256(), sha256()
    for lengths, text in blocks:
        for watch in watchers:
            watch(bytes(text))
        sizes.update(lengths)
        characters.update(text)
    return b"T" + sizes.digest()[:DIGEST_SIZE] + characters.digest()[:DIGEST_SIZE]


def _blocks(strings: list[str] | tuple[str, ...]) -> Iterator[Block]:
    for first in range(0, len(strings), _AT_ONCE):
        some = strings[first : first + _AT_ONCE]
        lengths = [*map(len, some)]
        yield little("I", lengths), b""
        together = ["".join(some)] if sum(lengths) <= CHUNK else some
        for text in together:
            yield b"", text.encode("utf-8", "surrogatepass")


def little(code: str, numbers: Iterable[Any]) -> array[Any]:
    """Return numbers as they lie in the memory of most processors."""
    packed = array(code, numbers)
    if sys.byteorder == "big":
        packed.byteswap()
    return packed
