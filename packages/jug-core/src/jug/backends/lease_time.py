"""After what time without a heartbeat a worker is taken for dead, in every store."""

from __future__ import annotations

import os
from typing import Final

from jug.errors import OptionError

VARIABLE: Final = "JUG_LEASE_SECONDS"
DEFAULT: Final = 120.0


def lease_seconds(given: float | None) -> float:
    """Return the lease time that was given, else that of the environment, else the default.

    >>> lease_seconds(30)
    30.0
    """
    text = (os.environ.get(VARIABLE) or DEFAULT) if given is None else given
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        what = f"{VARIABLE} is" if given is None else "the lease time is"
        raise OptionError(f"{what} {text!r}: give a number of seconds above 0", lease_seconds=text)
    return seconds
