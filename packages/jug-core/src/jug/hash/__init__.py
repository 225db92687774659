"""The hash by which a task, hence its result, is found again.

A wrong hash is a wrong result that nobody notices, so two values have one hash
only if they are of one type and equal, and equal values have one hash in every
process, on every machine, under every Python and numpy that we support.

Every value is encoded as a tag for its type and a frame that says where it ends;
what holds other values is encoded as the digest of its parts.  Dicts and sets
are sorted by the encodings of their items.  A task enters by its own digest
alone, so hashing a task never goes further than its arguments.  An object that
none of this fits is taken apart as by pickle; what cannot be taken apart the
same way in another process is refused.  docs/hashing.md has every byte of it.

>>> hash_one([1, 2]) == hash_one((1, 2))
False
"""

from __future__ import annotations

from binascii import hexlify
from collections.abc import Callable, Iterable
from itertools import chain
from types import FunctionType
from typing import Any, Final, Protocol, TypeVar

from jug.errors import HashError
from jug.hash.containers import leaves
from jug.hash.framing import digest, fresh, length, text
from jug.hash.functions import Lambda, is_plain
from jug.hash.names import function_name
from jug.hash.walk import Walk, encoding_of

__all__ = [
    "SCHEME_VERSION",
    "digest_function",
    "digest_one",
    "hash_one",
    "hash_update",
    "new_hash_object",
    "register",
    "task_digest",
]

SCHEME_VERSION: Final = 2
"""Enters every digest; a change of any encoding is a new version."""

_T = TypeVar("_T")

_VALUE: Final = b"jug%d:value:" % SCHEME_VERSION
_TASK: Final = b"jug%d:task:" % SCHEME_VERSION
_VERSIONED_TASK: Final = b"jug%d:versioned task:" % SCHEME_VERSION
_UPDATES: Final = b"jug%d:updates:" % SCHEME_VERSION

_MOST_BEGUN: Final = 10_000
_begun: dict[tuple[str, FunctionType, str, int], Callable[[], HashObject]] = {}
"""What gives the hash of a task as it begins, for functions that are nothing but a name."""


class HashObject(Protocol):
    """What ``new_hash_object`` gives: one of hashlib's."""

    def update(self, data: bytes, /) -> None: ...
    def digest(self) -> bytes: ...
    def hexdigest(self) -> str: ...


def digest_one(obj: Any) -> bytes:
    """Return the hash of any value as 20 bytes."""
    return digest(_VALUE + encoding_of(obj))


def hash_one(obj: Any) -> bytes:
    """Return the hash of any value as 40 hexadecimal digits.

    >>> hash_one({"a": 1, "b": 2}) == hash_one({"b": 2, "a": 1})
    True
    """
    return hexlify(digest_one(obj))


def digest_function(f: Callable[..., Any], allow_lambda: bool = False) -> bytes:
    """Return the hash of a function as 20 bytes, of a lambda by its source if that is allowed."""
    if not allow_lambda:
        return digest(_VALUE + Walk().encoding_of(f, inside=False))
    from jug.hash.lambdas import by_source

    return digest(_VALUE + Walk({Lambda: by_source}).encoding_of(f, inside=False))


def new_hash_object() -> HashObject:
    """Return an empty hash for ``hash_update`` to add to.

    >>> class Track:
    ...     def __init__(self, file):
    ...         self.file = file
    ...     def __jug_hash__(self):
    ...         M = new_hash_object()
    ...         hash_update(M, [("type", "Track"), ("file", self.file)])
    ...         return M.hexdigest().encode()
    >>> hash_one(Track("a")) == hash_one(Track("a"))
    True
    """
    state = fresh()
    state.update(_UPDATES)
    return state


def hash_update(M: HashObject, elems: Iterable[tuple[Any, Any]]) -> None:
    """Add labelled values to a hash, each framed, so that no two lists of them look alike.

    >>> one, other = new_hash_object(), new_hash_object()
    >>> hash_update(one, [("path", "ab"), ("name", "")])
    >>> hash_update(other, [("path", "a"), ("name", "b")])
    >>> one.digest() == other.digest()
    False
    """
    for label, element in elems:
        M.update(encoding_of(label) + encoding_of(element))


def register(cls: type[_T], function: Callable[[_T], Any]) -> None:
    """Let objects of a third party's class be hashed by what the function makes of them.

    The function gives any value that jug can hash and that says all there is to
    say about the object.  It holds for objects of exactly this class.

    >>> from collections import UserString
    >>> register(UserString, lambda string: string.data)
    >>> hash_one(UserString("a")) == hash_one("a")
    False
    """
    from jug.hash import objects

    objects.register(cls, function)


def task_digest(
    name: str,
    f: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any] | None,
    version: str = "",
) -> bytes:
    """Return the hash of a call as 20 bytes.

    ``name`` is what the user called the task, empty if it goes by its function's
    name; ``version`` is that of the function, if any.  The error that an argument
    cannot be hashed names the task and it.
    """
    begun = _begun.get((name, f, version, len(args))) if type(f) is FunctionType else None
    state = begun() if begun is not None else _begin(name, f, version, len(args))
    argument: Any = None
    try:
        for argument in args:
            leaf = leaves.get(type(argument))
            state.update(leaf(argument) if leaf is not None else encoding_of(argument))
        for keyword, argument in sorted(kwargs.items()) if kwargs else ():
            state.update(text(keyword) + encoding_of(argument))
    except HashError as error:
        places = chain(enumerate(args, 1), sorted((kwargs or {}).items()))
        place = next(place for place, value in places if value is argument)
        raise _about(error, f"argument {place!r}", name, f) from error
    return state.digest()


def _begin(name: str, f: Callable[..., Any], version: str, count: int) -> HashObject:
    """Return the hash of a task before its arguments, of which there are `count`."""
    kind = _VERSIONED_TASK + text(version) if version else _TASK
    state = fresh()
    try:
        state.update(kind + text(name) + Walk().encoding_of(f, inside=False) + length(count))
    except HashError as error:
        raise _about(error, "the function", name, f) from error
    if isinstance(f, FunctionType) and is_plain(f):
        if len(_begun) >= _MOST_BEGUN:  # functions made over and over, in reloaded modules
            _begun.clear()
        _begun[name, f, version, count] = state.copy().copy
    return state


def _about(error: HashError, part: str, name: str, f: Callable[..., Any]) -> HashError:
    task = name or function_name(f)
    return HashError(f"{part} of task {task!r}: {error}", task=task, part=part)
