"""What a store keeps of the code that made its results: which parts, and their source.

A store keeps small pieces of bytes under keys (`jug.backends.promises.CodePromises`).  The first
byte of a key says what it is, six more which one:

    c    the code of a function: JSON of what was unseen and of the packages at the border, a
         zero byte, and six bytes for each part
    p    a part: JSON of its name, kind, fingerprint and source, compressed by zlib
    a    a change that was accepted: JSON of the old and the new code, the task's name, the time

A part is kept once, however many functions reach it and however often a worker starts.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

from jug.code.fingerprint import Code, Part, fingerprint, split
from jug.json_bytes import from_json, to_json
from jug.named_tuple import NamedTuple

if TYPE_CHECKING:
    from jug.backends.base import BaseStore

__all__ = ["Accepted", "KeptCode", "accept_code", "keep"]

_CODE: Final = b"c"
_PART: Final = b"p"
_ACCEPTED: Final = b"a"
_ID: Final = 6

_kept: WeakKeyDictionary[BaseStore, set[str]] = WeakKeyDictionary()
"""The fingerprints of what this process has kept in a store."""


class Accepted(NamedTuple):
    """A change of code that doesn't matter, as somebody said."""

    old: str
    new: str
    name: str
    """The name of the tasks."""
    time: float
    """When it was said, in seconds since the epoch."""


def keep(store: BaseStore, codes: Iterable[Code]) -> None:
    """Keep in a store what code consists of, unless this process has done that."""
    done = _kept.setdefault(store, set())
    new = {code.reach: code for code in codes if code.reach not in done}
    if new:
        store.keep_code(dict(_pieces(new.values())))
        done.update(new)


def _pieces(codes: Iterable[Code]) -> Iterator[tuple[bytes, bytes]]:
    parts: dict[int, Part] = {}
    for code in codes:
        parts.update((part.id, part) for part in code.reached)
        about = to_json({"unseen": code.unseen, "border": code.border})
        ids = sorted(part.id.to_bytes(_ID) for part in code.reached)
        yield _CODE + bytes.fromhex(code.reach), about + b"\0" + b"".join(ids)
    for part in parts.values():
        said = to_json([part.name, part.kind, part.fingerprint, part.source])
        yield _PART + part.id.to_bytes(_ID), zlib.compress(said)


def accept_code(store: BaseStore, accepted: Iterable[Accepted]) -> None:
    """Keep in a store that changes were accepted."""
    store.keep_code(
        {
            _ACCEPTED + bytes.fromhex(fingerprint(f"{one.old} {one.new}")): to_json(one)
            for one in accepted
        }
    )


class KeptCode:
    """What a store keeps of code, as it was when it was read.

    What is damaged, or is said in a way that this version does not know, is not there.
    """

    def __init__(self, pieces: Mapping[bytes, bytes], is_partial: bool = False) -> None:
        self.is_partial = is_partial
        """Whether more was kept, which is damaged."""
        self._pieces = pieces
        self._same: dict[str, str] = {}
        for one in self.accepted():
            self._same[self._root(_reach(one.old))] = self._root(_reach(one.new))

    def accepted(self) -> list[Accepted]:
        """Return the changes that were accepted, the earliest first."""
        found = []
        for key, piece in self._pieces.items():
            if key[:1] == _ACCEPTED:
                with suppress(ValueError, TypeError):
                    old, new, name, time = from_json(piece)
                    found.append(Accepted(str(old), str(new), str(name), float(time)))
        return sorted(found, key=lambda one: one.time)

    def reaches(self) -> set[str]:
        """Return what all code reaches that ever made results here, by its fingerprint."""
        return {key[1:].hex() for key in self._pieces if key[:1] == _CODE}

    def is_same(self, old: str, new: str) -> bool:
        """Return whether the code of two records counts as one, by what was accepted."""
        return self._root(_reach(old)) == self._root(_reach(new))

    def code(self, text: str) -> Code | None:
        """Return the code that a record names, None if the store does not have it whole."""
        fingerprints = split(text)
        if fingerprints is None:
            return None
        own, reach = fingerprints
        about, _, ids = self._pieces.get(_CODE + bytes.fromhex(reach), b"").partition(b"\0")
        try:
            said = from_json(about)
            parts = [self._part(ids[at : at + _ID]) for at in range(0, len(ids), _ID)]
            return Code(own, reach, parts, tuple(said["unseen"]), tuple(said["border"]))
        except (ValueError, TypeError, KeyError, zlib.error):
            return None

    def _part(self, id: bytes) -> Part:
        said = from_json(zlib.decompress(self._pieces[_PART + id]))
        name, kind, fingerprint, source = map(str, said)
        return Part(name, kind, fingerprint, source, int.from_bytes(id))

    def _root(self, reach: str) -> str:
        while reach in self._same and self._same[reach] != reach:
            reach = self._same[reach]
        return reach


def _reach(text: str) -> str:
    fingerprints = split(text)
    return fingerprints[1] if fingerprints else text
