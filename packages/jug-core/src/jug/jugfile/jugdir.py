"""Which store a jugfile uses."""

from __future__ import annotations

import os
import re
import time
from typing import Any, Final

from jug.backends.base import BaseStore
from jug.backends.registry import open_store, scheme_of
from jug.errors import OptionError
from jug.jugfile.reading import module_name
from jug.session import use_store

DEFAULT_JUGDIR: Final = "%(jugfile)s.jugdata"

_PLACEHOLDER: Final = re.compile(r"(%\(jugfile\)s|%\(date\)s|%%)")


def jugdir_of(jugfile: str | os.PathLike[str], pattern: str = DEFAULT_JUGDIR) -> str:
    """Return the jugdir that a pattern means for a jugfile.

    `%(jugfile)s` stands for the jugfile's path without .py, `%(date)s` for today's date.

    >>> jugdir_of("work/primes.py")
    'work/primes.jugdata'
    >>> jugdir_of("primes.py", "/scratch/%(jugfile)s")
    '/scratch/primes'
    """
    fillings = {
        "%(jugfile)s": os.fspath(jugfile).removesuffix(".py"),
        "%(date)s": time.strftime("%Y-%m-%d"),
        "%%": "%",
    }
    pieces = _PLACEHOLDER.split(pattern)
    is_url = "://" in pattern  # it has a use of its own for %, and may hold a secret
    if not is_url and any("%" in piece for piece in pieces[::2]):
        raise OptionError(
            f"jugdir {pattern!r} can't be filled in: only %(jugfile)s and %(date)s may stand "
            "there, and a plain % is written %%",
            jugdir=pattern,
        )
    return "".join(fillings.get(piece, piece) for piece in pieces)


def store_options(
    jugfile: str | os.PathLike[str],
    jugdir: str | os.PathLike[str],
    lease_seconds: float | None = None,
    prefix: str | None = None,
    runs_kept: int | None = None,
    patience: float | None = None,
) -> dict[str, Any]:
    """Return the options with which a jugfile's store is opened: those that its kind takes.

    `patience` is for how many seconds a server that is away is waited for.

    >>> store_options("work/primes.py", "redis://localhost", lease_seconds=60)
    {'lease_seconds': 60, 'prefix': 'primes'}
    """
    scheme = scheme_of(os.fspath(jugdir))
    found: dict[str, Any] = {}
    if lease_seconds is not None and scheme != "dict_store":
        found["lease_seconds"] = lease_seconds
    if runs_kept is not None:
        found["runs_kept"] = runs_kept
    if scheme.partition("+")[0] in ("redis", "rediss", "unix"):
        found["prefix"] = prefix or module_name(jugfile)
        if patience is not None:
            found["patience"] = patience
    return found


def set_jugdir(jugdir: str | os.PathLike[str] | BaseStore) -> BaseStore:
    """Use this store from now on, and return it: a folder, a URL or a store object.

    >>> set_jugdir("dict_store")
    <DictStore dict_store>
    """
    store = open_store(jugdir)
    use_store(store)
    return store
