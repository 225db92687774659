"""Which jugfiles have saved something in a jugdir: a small file for each, beside the results.

    jugfiles/DIGEST    the path of a jugfile, as it is from the jugdir, and each of the
                       arguments that it was run with behind a zero byte

So jugfile and jugdir may be moved together, and hosts may see them under different paths.
With other arguments a jugfile may make other tasks, and has a file of its own.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Final

from jug.backends._file.disk import explained, read_whole, sync_folder
from jug.backends._file.folders import make_folder, names_now
from jug.backends._file.publishing import delete_begun, publish
from jug.digests import sha1

__all__ = ["Jugfiles"]

_FOLDER: Final = "jugfiles"
_NAME: Final = re.compile("[0-9a-f]{40}")


class Jugfiles:
    """The jugfiles of one jugdir, each known by its absolute path without links and arguments."""

    def __init__(self, jugdir: str) -> None:
        self._jugdir = jugdir
        self._folder = os.path.join(jugdir, _FOLDER)
        self._noted: tuple[str, Sequence[str]] = ("", ())

    def note(self, jugfile: str, arguments: Sequence[str]) -> None:
        """Note that a jugfile saves something here, unless that is known or there is none."""
        if (jugfile, arguments) != self._noted:
            with explained(self._folder, "note the jugfile in"):
                note = b"\0".join([self._from_here(jugfile), *map(os.fsencode, arguments)])
                if _name(note) not in self._names():
                    self._write(note)
            self._noted = jugfile, arguments

    def known(self) -> set[str]:
        """Return all that were noted, each with its arguments as a shell would take it."""
        with explained(self._folder, "look for jugfiles in"):
            return {*self._notes()}

    def forget(self, jugfiles: Iterable[str]) -> None:
        """Forget that these, called as `known` calls them, saved something here."""
        with explained(self._folder, "forget jugfiles in"):
            notes = self._notes()
            for path in [notes[jugfile] for jugfile in jugfiles if jugfile in notes]:
                with suppress(FileNotFoundError):
                    os.unlink(path)

    def tidy(self) -> None:
        """Delete notes that were begun by those that died."""
        with suppress(FileNotFoundError):
            delete_begun(self._folder)

    def _notes(self) -> dict[str, str]:
        """Return the file of each jugfile that was noted."""
        paths = [os.path.join(self._folder, name) for name in self._names()]
        return {self._read(path): path for path in paths}

    def _read(self, path: str) -> str:
        from shlex import join  # which is slow to import

        relative, *arguments = map(os.fsdecode, read_whole(path).split(b"\0"))
        jugfile = os.path.normpath(os.path.join(self._real_jugdir(), relative))
        return join([jugfile, *arguments])

    def _names(self) -> set[str]:
        if _FOLDER not in names_now(self._jugdir):
            return set()
        return set(filter(_NAME.fullmatch, names_now(self._folder)))

    def _write(self, note: bytes) -> None:
        make_folder(self._folder)
        sync_folder(self._jugdir)
        publish(os.path.join(self._folder, _name(note)), note)

    def _from_here(self, jugfile: str) -> bytes:
        return os.fsencode(os.path.relpath(os.path.realpath(jugfile), self._real_jugdir()))

    def _real_jugdir(self) -> str:
        return os.path.realpath(self._jugdir)


def _name(note: bytes) -> str:
    return sha1(note, usedforsecurity=False).hexdigest()
