"""Which jugfiles have saved something in a jugdir: a small file for each, beside the results.

    jugfiles/DIGEST    the path of a jugfile, as it is from the jugdir

So both may be moved together, and hosts may see them under different paths.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from contextlib import suppress
from hashlib import sha1
from pathlib import Path
from typing import Final

from jug.backends._file.disk import explained, publish, sync_folder

__all__ = ["Jugfiles"]

_NAME: Final = re.compile("[0-9a-f]{40}")


class Jugfiles:
    """The jugfiles of one jugdir, each known by its absolute path without links."""

    def __init__(self, jugdir: Path) -> None:
        self._jugdir = jugdir
        self._folder = jugdir / "jugfiles"
        self._noted = ""

    def note(self, jugfile: str) -> None:
        """Note that a jugfile saves something here, unless that is known or there is none."""
        if jugfile != self._noted:
            with explained(self._folder, "note the jugfile in"):
                if _name(self._from_here(jugfile)) not in self._names():
                    self._write(self._from_here(jugfile))
            self._noted = jugfile

    def known(self) -> set[str]:
        """Return all that were noted."""
        with explained(self._folder, "look for jugfiles in"):
            return {self._path_in(self._folder / name) for name in self._names()}

    def forget(self, jugfiles: Iterable[str]) -> None:
        """Forget that these jugfiles saved something here."""
        with explained(self._folder, "forget jugfiles in"):
            for jugfile in jugfiles:
                with suppress(FileNotFoundError):
                    os.unlink(self._folder / _name(self._from_here(jugfile)))

    def _names(self) -> set[str]:
        if self._folder.name not in os.listdir(self._jugdir):
            return set()
        return set(filter(_NAME.fullmatch, os.listdir(self._folder)))

    def _write(self, path: bytes) -> None:
        with suppress(FileExistsError):
            os.mkdir(self._folder)
        sync_folder(self._jugdir)
        publish(self._folder / _name(path), path)

    def _from_here(self, jugfile: str) -> bytes:
        return os.fsencode(os.path.relpath(os.path.realpath(jugfile), self._real_jugdir()))

    def _path_in(self, note: Path) -> str:
        return os.path.normpath(os.path.join(self._real_jugdir(), os.fsdecode(note.read_bytes())))

    def _real_jugdir(self) -> str:
        return os.path.realpath(self._jugdir)


def _name(path: bytes) -> str:
    return sha1(path, usedforsecurity=False).hexdigest()
