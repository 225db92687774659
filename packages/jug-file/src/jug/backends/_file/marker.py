"""What a jugdir is: a small file that says so, and the folders beside it.

    format          what the directory is, and the versions of what lies in it
    segments/       small results, failures and removals, one file per worker
    big/            large results, one file each
    leases/         who works on what
    jugfiles/       which jugfiles have saved something
    code/           the code that made the results
    packs/jugpack/  a folder where jug 2.x keeps a file, and in it a note that says why

The file, the *marker*, is written last, so a jugdir that has it has all of them.  It is
looked for in a listing: a name that was looked up before another host made it would
seem missing for a while.

The marker ends with a checksum.  One that is damaged or missing costs nothing: each
segment says what it is, too.  So who looks goes on, and who writes makes it anew.

To jug 2.x all that it does not know is litter, which its `cleanup` removes.  Where it
finds a folder in place of its pack, each of its commands stops before it touches anything.

Somebody may remove folders, the empty ones above all.  Who writes makes them anew.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from enum import Enum
from typing import Final
from zlib import crc32

from jug import hash as jug_hash
from jug._former import how_to_adopt
from jug.backends._file import frames
from jug.backends._file.disk import (
    explained,
    folders_above,
    is_folder,
    is_missing,
    read_whole,
    sync_folder,
)
from jug.backends._file.folders import make_folder, names_now
from jug.backends._file.publishing import publish
from jug.backends._file.segment import is_segment_name
from jug.errors import StoreError, StoreFormatError
from jug.messages import Log

log = Log("store")

NAME: Final = "format"
TITLE: Final = "jug file store"
MAJOR: Final = 2
MINOR: Final = 0
_FORMER: Final = 1
"""Workers that know this one alone lock tasks one by one, and do not look for claims."""
CODEC: Final = 1
"""The version of the codec that results are written with; they say it themselves, too."""

FOLDERS: Final = ("segments", "big", "leases")

_BAR: Final = ("packs", "packs/jugpack")
_NOTE: Final = "packs/jugpack/README"
_NOTE_TEXT: Final = """\
This directory holds results of jug 3.  The folder with this note keeps jug 2.x from
taking it for one of its own, whose `cleanup` would remove all results: leave it here.
"""

_WITHOUT_SUM: Final = b"jug file store 1.0\nhash 1\ncodec 1\n"
"""The marker as it was before it had a checksum."""


class _State(Enum):
    """Whether a directory is a jugdir."""

    NONE = "none"
    MADE = "made"
    WITHOUT_MARKER = "without marker"
    """Its marker is damaged or missing."""


def text() -> str:
    """Return what the marker says.

    >>> print(text().splitlines()[0])
    jug file store 2.0
    """
    return with_sum(f"{TITLE} {MAJOR}.{MINOR}\nhash {jug_hash.SCHEME_VERSION}\ncodec {CODEC}\n")


def with_sum(lines: str) -> str:
    """Return the lines of a marker and their checksum."""
    return f"{lines}sum {crc32(lines.encode()):08x}\n"


def is_made(jugdir: str) -> bool:
    """Return whether there is a store in the directory.

    Raises `StoreError` if there is something else, or a store of a later version.
    """
    state = _look(jugdir)
    if state is _State.WITHOUT_MARKER:
        log.warning(
            "%s is damaged or missing: the results are intact, and the next `jug execute` "
            "makes it anew",
            os.path.join(jugdir, NAME),
        )
    return state is not _State.NONE


def make(jugdir: str) -> None:
    """Make the directory a store, if it is none, and what of it is damaged or missing."""
    state = _look(jugdir)
    if state is _State.MADE and _is_complete(jugdir):
        return
    with explained(jugdir, "make a store in"):
        try:
            _make_folders(jugdir)
        except FileNotFoundError as error:  # as of what is no disk, such as /proc
            if state is _State.NONE and not os.path.exists(jugdir):
                raise _not_to_be_made(jugdir) from error
            raise
        publish(os.path.join(jugdir, NAME), text().encode())
    if state is _State.WITHOUT_MARKER:
        log.warning("%s was damaged or missing and is made anew", os.path.join(jugdir, NAME))


def _not_to_be_made(jugdir: str) -> StoreError:
    return StoreError(
        f"cannot make a store in {jugdir!r}, no folder can be made there: choose another --jugdir",
        path=jugdir,
    )


def has_claims(jugdir: str) -> bool:
    """Return whether all who work on a store that is made look for claims."""
    with explained(jugdir, "read the marker"):
        said = _undamaged(read_whole(os.path.join(jugdir, NAME)))
    return said is not None and not said.startswith(f"{TITLE} {_FORMER}.")


def _is_complete(jugdir: str) -> bool:
    return all(os.path.exists(os.path.join(jugdir, name)) for name in (*FOLDERS, _NOTE))


def _make_folders(jugdir: str) -> None:
    """Make all folders; whoever finds the marker relies on them."""
    above = [folder for folder in folders_above(jugdir) if not os.path.exists(folder)]
    for folder in reversed(above):
        make_folder(folder)
    for folder in (jugdir, *(os.path.join(jugdir, name) for name in (*FOLDERS, *_BAR))):
        make_folder(folder)
    with suppress(FileExistsError), open(os.path.join(jugdir, _NOTE), "x") as note:
        note.write(_NOTE_TEXT)
    for folder in (jugdir, *above):
        with suppress(PermissionError):  # nothing is made in a folder that one only passes through
            sync_folder(os.path.dirname(folder))


def _look(jugdir: str) -> _State:
    names = _names(jugdir)
    if NAME in names:
        with explained(jugdir, "read the marker"):
            said = _undamaged(read_whole(os.path.join(jugdir, NAME)))
        if said is not None:
            _check(jugdir, said)
            return _State.MADE
    if _has_segments(jugdir, names):
        return _State.WITHOUT_MARKER
    if NAME in names and not names.issuperset(FOLDERS):
        raise StoreFormatError(
            f"{os.path.join(jugdir, NAME)!r} is not the marker of a jugdir: "
            "choose another --jugdir",
            path=jugdir,
        )
    if names and _is_former(jugdir):
        raise StoreFormatError(
            f"{jugdir!r} is a jugdir of jug 2.x, which is only read: {how_to_adopt(jugdir)}; "
            "or choose another --jugdir",
            path=jugdir,
        )
    return _State.NONE


def _is_former(jugdir: str) -> bool:
    from jug.backends._file.former import is_former

    with explained(jugdir, "look for results in"):
        return is_former(jugdir)


def _names(jugdir: str) -> set[str]:
    try:
        return set(names_now(jugdir))
    except FileNotFoundError:
        _require_targets((jugdir, *folders_above(jugdir)))
        return set()
    except NotADirectoryError as error:
        raise StoreError(
            f"{jugdir!r} is a file, not a directory: choose another --jugdir",
            path=jugdir,
        ) from error
    except OSError as error:
        with explained(jugdir, "open a store in"):
            raise error


def _require_targets(paths: Iterable[str]) -> None:
    """Raise StoreError of a link that leads nowhere, as to a disk that is not mounted."""
    for path in paths:
        if os.path.islink(path) and not os.path.exists(path):
            raise StoreError(
                f"{path!r} is a link to {os.readlink(path)!r}, which is not there: "
                "mount or make that, or choose another --jugdir",
                path=path,
            )


def _undamaged(marker: bytes) -> str | None:
    """Return what a marker says, None if it is damaged."""
    lines, word, _ = marker.rpartition(b"sum ")
    if word:
        said = lines.decode(errors="replace")
        return said if with_sum(said).encode() == marker else None
    return marker.decode() if marker == _WITHOUT_SUM else None


def _has_segments(jugdir: str, names: set[str]) -> bool:
    """Return whether something in the directory shows that it is a jugdir.

    Raises `StoreFormatError` if it is one of a later version.
    """
    folder = os.path.join(jugdir, FOLDERS[0])
    if FOLDERS[0] not in names or not is_folder(folder):
        return False
    with explained(folder, "read results in"):
        return any(
            _has_head(os.path.join(folder, name))
            for name in filter(is_segment_name, names_now(folder))
        )


def _has_head(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            return frames.check_head(file.read(frames.HEAD_SIZE), path)
    except OSError as error:
        if isinstance(error, StoreError) or not is_missing(error):
            raise
        return False  # merged into a pack just now


def _check(jugdir: str, found: str) -> None:
    first, _, rest = found.partition("\n")
    version = first.rpartition(" ")[2]
    versions = dict(line.split(" ", 1) for line in rest.splitlines() if " " in line)
    scheme = str(jug_hash.SCHEME_VERSION)
    if not version.startswith((f"{MAJOR}.", f"{_FORMER}.")):
        raise StoreFormatError(
            f"{jugdir!r} has the format {version}, this jug knows {MAJOR}: update jug-file "
            "or choose another --jugdir",
            path=jugdir,
        )
    if versions.get("hash", scheme) != scheme:
        raise StoreFormatError(
            f"{jugdir!r} names tasks by the hash scheme {versions['hash']}, this jug by "
            f"{scheme}, and would find none of its results: use the jug-core that wrote it, or "
            "choose another --jugdir and have them computed again",
            path=jugdir,
        )
