"""Which store a URL names.

A distribution brings a store by an entry point in the group ``jug.stores``: its
name is the URL's scheme, its value a class with a classmethod
``open(url, **options)``, or a function of that shape.  The stores that come
with jug enter by the same door.

    DIR, file:DIR             a directory (jug-file); ~ is the home
    dict_store                the memory of this process
    dict_store:FILE           the same, kept in a file between runs
    redis://HOST, …           a server (jug-redis)

What looks like a URL of an unknown scheme is an error: a directory whose name
has a colon in it is written ``./a:b``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from os import PathLike, fspath
from os.path import expanduser
from typing import Any, Final

from jug.backends.base import BaseStore
from jug.collector import importing
from jug.errors import JugError, OptionError, StoreError, UnknownStore
from jug.installed import EntryPoint, entry_points, offered_by
from jug.tracebacks import describe_exception

__all__ = ["load_store", "open_store", "scheme_of", "schemes"]

GROUP: Final = "jug.stores"

# One letter before a colon is a drive of Windows.
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9_+.-]+):")

_OF_FILES: Final = ("file", "file_keepalive", "dict_store")

_OURS: Final = {
    "dict_store": "jug-core",
    "file": "jug-file",
    "file_keepalive": "jug-file",
    "redis": "jug-redis",
    "rediss": "jug-redis",
    "redis+cluster": "jug-redis",
    "redis+sentinel": "jug-redis",
    "rediss+cluster": "jug-redis",
    "rediss+sentinel": "jug-redis",
    "unix": "jug-redis",
}


def open_store(url: str | PathLike[str] | BaseStore, **options: Any) -> BaseStore:
    """Return the store that a path or URL names; a store is returned as it is.

    >>> open_store("dict_store")
    <DictStore dict_store>
    """
    if isinstance(url, BaseStore):
        if options:
            raise OptionError(
                f"{url!r} is open already: give its options where it is opened", options=options
            )
        return url
    if not isinstance(url, str):
        return _open("file", f"file:{fspath(url)}", options)
    return _open(*_split(url), options)


def load_store(url: str) -> None:
    """Import what opens a URL; raise what `open_store` would, if that can't be done."""
    _opener(scheme_of(url))


def schemes() -> dict[str, EntryPoint]:
    """Return the URL schemes of all installed stores.

    >>> schemes()["dict_store"].value
    'jug.backends.dict_store:DictStore'
    """
    return entry_points(GROUP)


def scheme_of(url: str) -> str:
    """Return the scheme of a URL in small letters, that of a directory for a plain path.

    >>> scheme_of("REDIS://example.org"), scheme_of("primes.jugdata")
    ('redis', 'file')
    """
    return _split(url)[0]


def _split(url: str) -> tuple[str, str]:
    """Return the scheme, in small letters, and the whole URL, of what may be a plain path."""
    if url == "dict_store":
        return url, url
    if not url:
        raise OptionError("'' names no store: give a directory or a URL", url=url)
    match = _SCHEME.match(url)
    if match is None:
        return "file", f"file:{expanduser(url)}"
    scheme = match[1].lower()
    rest = url[match.end() :]
    return scheme, f"{scheme}:{expanduser(rest) if scheme in _OF_FILES else rest}"


def _open(scheme: str, url: str, options: dict[str, Any]) -> BaseStore:
    return _opener(scheme)(url, **options)


@cache  # a worker that is forked has it from its parent
def _opener(scheme: str) -> Callable[..., BaseStore]:
    """Return what opens the URLs of a scheme."""
    found = _load(_entry_of(scheme))
    opener: Callable[..., BaseStore] = getattr(found, "open", found)
    return opener


def _entry_of(scheme: str) -> EntryPoint:
    """Return what opens a scheme; jug's own are looked for first, and alone, as that is quick."""
    ours = offered_by(_OURS[scheme], GROUP) if scheme in _OURS else {}
    known = ours if scheme in ours else schemes()
    if scheme not in known:
        raise UnknownStore(_advice(scheme), scheme=scheme)
    return known[scheme]


def _load(entry: EntryPoint) -> Any:
    try:
        with importing():
            return entry.load()
    except JugError:
        raise
    except (Exception, SystemExit) as error:
        why = describe_exception(error)
        message = f"the store {entry.name!r} of {entry.owner} can't be loaded: {why}"
        raise StoreError(message) from error


def _advice(scheme: str) -> str:
    """Say how to get a store of this scheme; never the URL, which may hold a password."""
    if scheme in _OURS:
        return f"no store for {scheme!r} is installed: install {_OURS[scheme]}"
    known = ", ".join(sorted(schemes()))
    return (
        f"no store for {scheme!r}, only for {known}: install the distribution that brings it, "
        f"or write './{scheme}:…' if a directory of that name is meant"
    )
