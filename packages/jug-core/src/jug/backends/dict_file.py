"""The file in which a `dict_store` lasts from one run to the next.

It is a marker line with the version, and one value in the format of `jug.codec`,
which brings the checksum: dictionaries, of results (digest to record, encoded result
and worker), of failures (digest to record, whether it is kept, and worker), of other
runs (digest to pairs of record and worker), of workers (id to what they said of
themselves), and of pieces of code by their keys; the last three are not in files of
earlier versions.  It is replaced as a
whole, so it is always one that was saved.  Only one process may write it: a second one
notices and refuses, instead of undoing what the first did.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

from jug import codec
from jug._former import how_to_adopt, is_former_dict_file
from jug.errors import DamagedResult, StoreError, StoreFormatError

__all__ = ["DictFile", "Saved"]

_MARKER: Final = b"jug dict_store "
_VERSION: Final = b"2"
_READ: Final = frozenset({_MARKER + b"1", _MARKER + _VERSION})
"""How files begin that are read; in those of version 1 is no code."""

Table = Mapping[bytes, tuple[Any, ...]]


class Saved(NamedTuple):
    """What is in a file."""

    results: Table = {}  # noqa: RUF012
    failures: Table = {}  # noqa: RUF012
    runs: Mapping[bytes, list[tuple[bytes, str]]] = {}  # noqa: RUF012
    workers: Mapping[str, bytes] = {}  # noqa: RUF012
    code: Mapping[bytes, bytes] = {}  # noqa: RUF012


class DictFile:
    """Where a store is kept, and whether it is still as this process knows it."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path).absolute()
        self._known: tuple[int, int, int] | None = None

    def load(self) -> Saved:
        """Return what was saved, nothing if there is no file yet."""
        try:
            self._known = self._identity()
            if self._known is not None:
                return self._parse(self.path.read_bytes())
        except StoreError:
            raise
        except OSError as error:
            raise self._error(f"cannot be read ({error.strerror}): choose another name") from error
        if not self.path.parent.is_dir():
            raise self._error("cannot be made: make its folder first")
        return Saved()

    def save(self, saved: Saved) -> None:
        """Replace the file, safe from a power cut."""
        try:
            if self._identity() != self._known:
                raise self._error(
                    "was written by another process meanwhile and is left alone: a dict_store "
                    "is for one process, use a directory for several"
                )
            _replace(self.path, [_MARKER, _VERSION, b"\n", *codec.encode(list(saved))])
            self._known = self._identity()
        except StoreError:
            raise
        except OSError as error:
            raise self._error(f"cannot be written ({error.strerror}): nothing was saved") from error

    def _parse(self, content: bytes) -> Saved:
        marker, _, encoded = content.partition(b"\n")
        if is_former_dict_file(content):
            raise StoreFormatError(
                f"{str(self.path)!r} is a file of a dict_store of jug 2.x, which is only read: "
                f"{how_to_adopt(self.path, 'dict_store:')}; or choose another name",
                path=self.path,
            )
        if not marker.startswith(_MARKER):
            raise StoreFormatError(
                f"{str(self.path)!r} is no file of a dict_store: choose another name",
                path=self.path,
            )
        if marker not in _READ:
            raise StoreFormatError(
                f"{str(self.path)!r} has a format that this version does not know: "
                "upgrade jug-core",
                path=self.path,
            )
        try:
            saved = Saved(*codec.decode(encoded))
        except DamagedResult as error:
            raise self._error(f"is damaged ({error}): remove it to begin anew") from error
        return saved

    def _identity(self) -> tuple[int, int, int] | None:
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return None
        return found.st_ino, found.st_size, found.st_mtime_ns

    def _error(self, what: str) -> StoreError:
        return StoreError(f"{str(self.path)!r} {what}", path=self.path)


def _replace(path: Path, pieces: Iterable[bytes | bytearray | memoryview]) -> None:
    path = path.resolve()  # a link stays, what it points to is replaced
    temporary = path.with_name(f"{path.name}.{os.urandom(4).hex()}.tmp")
    try:
        with temporary.open("xb") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with suppress(FileNotFoundError):  # when it was this file that could not be made
            temporary.unlink()
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":  # elsewhere a folder cannot be opened
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
