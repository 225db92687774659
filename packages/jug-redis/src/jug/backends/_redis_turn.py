"""What a worker says in a turn, and what it hears."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from jug.backends import _redis_scripts as scripts
from jug.backends.base import Buffer, Kind, Lease


class Ending(NamedTuple):
    """How a worker ends a lease, in the order in which the script takes it."""

    how: str = ""
    digest: bytes = b""
    token: str = ""
    removals: int | str = ""
    """Up to which count removals are known; empty where that does not matter."""
    entry: bytes = b""
    body: Buffer = b""
    kind: Kind = Kind.RESULT

    def undone(self) -> Ending:
        """Return the ending of the same lease that saves nothing."""
        return Ending("drop", self.digest, self.token)


class Heard(NamedTuple):
    """What a script answered, beside what it told of the index."""

    done: int
    number: int
    """Which candidate was taken, counted from 1; or how many tasks were removed."""
    holders: Sequence[str]
    is_behind: bool
    """Whether there is more to learn."""


class Turn(NamedTuple):
    """What came of one trip of a worker."""

    outcome: int = scripts.NOTHING
    lease: Lease | None = None
    holders: Sequence[str] = ()
    """Who holds the candidates, if none was free."""
