"""The stores of jug 2.x, read: a directory, a server, or the file of a dict_store.

What is there is listed once, when a store is opened; what is written later is not seen.
Nothing is opened for writing, and no lock is taken.  So a worker of jug 2.x may be at
work meanwhile: the locks, which are listed first, say on what.
"""

from __future__ import annotations

import os
import socket
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Set
from pathlib import Path
from typing import Any, Final, NamedTuple

from jug._former import is_former_dict_file
from jug.adopt import contents
from jug.adopt.contents import HASH_LENGTH, Unreadable
from jug.adopt.packs import Pack, plain_dict
from jug.backends._file.former import is_former
from jug.backends.registry import scheme_of
from jug.errors import OptionError, StoreError
from jug.tracebacks import describe_exception

_FAILED: Final = 1  # the mtime of a lock that says that its task failed
_PACKING: Final = b"pack-save"
"""The name of the lock that `jug pack` holds."""
_HEX: Final = frozenset(b"0123456789abcdef")


class Found(NamedTuple):
    """A result of jug 2.x."""

    value: Any
    end: float
    """When it was computed, in seconds since the epoch: the latest time that is possible."""


class FormerStore(ABC):
    """The results of jug 2.x in one store, by their hashes."""

    url: str
    """Where it is, as it was named, but without secrets."""
    source: str
    """Where it is, for who looks from another folder."""
    hashes: Set[bytes]
    """Of the results that are there."""
    locks: dict[bytes, str]
    """What jug 2.x works on, or did when it died: hash to who that is."""

    @property
    def damage(self) -> str:
        """What is wrong with the store as a whole, if anything."""
        return ""

    @abstractmethod
    def read(self, hash: bytes) -> Found:
        """Return one of the results; this runs what is pickled in it.

        Raises `Unreadable` if it can't be had.
        """

    def close(self) -> None:  # noqa: B027  # few have something to let go of
        """Let go of every resource."""


# Directories


class FormerDirectory(FormerStore):
    """A jugdir of jug 2.x, with or without a pack."""

    def __init__(self, path: Path) -> None:
        self.url = str(path)
        self.source = str(path.absolute())
        self.locks = locks_in(path)
        in_files, self._unreadable = _listed(path)
        self._pack = Pack(path / "packs" / "jugpack")  # read last: what leaves a file goes there
        self.hashes = in_files | self._pack.hashes

    @property
    def damage(self) -> str:
        """What can't be read as a whole: folders, and the pack."""
        return "; ".join(filter(None, (*self._unreadable, self._pack.damage)))

    def read(self, hash: bytes) -> Found:
        name = hash.decode()
        # The jugfile may change the working directory; a Path takes a third of the time to read.
        path = f"{self.source}/{name[:2]}/{name[2:]}"
        try:
            with open(path, "rb") as file:
                content, written = file.read(), os.fstat(file.fileno()).st_mtime
        except FileNotFoundError:
            return self._read_in_pack(hash)
        except OSError as error:
            raise Unreadable(f"{path!r} can't be read: {error.strerror}") from error
        return Found(contents.value_of(content), written)

    def _read_in_pack(self, hash: bytes) -> Found:
        if hash not in self._pack.hashes:
            raise Unreadable("it was removed just now")
        return Found(self._pack.value(hash), self._pack.written)


def _listed(path: Path) -> tuple[set[bytes], list[str]]:
    """Return the hashes that are names of files, and what is wrong with folders of them."""
    hashes: set[bytes] = set()
    wrong: list[str] = []
    for part in sorted(os.listdir(path)):
        if len(part) == 2 and (path / part).is_dir():
            try:
                names = os.listdir(path / part)
            except OSError as error:
                wrong.append(f"{str(path / part)!r} can't be read: {error.strerror}")
            else:
                hashes.update(filter(_is_hash, (os.fsencode(part + rest) for rest in names)))
    return hashes, wrong


def _is_hash(name: bytes) -> bool:
    return len(name) == HASH_LENGTH and _HEX.issuperset(name)


def locks_in(path: Path) -> dict[bytes, str]:
    """Return what jug 2.x works on in a directory, as far as its workers are not certainly gone."""
    return dict(_locks(path / "locks"))


def _locks(folder: Path) -> Iterable[tuple[bytes, str]]:
    """Yield each lock that may be held, and what it says of its holder."""
    try:
        names = os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return
    for name in names:
        hash = os.fsencode(name.removesuffix(".lock"))
        try:
            if (_is_hash(hash) or hash == _PACKING) and (folder / name).stat().st_mtime != _FAILED:
                holder = (folder / name).read_text(errors="replace").partition("\n")[0]
                if not _is_gone(holder):
                    yield hash, holder or "a worker that did not say its name"
        except FileNotFoundError:
            continue


def _is_gone(holder: str) -> bool:
    """Return whether a lock's holder, such as ``PID 12 on HOST name``, is certainly gone."""
    words = holder.split()
    if len(words) < 4 or words[3] != socket.gethostname() or not words[1].isdecimal():
        return False
    try:
        os.kill(int(words[1]), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


# The file of a dict_store


class FormerDictFile(FormerStore):
    """A file in which a dict_store of jug 2.x was kept."""

    def __init__(self, path: Path) -> None:
        self.url, self.source = f"dict_store:{path}", f"dict_store:{path.absolute()}"
        self.locks = {}
        self._written = path.stat().st_mtime
        try:
            found = plain_dict(path.read_bytes())
        except Unreadable as error:
            raise StoreError(f"{str(path)!r} can't be read: {error}", path=str(path)) from None
        self._pickles = {
            key.removeprefix(b"result:"): pickled
            for key, pickled in found.items()
            if key.startswith(b"result:")
        }
        self.hashes = self._pickles.keys()

    def read(self, hash: bytes) -> Found:
        return Found(contents.unpickled(self._pickles[hash]), self._written)


# Servers


class FormerServer(FormerStore):
    """A redis server that jug 2.x used; its keys have no prefix."""

    def __init__(self, url: str) -> None:
        from jug.adopt import server

        self.url = self.source = server.without_secrets(url)
        self._client = server.connected(url, self.url)
        self.locks = {hash: "a worker on some host" for hash in self._client.locked()}
        self.hashes = self._client.results()
        self._listed = time.time()

    def read(self, hash: bytes) -> Found:
        return Found(contents.value_of(self._client.content(hash)), self._listed)

    def close(self) -> None:
        self._client.close()


# Which one is meant


def open_former(url: str) -> FormerStore:
    """Return the store of jug 2.x that a path or URL names."""
    scheme = scheme_of(url)
    if scheme.partition("+")[0] in ("redis", "rediss", "unix"):
        return FormerServer(url)
    path = path_of(url)
    if path is None:
        raise OptionError(f"{url!r} is no store of jug 2.x: give a directory, or {_OTHERS}")
    if not path.exists():
        raise OptionError(f"there is no {str(path)!r}: give the directory of jug 2.x, or {_OTHERS}")
    try:
        if not is_of_jug_2(path):
            raise OptionError(f"{str(path)!r} holds no results of jug 2.x: is OLD right?")
        return FormerDirectory(path) if path.is_dir() else FormerDictFile(path)
    except OSError as error:
        if isinstance(error, StoreError):
            raise
        raise StoreError(
            f"{str(path)!r} can't be read: {describe_exception(error)}", path=str(path)
        ) from error


_OTHERS: Final = "redis://HOST, or dict_store:FILE"


def path_of(url: str) -> Path | None:
    """Return the file or directory that a store is kept in, None if it is on a server.

    >>> path_of("dict_store:a"), path_of("file_keepalive:b"), path_of("c"), path_of("redis://d")
    (PosixPath('a'), PosixPath('b'), PosixPath('c'), None)
    """
    scheme = scheme_of(url)
    if scheme not in ("file", "file_keepalive", "dict_store") or url == "dict_store":
        return None
    return Path(url.removeprefix(f"{scheme}:")).expanduser()


def is_of_jug_2(path: Path) -> bool:
    """Return whether a directory or a file is a store of jug 2.x."""
    if path.is_dir():
        return is_former(str(path))
    try:
        with open(path, "rb") as file:
            return is_former_dict_file(file.read(64))
    except FileNotFoundError:
        return False
