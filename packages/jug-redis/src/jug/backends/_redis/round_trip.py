"""What a worker says in one round trip, and what it is answered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from jug.backends._redis import scripts
from jug.backends.base import Buffer, Kind, Lease


class LeaseEnd(NamedTuple):
    """How a worker ends a lease, in the order in which the script takes it."""

    how: str = ""
    digest: bytes = b""
    token: str = ""
    removals: int | str = ""
    """Up to which count removals are known; empty where that does not matter."""
    entry: bytes = b""
    body: Buffer = b""
    kind: Kind = Kind.RESULT

    def undone(self) -> LeaseEnd:
        """Return the end of the same lease that saves nothing."""
        return LeaseEnd("drop", self.digest, self.token)


class Reply(NamedTuple):
    """What a script answered, beside what it said of the index."""

    done: int
    number: int
    """Which candidate was taken, counted from 1; or how many tasks were removed."""
    holders: Sequence[str]
    is_behind: bool
    """Whether there is more to read."""


class RoundTrip(NamedTuple):
    """What came of one round trip of a worker."""

    outcome: int = scripts.NO_FRAME
    lease: Lease | None = None
    holders: Sequence[str] = ()
    """Who holds the candidates, if none was free."""
