"""Whether two paths, written down at different times and on different hosts, are of one jugfile."""

from __future__ import annotations

import os

from jug.jugfile import module_name

__all__ = ["is_same_jugfile"]


def is_same_jugfile(noted: str, own: str) -> bool:
    """Return whether a jugfile that was noted is this one, which may have been moved since.

    One that is not there under its former path, or has it on another host alone, is known
    by its name.

    >>> is_same_jugfile("/no/such/folder/primes.py", "primes.py")
    True
    >>> is_same_jugfile("/no/such/folder/plots.py", "primes.py"), is_same_jugfile("", "primes.py")
    (False, False)
    """
    noted = _as_here(noted)
    if not noted or module_name(noted) != module_name(own):
        return False
    return os.path.realpath(noted) == os.path.realpath(own) or not os.path.isfile(noted)


def _as_here(noted: str) -> str:
    """Return a path as this process would write it, whose encoding may lack a letter of it."""
    return os.fsdecode(noted.encode("utf-8", "surrogateescape"))
