"""What is in a folder now, also where another host has changed it.

A client of a network file system answers from memory.  One of NFS 4 asks the server
whether a folder has changed when the folder is opened, but it does not always throw away
what it remembers.  Linux 7.2 lets the server promise to tell of changes; where it gets
that promise in the same answer as the news that the folder has changed, it forgets
the news, and shows the folder as it was for as long as the promise lasts.  A segment that
is not listed holds results that nobody sees, while the leases of their tasks are free.

So the kernel is told to drop the listing that it remembers before the folder is listed,
and then it must ask.  This corrects names too: one that was looked up before another host
made it may be missing for a minute, or as long as a promise lasts, even to who has just
been told that it exists; a listing that comes from the server puts it right.

On a local disk there is nothing to drop.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from jug.backends._file.disk import is_local as lies_on_local_disk

__all__ = ["make_folder", "names_in", "names_now"]


def names_in(folder: str | os.PathLike[str], *, is_local: bool) -> list[str]:
    """Return the names in a folder, of which it is known whether it is on a local disk."""
    return os.listdir(folder) if is_local else names_now(folder)


def names_now(folder: str | os.PathLike[str]) -> list[str]:
    """Return the names in a folder as they are now, wherever it is.

    >>> "usr" in names_now("/")
    True
    """
    try:
        return _listed_anew(folder)
    except FileNotFoundError:
        if not _is_made_elsewhere(os.path.abspath(folder)):
            raise
    return _listed_anew(folder)


def _is_made_elsewhere(folder: str) -> bool:
    """Return whether the server lists a folder that was not found."""
    above, name = os.path.split(folder)
    if lies_on_local_disk(above):
        return False
    with suppress(PermissionError):  # there are folders to pass through, not to be listed
        return name in _listed_anew(above)
    return False


def make_folder(folder: str | os.PathLike[str]) -> None:
    """Make a folder if it is not there; whoever made it, it can be used from now on."""
    try:
        os.mkdir(folder)
    except FileExistsError:
        with suppress(PermissionError):  # as above
            _listed_anew(os.path.dirname(os.path.abspath(folder)))


def _listed_anew(folder: str | os.PathLike[str]) -> list[str]:
    if sys.platform != "linux":
        return os.listdir(folder)
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with suppress(OSError):  # a file system that can't drop anything remembers nothing
            os.posix_fadvise(opened, 0, 0, os.POSIX_FADV_DONTNEED)
        return os.listdir(opened)
    finally:
        os.close(opened)
