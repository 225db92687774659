"""Hashes that the user's own code computes, in `__jug_hash__` or for a `CustomHash`.

Such code calls functions of `jug.hash`, which answer in today's scheme.  For the hash that
jug 2.x gave it must have the answers of then.  So while the jugfile is read, and imports
them, other functions stand there under their names, which answer in the scheme that is
asked for at that moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha1
from typing import Any, Final, Protocol

from jug import hash as jug_hash


class Scheme(Protocol):
    """A former way to compute hashes."""

    def of_value(self, value: Any) -> bytes: ...
    def update(self, state: Any, pairs: Iterable[tuple[Any, Any]]) -> None: ...


_asked: Scheme | None = None
"""The scheme in which the user's code is to answer just now, None for today's."""

_today: Final = (jug_hash.hash_one, jug_hash.new_hash_object, jug_hash.hash_update)


@contextmanager
def asked_by(scheme: Scheme) -> Iterator[None]:
    """Have the user's code compute hashes of this scheme meanwhile."""
    global _asked
    before, _asked = _asked, scheme
    try:
        yield
    finally:
        _asked = before


@contextmanager
def answering_for_both() -> Iterator[None]:
    """Have whoever imports the functions of `jug.hash` meanwhile get those that know both."""
    _place(hash_one, new_hash_object, hash_update)
    try:
        yield
    finally:
        _place(*_today)


def hash_one(obj: Any) -> bytes:
    """Return the hash of any value as 40 hexadecimal digits."""
    return _today[0](obj) if _asked is None else _asked.of_value(obj)


def new_hash_object() -> Any:
    """Return an empty hash for `hash_update` to add to."""
    return _today[1]() if _asked is None else sha1()


def hash_update(M: Any, elems: Iterable[tuple[Any, Any]]) -> None:
    """Add labelled values to a hash."""
    if _asked is None:
        _today[2](M, elems)
    else:
        _asked.update(M, elems)


def _place(one: Any, new: Any, update: Any) -> None:
    names = vars(jug_hash)
    names["hash_one"], names["new_hash_object"], names["hash_update"] = one, new, update


for _function in (hash_one, new_hash_object, hash_update):
    _function.__module__ = jug_hash.__name__  # as an argument it has the hash of today's
