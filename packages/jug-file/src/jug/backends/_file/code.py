"""The code that made results, in a folder of its own: files of pieces that nobody changes.

    code/DIGEST    pieces, one after another: the length of its key (1 byte), its own length
                   (4 bytes, little-endian), the key, the piece

A file is called by the SHA-1 of its content in hexadecimal digits, so workers that keep the same
make the same file, and what is damaged shows.  It is there whole or not at all, and it has only
pieces that were in no other file when it was made.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from struct import Struct
from typing import Final

from jug.backends._file.disk import explained, read_whole, sync_folder
from jug.backends._file.folders import make_folder, names_now
from jug.backends._file.publishing import delete_begun, publish
from jug.digests import sha1

__all__ = ["CodeFiles"]

_NAME: Final = re.compile("[0-9a-f]{40}")
_HEAD: Final = Struct("<BI")


class CodeFiles:
    """The code of one jugdir."""

    def __init__(self, jugdir: str) -> None:
        self.has_damage = False
        """Whether a file was damaged when all were read last."""
        self._jugdir = jugdir
        self._folder = os.path.join(jugdir, "code")

    def keep(self, pieces: Mapping[bytes, bytes]) -> None:
        """Keep the pieces that are not there yet."""
        with explained(self._folder, "keep the code of results in"):
            known = self._read()
            new = {key: piece for key, piece in pieces.items() if key not in known}
            if new:
                make_folder(self._folder)
                sync_folder(self._jugdir)
                content = _packed(new)
                publish(os.path.join(self._folder, _digest(content)), content)

    def kept(self) -> dict[bytes, bytes]:
        """Return all pieces that are there."""
        with explained(self._folder, "read the code of results in"):
            return self._read()

    def tidy(self) -> None:
        """Delete files that were begun by those that died."""
        with suppress(FileNotFoundError):
            delete_begun(self._folder)

    def _read(self) -> dict[bytes, bytes]:
        found: dict[bytes, bytes] = {}
        self.has_damage = False
        for name in self._names():
            with suppress(FileNotFoundError):
                content = read_whole(os.path.join(self._folder, name))
                if _digest(content) == name:
                    found.update(_unpacked(content))
                else:
                    self.has_damage = True
        return found

    def _names(self) -> list[str]:
        with suppress(FileNotFoundError):
            return sorted(filter(_NAME.fullmatch, names_now(self._folder)))
        return []


def _digest(content: bytes) -> str:
    return sha1(content, usedforsecurity=False).hexdigest()


def _packed(pieces: Mapping[bytes, bytes]) -> bytes:
    """Return pieces as they lie in a file.

    >>> _packed({b"k": b"piece"})
    b'\\x01\\x05\\x00\\x00\\x00kpiece'
    """
    return b"".join(
        _HEAD.pack(len(key), len(piece)) + key + piece for key, piece in sorted(pieces.items())
    )


def _unpacked(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the pieces of a file.

    >>> [*_unpacked(_packed({b"k": b"piece"}))]
    [(b'k', b'piece')]
    """
    at = 0
    while at < len(content):
        key_length, length = _HEAD.unpack_from(content, at)
        begin = at + _HEAD.size + key_length
        at = begin + length
        yield content[begin - key_length : begin], content[begin:at]
