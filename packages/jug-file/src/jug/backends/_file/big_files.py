"""Results that are large: each a file of its own, under a name that is never used again.

A file is written under a temporary name, synced, renamed, and its folder synced;
only then does a frame announce it.  So whoever knows of it finds it whole, and it
never changes: it can be mapped into memory for any length of time.
"""

from __future__ import annotations

import errno
import mmap
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, Final

from jug.backends._file.disk import TEMPORARY, explained, sync, sync_folder, written_aside
from jug.backends._file.folders import make_folder, names_in
from jug.backends.base import Buffer
from jug.errors import DamagedResult

FROM_SIZE: Final = 1 << 17
"""Encoded results from this size on get a file."""

_MAP_FROM: Final = 1_000_000
_PIECES: Final = 1024
_NAME: Final = re.compile(r"[0-9a-f]{40}-([0-9a-f]{16})-[0-9]+")

_MAP_OPTIONS: Final[dict[str, Any]] = {"trackfd": False} if sys.version_info >= (3, 13) else {}


class BigFiles:
    """The folder of large results."""

    def __init__(self, folder: str, *, is_local: bool) -> None:
        self.folder = folder
        self._is_local = is_local
        self._written = 0
        self._safe: set[str] = set()

    def path(self, name: str) -> str:
        """Return where a file lies."""
        return os.path.join(self.folder, name[:2], name)

    def write(self, digest: bytes, worker: bytes, pieces: Sequence[Buffer]) -> tuple[int, str]:
        """Write a file that survives a power cut; return its size and name."""
        name = f"{digest.hex()}-{worker.hex()}-{self._written}"
        self._written += 1
        path = self.path(name)
        with explained(path, "save a result in"):
            self._make_folder(os.path.dirname(path))
            try:
                return self._publish(path, pieces), name
            except FileNotFoundError:
                # Somebody took this worker for dead and tidied up after it, or removed the folder.
                self._safe.clear()
                self._make_folder(os.path.dirname(path))
                return self._publish(path, pieces), name

    def _publish(self, path: str, pieces: Sequence[Buffer]) -> int:
        temporary = os.path.join(self.folder, os.path.basename(path) + TEMPORARY)
        try:
            with written_aside(path, temporary) as file:
                size = _write_pieces(file, pieces)
                sync(file)
            os.close(file)
            sync_folder(os.path.dirname(path))
        except OSError:
            with suppress(OSError):  # the first error is the one to report
                os.unlink(path)
            raise
        return size

    def _make_folder(self, folder: str) -> None:
        """Make a folder that survives a power cut, also if another made it and died."""
        if folder in self._safe:
            return
        for one in (self.folder, folder):
            if one not in self._safe:
                make_folder(one)
                sync_folder(os.path.dirname(one))
                self._safe.add(one)

    def read(self, name: str, size: int) -> Buffer:
        """Return a file's bytes, mapped where that is safe.

        Raises `DamagedResult` if the file is not there or not of this size.
        """
        path = self.path(name)
        try:
            file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise _damage(path, "is missing") from None
        try:
            found = os.fstat(file).st_size
            if found != size:
                raise _damage(path, f"has {found} bytes in place of {size}")
            if self._is_local and size >= _MAP_FROM:
                with suppress(_TooManyFiles):
                    return _map(file, size)
            return _read_whole(file, path, size)
        finally:
            os.close(file)

    def names(self) -> Iterator[tuple[str, str]]:
        """Yield the name of each file that is there, and the id of its worker."""
        for folder in self._listed(self.folder):
            for name in self._listed(os.path.join(self.folder, folder)):
                match = _NAME.fullmatch(name)
                if match is not None:
                    yield name, match[1]

    def begun(self) -> Iterator[tuple[str, str]]:
        """Yield each file that somebody has begun to write, and the id of its worker."""
        for name in self._listed(self.folder):
            match = _NAME.fullmatch(name.removesuffix(TEMPORARY))
            if match is not None:
                yield os.path.join(self.folder, name), match[1]

    def _listed(self, folder: str) -> list[str]:
        try:
            return names_in(folder, is_local=self._is_local)
        except (FileNotFoundError, NotADirectoryError):
            return []

    def delete(self, name: str) -> None:
        """Delete a file, if it is there."""
        with suppress(FileNotFoundError):
            os.unlink(self.path(name))


class _TooManyFiles(Exception):
    """The file can't be mapped because a mapping keeps a descriptor."""


def _map(file: int, size: int) -> memoryview:
    try:
        return memoryview(mmap.mmap(file, size, access=mmap.ACCESS_COPY, **_MAP_OPTIONS))
    except OSError as error:
        if error.errno not in (errno.EMFILE, errno.ENFILE):
            raise
        raise _TooManyFiles from error


def _read_whole(file: int, path: str, size: int) -> bytearray:
    data = bytearray(size)
    rest = memoryview(data)
    while rest:
        done = os.readv(file, [rest])
        if not done:
            raise _damage(path, f"ends {len(rest)} bytes too early")
        rest = rest[done:]
    return data


def _write_pieces(file: int, pieces: Sequence[Buffer]) -> int:
    """Write all pieces without joining them; return their size in bytes."""
    views = [memoryview(piece).cast("B") for piece in pieces if len(piece)]
    size, first = sum(map(len, views)), 0
    while first < len(views):
        done = os.writev(file, views[first : first + _PIECES])
        while first < len(views) and done >= len(views[first]):
            done -= len(views[first])
            first += 1
        if done:
            views[first] = views[first][done:]
    return size


def _damage(path: str, what: str) -> DamagedResult:
    return DamagedResult(f"{path!r} {what}: its task will be computed again", path=path)
