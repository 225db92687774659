"""Where a command stands, whatever folder its jugfile or a task changes to.

A relative path on the command line or in the configuration, the jugdir first of all,
is one in the folder in which the command began, and there a jugfile is read, each time.
Tasks run where the jugfile has left its worker.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def standing_in(folder: str) -> Iterator[None]:
    """Make this the working directory of the block.

    The one before is kept open, as it may have no name any more.
    """
    before = os.open(os.curdir, os.O_RDONLY)
    try:
        os.chdir(folder)
        yield
    finally:
        os.fchdir(before)
        os.close(before)
