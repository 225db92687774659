"""The jugdir of jug 2.x that makes room for the new one.

What jug 2.x kept in `primes.jugdata` is renamed to `primes.jugdata.2x`, and nothing in it
is changed; a new store takes the name.  There is one step, which happens or does not: a
command that was killed at any moment finds, when it is run again, either the old name or
the new one, and goes on from there.  To go back is to rename it back, which a command does
itself that has found nothing to adopt.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, NamedTuple

from jug.adopt.stores import is_of_jug_2, locks_in, path_of
from jug.errors import OptionError, StoreError

SUFFIX: Final = ".2x"


class Own(NamedTuple):
    """The results that jug 2.x made of a jugfile under the jugdir that it still has."""

    url: str
    """Where they are now."""
    stands_in_the_way: bool = False
    """Whether they are under the name that the new store will have."""


def find_own(jugdir: str) -> Own:
    """Return where jug 2.x left the results of a jugfile, of which this is the jugdir."""
    path = path_of(jugdir)
    if path is None:  # on a server today's keys are other ones
        return Own(jugdir)
    aside = _aside(path)
    if _is_former(path):
        if os.path.lexists(aside):
            raise OptionError(
                f"{str(path)!r} is of jug 2.x, and {str(aside)!r} is there as well: "
                "rename one of them, then adopt from both by their names"
            )
        return Own(jugdir, True)
    if _is_former(aside):
        return Own(jugdir + SUFFIX)
    raise OptionError(
        f"neither {str(path)!r} nor {str(aside)!r} holds results of jug 2.x: "
        "name the store that does, as in `jug adopt OLD JUGFILE`, or by --jugdir the one that "
        "JUGFILE sets itself"
    )


def move_aside(jugdir: str) -> Own:
    """Rename what stands in the way, and return where it is then.

    Nothing is renamed while workers of jug 2.x use it: they would go on under the old name.
    """
    path = path_of(jugdir)
    assert path is not None  # only what is in a file or directory stands in the way
    holders = sorted(set(locks_in(path).values()))
    if holders:
        raise OptionError(
            f"jug 2.x seems to be at work in {str(path)!r} ({', '.join(holders[:3])}): wait "
            "for it, or stop it; where no worker runs any more, remove the folder 'locks' in it"
        )
    try:
        os.rename(path, _aside(path))
        _sync(path.parent)
    except OSError as error:
        raise StoreError(
            f"{str(path)!r} can't be renamed to {_aside(path).name!r}: {error.strerror}",
            path=str(path),
        ) from error
    return Own(jugdir + SUFFIX)


def put_back(jugdir: str) -> bool:
    """Rename back what was moved aside, if no new store has taken its place; return whether so."""
    path = path_of(jugdir)
    if path is None or os.path.lexists(path):
        return False
    os.rename(_aside(path), path)
    _sync(path.parent)
    return True


def is_same(old: str, jugdir: str) -> bool:
    """Return whether two names are of one directory or file."""
    one, other = path_of(old), path_of(jugdir)
    return one is not None and other is not None and one.resolve() == other.resolve()


def _aside(path: Path) -> Path:
    return path.with_name(path.name + SUFFIX)


def _is_former(path: Path) -> bool:
    return path.exists() and is_of_jug_2(path)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
