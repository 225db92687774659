"""Fingerprints: 12 hexadecimal digits for a part of the code, and two for a function.

A function's own fingerprint is that of its syntax tree; that of its reach takes in all parts of
the project that it can be seen to reach (`jug.code.reach`).  The record of a run has both, with
the number of the scheme that made them: another scheme would give other fingerprints for the
same code, so what it says is not compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from operator import attrgetter
from typing import Any, Final, Self

from jug.code.source_file import Piece
from jug.digests import blake2b

__all__ = ["SCHEME", "Code", "Part", "part_of", "split", "value_part"]

SCHEME: Final = "1"
"""Which way of making fingerprints this is."""
DIGITS: Final = 12
NOT_SEEN: Final = "0" * DIGITS
"""The own fingerprint of what has no source in the project."""
NOT_LOADED: Final = "its module is not loaded yet"
"""Why what a container is filled with is not seen."""
_ID_OF: Final = attrgetter("id")
_PREFIX: Final = f"{SCHEME}:"


class Part:
    """A function, a class or a value of the project."""

    def __init__(self, name: str, kind: str, fingerprint: str, source: str, id: int) -> None:
        self.name = name
        """Its module and its name there."""
        self.kind = kind
        """``function``, ``class`` or ``value``."""
        self.fingerprint = fingerprint
        """12 hexadecimal digits."""
        self.source = source
        """Its lines."""
        self.id = id
        """A number of 48 bits for its name and its fingerprint."""


class Code:
    """The code behind a function, as far as it is seen."""

    def __init__(
        self,
        own: str,
        reach: str,
        reached: Sequence[Part],
        unseen: tuple[str, ...],
        border: tuple[str, ...],
    ) -> None:
        self.own = own
        """The fingerprint of the function alone, zeros if its source is not seen."""
        self.reach = reach
        """The fingerprint of everything that it reaches, itself included."""
        self.reached = reached
        """All that it reaches, in no order."""
        self.unseen = unseen
        """What can't be seen, each with the reason."""
        self.border = border
        """Packages that it uses, which are known by their versions."""

    @classmethod
    def of(
        cls, own: Part | None, parts: Sequence[Part], unseen: Iterable[str], border: Iterable[str]
    ) -> Self:
        """Return the code that consists of these parts."""
        return cls(
            own.fingerprint if own else NOT_SEEN,
            _together(parts),
            parts,
            tuple(sorted(unseen)),
            tuple(sorted(border)),
        )

    @property
    def parts(self) -> dict[str, Part]:
        """All that it reaches, by name; those that have one name, as lambdas, are numbered."""
        found: dict[str, Part] = {}
        unique = {part.id: part for part in self.reached}
        for part in sorted(unique.values(), key=lambda part: (part.name, part.fingerprint)):
            name, number = part.name, 1
            while name in found:
                number += 1
                name = f"{part.name} ({number})"
            found[name] = part
        return found

    @cached_property
    def text(self) -> str:
        """Both fingerprints, as a record has them."""
        return _PREFIX + self.own + self.reach


def split(text: str) -> tuple[str, str] | None:
    """Return the own fingerprint and that of the reach, None for those of another scheme.

    >>> split("1:" + 12 * "a" + 12 * "b")
    ('aaaaaaaaaaaa', 'bbbbbbbbbbbb')
    >>> split("0123456789abcdef") is None
    True
    """
    if not text.startswith(_PREFIX) or len(text) != len(_PREFIX) + 2 * DIGITS:
        return None
    return text[len(_PREFIX) : -DIGITS], text[-DIGITS:]


def fingerprint(text: str) -> str:
    """Return the fingerprint of a text."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=DIGITS // 2).hexdigest()


def _together(parts: Iterable[Part]) -> str:
    """Return one fingerprint for parts, in whatever order and how often they come."""
    return fingerprint(f"{sum(set(map(_ID_OF, parts))):x}")


def part_of(piece: Piece) -> Part:
    """Return a piece of source with its fingerprint."""
    return _part(piece.name, piece.kind, piece.dump.text, piece.source)


def value_part(name: str, value: Any) -> Part:
    """Return a value that no source says, such as one of a notebook.

    >>> value_part("notebook.RATE", 3).source
    'RATE = 3\\n'
    """
    text = ascii(value)
    return _part(name, "value", text, f"{name.rpartition('.')[2]} = {text}\n")


def _part(name: str, kind: str, text: str, source: str) -> Part:
    own = fingerprint(text)
    data = f"{name} {own}".encode("utf-8", "surrogatepass")
    return Part(name, kind, own, source, int.from_bytes(blake2b(data, digest_size=6).digest()))
