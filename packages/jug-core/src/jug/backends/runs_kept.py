"""How many runs of a task are remembered beside the one that counts, in every store."""

from __future__ import annotations

import os
from typing import Final

from jug.errors import OptionError

VARIABLE: Final = "JUG_RUNS_KEPT"
DEFAULT: Final = 3


def runs_kept(given: int | None) -> int:
    """Return the number that was given, else that of the environment, else the default.

    >>> runs_kept(5)
    5
    """
    text = (os.environ.get(VARIABLE) or DEFAULT) if given is None else given
    try:
        count = int(text)
    except ValueError:
        count = -1
    if count < 0:
        what = f"{VARIABLE} is" if given is None else "the number of runs to keep is"
        raise OptionError(f"{what} {text!r}: give a number, 0 for none", runs_kept=text)
    return count
