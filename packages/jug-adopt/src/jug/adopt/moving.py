"""The jugdir of jug 2.x that makes room for the new one.

What jug 2.x kept in `primes.jugdata` is renamed to `primes.jugdata.2x`, and nothing in it
is changed; a new store takes the name.  A command that was killed at any moment finds, when
it is run again, the old name or the new one, or a file under both, and goes on from there;
so does one that runs beside another.  Nothing that has the new name already is replaced.
To go back is to rename it back, which a command does itself that has found nothing to adopt.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from jug.adopt.stores import is_of_jug_2, locks_in, path_of
from jug.errors import OptionError, StoreError
from jug.messages import Log

log = Log("adopt")

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
    if path.name in ("", ".."):
        raise OptionError(f"{jugdir!r} has no name of its own: name it from the folder above")
    aside = _aside(path)
    if _is_former(path):
        if os.path.lexists(aside) and not _is_under_both_names(path):
            raise OptionError(
                f"{str(path)!r} is of jug 2.x, and {str(aside)!r} is there as well: "
                "rename one of them, then adopt from both by their names"
            )
        return Own(jugdir, True)
    if _is_former(aside):
        return _own_aside(path)
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
        _rename(path)
        _sync(path.parent)
    except OSError as error:
        if not _was_moved_meanwhile(path):
            raise StoreError(
                f"{str(path)!r} can't be renamed to {_aside(path).name!r}: {error.strerror}",
                path=str(path),
            ) from error
    log.warning("%r of jug 2.x is %r now, unchanged", path.name, _aside(path).name)
    return _own_aside(path)


def _rename(path: Path) -> None:
    """Give the path its new name, unless that is taken.

    A file would take the place of another, so it gets its new name before it loses the old.
    """
    if path.is_symlink() or path.is_dir():
        os.rename(path, _aside(path))
        return
    if not _is_under_both_names(path):
        os.link(path, _aside(path))
    with suppress(FileNotFoundError):  # another command was as far as this one
        os.unlink(path)


def _is_under_both_names(path: Path) -> bool:
    """Return whether a command was killed after it had given a file its new name."""
    aside = _aside(path)
    return path.is_file() and aside.is_file() and path.samefile(aside)


def _was_moved_meanwhile(path: Path) -> bool:
    """Return whether another command has just done what this one failed to do."""
    return _is_former(_aside(path)) and not _is_former(path)


def put_back(jugdir: str) -> bool:
    """Rename back what was moved aside, if no new store has taken its place; return whether so."""
    path = path_of(jugdir)
    if path is None or os.path.lexists(path):
        return False
    try:
        os.rename(_aside(path), path)
    except FileNotFoundError:  # another command that found nothing was faster
        return False
    _sync(path.parent)
    log.warning("%r has its name back, as nothing in it was adopted", path.name)
    return True


def is_same(old: str, jugdir: str) -> bool:
    """Return whether two names are of one directory or file."""
    one, other = path_of(old), path_of(jugdir)
    return one is not None and other is not None and one.resolve() == other.resolve()


def is_inside(jugdir: str, old: str) -> bool:
    """Return whether a store would be inside of an old one, which is only read."""
    inner, outer = path_of(jugdir), path_of(old)
    return inner is not None and outer is not None and outer.resolve() in inner.resolve().parents


def _own_aside(path: Path) -> Own:
    return Own(f"file:{_aside(path)}")


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
