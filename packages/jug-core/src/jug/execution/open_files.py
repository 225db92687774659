"""The files that user code has open, in which something may still be buffered.

A worker ends without the destructors with which Python would close them: in a forked
process these would also end what belongs to its parent.  So it flushes them.  Before a
fork they are flushed too, or both processes would write what is buffered.

The collector knows them, but for those that it no longer looks at since the jugfile was
read (`jug.execution.job`); therefore those that were seen are remembered.
"""

from __future__ import annotations

import gc
import io
import logging
import weakref
from typing import Any

log = logging.getLogger("jug.worker")

_FILE: type[Any] = io.IOBase.__base__  # of files written in C and in Python alike
_seen: weakref.WeakSet[Any] = weakref.WeakSet()


def flush_files() -> None:
    """Write out what is buffered in any open file; report what can't be written."""
    _seen.update(thing for thing in gc.get_objects() if issubclass(type(thing), _FILE))
    for file in list(_seen):
        try:
            file.flush()
        except OSError as error:
            log.error("what was written to %r is lost: %s", getattr(file, "name", file), error)
        except Exception:  # it is closed, say, or never was a file in earnest
            continue
