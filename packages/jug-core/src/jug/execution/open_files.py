"""The files that user code has open, in which something may still be buffered.

A worker ends without the destructors with which Python would close them: in a forked
process these would also end what belongs to its parent.  So it flushes them.  Before a
fork they are flushed too, or both processes would write what is buffered.

The collector knows them, until it is told to look at nothing that is there by now: so they
are noted before that.
"""

from __future__ import annotations

import gc
import io
import weakref
from typing import Any, Final

from jug.messages import Log

log = Log("worker")

_FILE: Final[Any] = io.IOBase.__base__  # of files written in C and in Python alike
_noted: dict[int, weakref.ref[Any]] = {}


def note_files() -> None:
    """Note the files that are open now."""
    for thing in gc.get_objects():
        if issubclass(type(thing), _FILE):
            _noted[id(thing)] = weakref.ref(thing)


def flush_files() -> None:
    """Write out what is buffered in the files that were noted; report what can't be written."""
    for reference in _noted.values():
        file = reference()
        try:
            if file is not None:
                file.flush()
        except OSError as error:
            log.error("what was written to %r is lost: %s", getattr(file, "name", file), error)
        except Exception:  # it is closed, say, or never was a file in earnest
            continue
