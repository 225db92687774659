"""How the process of a worker ends: as a Python does, as far as its user can tell.

It waits for the threads that tasks have started, calls the functions that are
registered for its exit, and flushes open files.  What it has from the parent of a fork
it leaves to that: a pool, or a folder that is removed with the object it belongs to.
"""

from __future__ import annotations

import atexit
import sys
import threading
import weakref

from jug.execution.open_files import flush_files, note_files


def leave() -> None:
    """Do all that Python does at its end but for ending."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    note_files()
    flush_files()


def leave_to_parent() -> None:
    """Take no care of the objects of a process that this one was just forked from."""
    for finalizer in list(weakref.finalize._registry):  # type: ignore[attr-defined]
        finalizer.atexit = False
    processes = sys.modules.get("multiprocessing.process")
    if processes is not None:
        processes._children = set()  # type: ignore[attr-defined]


def forget_exit_functions() -> None:
    """Keep of all exit functions only those of the standard library: a script's are for its end."""
    atexit._clear()
    atexit.register(weakref.finalize._exitfunc)  # type: ignore[attr-defined]
    util = sys.modules.get("multiprocessing.util")
    if util is not None:
        atexit.register(util._exit_function)
