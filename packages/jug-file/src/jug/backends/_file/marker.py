"""What a jugdir is: a small file that says so, and the folders beside it.

    format      what the directory is, and the versions of what lies in it
    segments/   small results, failures and removals, one file per worker
    big/        large results, one file each
    leases/     who works on what

The file is written last, so a jugdir that has it has all of them.  It is looked
for in a listing: a name that was looked up before another host made it would seem
missing for a while.
"""

from __future__ import annotations

import os
import re
import shlex
from contextlib import suppress
from pathlib import Path
from typing import Final

from jug import hash as jug_hash
from jug.backends._file.disk import TEMPORARY, explained, publish, sync_folder
from jug.errors import StoreError, StoreFormatError

NAME: Final = "format"
TITLE: Final = "jug file store"
MAJOR: Final = 1
MINOR: Final = 0
CODEC: Final = 1
"""The version of the codec that results are written with; they say it themselves, too."""

FOLDERS: Final = ("segments", "big", "leases")

_FORMER_FOLDERS: Final = frozenset({"locks", "packs", "tempfiles"})
_TWO_HEX: Final = re.compile("[0-9a-f]{2}")
_REST_HEX: Final = re.compile("[0-9a-f]{38}.*")


def text() -> str:
    """Return what the marker says.

    >>> print(text().splitlines()[0])
    jug file store 1.0
    """
    return f"{TITLE} {MAJOR}.{MINOR}\nhash {jug_hash.SCHEME_VERSION}\ncodec {CODEC}\n"


def is_made(jugdir: Path) -> bool:
    """Return whether there is a store in the directory.

    Raises `StoreError` if there is something else, or a store of a later version.
    """
    try:
        names = os.listdir(jugdir)
    except FileNotFoundError:
        return False
    except NotADirectoryError as error:
        raise StoreError(
            f"{str(jugdir)!r} is a file, not a directory: choose another --jugdir",
            path=str(jugdir),
        ) from error
    except OSError as error:
        with explained(jugdir, "open a store in"):
            raise error
    if NAME in names:
        with explained(jugdir, "read the marker"):
            _check(jugdir, (jugdir / NAME).read_text())
        return True
    with explained(jugdir, "look for results in"):
        is_former = _is_former(jugdir, names)
    if is_former:
        another = shlex.quote(jugdir.with_suffix(".jug3").name)
        raise StoreFormatError(
            f"{str(jugdir)!r} is a jugdir of jug 2.x, which this jug neither reads nor changes: "
            f"choose another one, such as --jugdir {another}; "
            "docs/from-jug-2.md says more",
            path=str(jugdir),
        )
    return False


def make(jugdir: Path) -> None:
    """Make the directory a store, if it is none."""
    if is_made(jugdir):
        return
    with explained(jugdir, "make a store in"):
        above = [folder for folder in jugdir.parents if not os.path.exists(folder)]
        os.makedirs(jugdir.parent, exist_ok=True)
        for folder in (jugdir, *(jugdir / name for name in FOLDERS)):
            # Asking whether it is there might get an answer of some time ago.
            with suppress(FileExistsError):
                os.mkdir(folder)
        # Whoever finds the marker relies on all folders.
        for folder in (jugdir, *above):
            sync_folder(folder.parent)
        try:
            publish(jugdir / NAME, text().encode())
        except FileNotFoundError:
            # Another made the store and tidied up.
            if not is_made(jugdir):
                raise


def tidy(jugdir: Path) -> None:
    """Remove the beginnings of markers; the marker itself is there."""
    for name in os.listdir(jugdir):
        if name.startswith(f"{NAME}.") and name.endswith(TEMPORARY):
            with suppress(FileNotFoundError):
                os.unlink(jugdir / name)


def _check(jugdir: Path, found: str) -> None:
    first, _, rest = found.partition("\n")
    title, _, version = first.rpartition(" ")
    if title != TITLE:
        raise StoreFormatError(
            f"{str(jugdir / NAME)!r} is not the marker of a jugdir: choose another --jugdir",
            path=str(jugdir),
        )
    versions = dict(line.split(" ", 1) for line in rest.splitlines() if " " in line)
    scheme = str(jug_hash.SCHEME_VERSION)
    if not version.startswith(f"{MAJOR}."):
        raise StoreFormatError(
            f"{str(jugdir)!r} has the format {version}, this jug knows {MAJOR}: update jug-file "
            "or choose another --jugdir",
            path=str(jugdir),
        )
    if versions.get("hash", scheme) != scheme:
        raise StoreFormatError(
            f"{str(jugdir)!r} names tasks by the hash scheme {versions['hash']}, this jug by "
            f"{scheme}: use the jug-core that wrote it or choose another --jugdir",
            path=str(jugdir),
        )


def _is_former(jugdir: Path, names: list[str]) -> bool:
    """Return whether the directory is as jug 2.x made it: with results, or with nothing else."""
    parts = [name for name in names if _TWO_HEX.fullmatch(name) and (jugdir / name).is_dir()]
    if any(_REST_HEX.fullmatch(inner) for part in parts for inner in os.listdir(jugdir / part)):
        return True
    if "packs" in names and (jugdir / "packs" / "jugpack").exists():
        return True
    return not _FORMER_FOLDERS.isdisjoint(names) and _FORMER_FOLDERS.issuperset({*names} - {*parts})
