"""The files that user code has open, in which something may still be buffered.

A worker ends without the destructors with which Python would close them: in a forked
process these would also end what belongs to its parent.  So it flushes them.  Before a
fork they are flushed too, or both processes would write what is buffered.

The collector knows them, until it is told to look at nothing that is there by now: so they
are noted before that.  The standard streams are files like these, but are there always;
what C code prints is buffered by the C library.
"""

from __future__ import annotations

import io
import os
import sys
import weakref
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from threading import Thread, active_count
from typing import Any, Final

from jug.execution.live_objects import objects_of
from jug.messages import Log

log = Log("worker")

_LONG: Final = 5.0  # seconds

FILE: Final[Any] = io.IOBase.__base__
"""What files written in C and in Python have in common."""

_noted: dict[int, weakref.ref[Any]] = {}
_may_be_locked = False


def note_files(found: Iterable[Any] | None = None) -> None:
    """Note the files that are open now, or these objects of `FILE`."""
    for file in objects_of(FILE) if found is None else found:
        _noted[id(file)] = weakref.ref(file)


def before_fork() -> None:
    """Write out what is buffered, which the forked process has a copy of."""
    global _may_be_locked
    _may_be_locked = active_count() > 1
    _flush_output()
    _write_out(reference() for reference in _noted.values())


def _flush_output() -> None:
    """Write out what was printed, as far as that is possible: the command itself will say."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):  # full; closed; none, or no file
            stream.flush()
    flush_c()


def flush_all() -> None:
    """Write out all that is buffered, as Python does at its end; report what can't be written.

    A file that another thread was writing at the moment of a fork stays locked in the
    process that was forked.  Where there may be one, it is not waited for without end.
    """
    _write_out([sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__])
    flush_c()
    inherited = dict(_noted) if _may_be_locked else {}
    note_files()
    _write_out(one() for key, one in _noted.items() if key not in inherited)
    if inherited:
        _write_out_if_free([one() for one in inherited.values()])


def _write_out_if_free(files: list[Any]) -> None:
    flushing = Thread(target=_write_out, args=(files,), daemon=True)
    flushing.start()
    flushing.join(_LONG)
    if flushing.is_alive():
        log.error("a file that was open before is locked: what tasks wrote to it may be lost")


def _write_out(files: Iterable[Any]) -> None:
    for file in files:
        try:
            if file is not None:
                file.flush()
        except OSError as error:
            log.error("what was written to %r is lost: %s", getattr(file, "name", file), error)
        except Exception:  # it is closed, say, or never was a file in earnest
            continue


def flush_c() -> None:
    """Write out what C code has printed, where the C library is at hand."""
    ctypes = sys.modules.get("ctypes")  # as in each worker, for `parent_death`
    if ctypes is not None and os.name == "posix":
        _c_library(ctypes).fflush(None)


@cache
def _c_library(ctypes: Any) -> Any:
    return ctypes.CDLL(None)
