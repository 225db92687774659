"""Which store a jugfile uses."""

from __future__ import annotations

import os
import re
import time
from typing import Final

from jug.backends.base import BaseStore
from jug.backends.registry import open_store
from jug.errors import OptionError
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


def set_jugdir(jugdir: str | os.PathLike[str] | BaseStore) -> BaseStore:
    """Use this store from now on, and return it: a folder, a URL or a store object.

    >>> set_jugdir("dict_store")
    <DictStore dict_store>
    """
    store = open_store(jugdir)
    use_store(store)
    return store
