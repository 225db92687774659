"""What differed between the versions of jug 2.x, and by what they ran on.

All of them hash alike, but for a few kinds of values.  Each difference is a *way*; a
*dialect* is the ways of one version on one Python and numpy.  Most tasks have the same
hash in all dialects.  Where a task has several, the one that the old store knows is
right: two hashes are never alike by chance.

jug 2.0.0, 2.0.3, 2.1.1, 2.2.0, 2.2.3, 2.3.0, 2.3.1, 2.4.0, 2.5.0, 2.6.0 and 2.7.0 were
asked.  What can't be found again in any dialect: arrays of objects, which versions before
2.7 hashed by addresses in memory, and tasks whose function is a lambda, as before 2.5.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum
from itertools import combinations
from typing import Final

from jug.errors import OptionError


class Way(Enum):
    """In what the hash may be another one than that of jug 2.7 on this Python and numpy."""

    PICKLED_FROZENSETS = "a frozenset is pickled"
    BYTECODE_LAMBDAS = "a lambda behind a tasklet is its bytecode, without constants and names"
    OTHER_NUMPY = "numpy calls its own modules `numpy.core`, from version 2 on `numpy._core`"
    CURRIED_LISTS = "the inputs of `currymap` are lists, as they were given, not tuples"
    PATHS_IN_PARTS = "a path is pickled in parts, as before Python 3.13"


Dialect = frozenset[Way]

NEWEST: Final = Dialect()

_VERSIONS: Final = {
    "2.7": NEWEST,
    "2.6": Dialect({Way.PICKLED_FROZENSETS}),
    "2.5": Dialect({Way.PICKLED_FROZENSETS, Way.BYTECODE_LAMBDAS}),
    "2.4": Dialect({Way.PICKLED_FROZENSETS, Way.BYTECODE_LAMBDAS}),
    "2.3": Dialect({Way.PICKLED_FROZENSETS}),
    "2.2": Dialect({Way.PICKLED_FROZENSETS}),
    "2.1": Dialect({Way.PICKLED_FROZENSETS}),
    "2.0": Dialect({Way.PICKLED_FROZENSETS}),
}

_ANYWHERE: Final = (Way.OTHER_NUMPY, Way.CURRIED_LISTS, Way.PATHS_IN_PARTS)
"""Ways that no version of jug decides."""


def dialects(version: str | None = None) -> list[Dialect]:
    """Return the dialects of one version, such as "2.5", else those of all, the newest first.

    >>> len(dialects("2.7")), len(dialects())
    (8, 24)
    """
    chosen = _VERSIONS.values() if version is None else [_VERSIONS[_checked(version)]]
    found = (ways | more for ways in chosen for more in _subsets(_ANYWHERE))
    return [*dict.fromkeys(found)]


def _subsets(ways: Sequence[Way]) -> Iterator[Dialect]:
    for count in range(len(ways) + 1):
        yield from map(Dialect, combinations(ways, count))


def _checked(version: str) -> str:
    """Return the version without its last number."""
    known = ".".join(version.split(".")[:2])
    if known not in _VERSIONS:
        raise OptionError(
            f"--from-version must be from 2.0 to 2.7, not {version!r}", version=version
        )
    return known
