"""What jobs are called: by their name they are found in the queue again.

A name is ``jug-JUGFILE-HASH[-KIND]-xN``: the jugfile without what is not a letter or a digit,
a hash of its path and of the store, a hash of what else decides what the workers do, and how
many workers a job has.  Kubernetes allows no more than that, and the others do.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Final, NamedTuple

__all__ = ["JobName", "family", "fingerprint"]

_LONGEST: Final = 16
_ODD: Final = re.compile(r"[^a-z0-9]+")
_NAME: Final = re.compile(r"(jug-.+-[0-9a-f]{8})(?:-(.+))?-x(\d+)")


class JobName(NamedTuple):
    """The name of jobs that are alike.

    >>> str(JobName("jug-seg-0123abcd", "c4", 2))
    'jug-seg-0123abcd-c4-x2'
    >>> JobName.parse("jug-seg-0123abcd-x4")
    JobName(family='jug-seg-0123abcd', kind='', workers=4)
    """

    family: str
    """What all jobs of one jugfile and store have in common."""
    kind: str
    """What its workers do and take, empty for all that the jugfile makes."""
    workers: int
    """How many workers each job has."""

    def __str__(self) -> str:
        return "-".join([self.family, *filter(None, [self.kind]), f"x{self.workers}"])

    @classmethod
    def parse(cls, name: str) -> JobName | None:
        """Return what a name says, None if it is none of these."""
        found = _NAME.fullmatch(name)
        return cls(found[1], found[2] or "", int(found[3])) if found else None


def family(jugfile: str, store: str) -> str:
    """Return what the names of all jobs begin with that are for a jugfile and a store.

    Jugfiles that share a store have jobs of their own, though their names be alike.

    >>> family("/data/Übung 1.py", "file:/data/Übung 1.jugdata")
    'jug-bung-1-2395e9ef'
    """
    path = Path(jugfile).resolve()
    stem = _ODD.sub("-", path.stem.lower()).strip("-")[:_LONGEST].strip("-")
    return f"jug-{stem or 'jugfile'}-{fingerprint([str(path), store], 4)}"


def fingerprint(words: Sequence[str], size: int = 2) -> str:
    """Return a hash of some words in so many bytes.

    >>> fingerprint(["--name", "fit"])
    '20a0'
    """
    return blake2b(
        "\0".join(words).encode("utf-8", "surrogateescape"), digest_size=size
    ).hexdigest()
