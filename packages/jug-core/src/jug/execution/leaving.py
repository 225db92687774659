"""How the process of a worker ends: as a Python does, as far as its user can tell.

It waits for the threads that tasks have started, calls the functions that are
registered for its exit, and flushes open files.  What it has from the parent of a fork
it leaves to that: a pool, or a folder that is removed with the object it belongs to.

A worker that has read the jugfile itself has nothing of the user's from its parent.  There
what the jugfile holds goes as well, since a file of a library may be written only when its
object goes; and the exit functions of libraries in C are called.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import sys
import threading
import weakref
from types import ModuleType
from typing import Final, NoReturn

from jug.code.modules import loaded_since
from jug.execution.open_files import flush_all

_LIBRARY: Final = os.path.join(os.path.dirname(os.__file__), "")
"""Where Python's own library is."""
_PACKAGES: Final = {"site-packages", "dist-packages"}
"""What the folders are called into which packages are installed."""


def leave() -> None:
    """Do all that Python does at its end for what a process has from its parent, or shares."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    flush_all()


def end_own(status: int, last: str) -> NoReturn:
    """End a process, which did `leave`, with all that user code has made in it.

    `last` is the module that was the last to be loaded before the first of the user's.
    """
    for name in reversed(loaded_since(last)):
        module = sys.modules.get(name)
        if isinstance(module, ModuleType) and _is_users(module):
            _empty(module)
    end_process(status)


def end_process(status: int) -> NoReturn:
    """End the process with the exit functions of libraries in C, and nothing of Python's."""
    if os.name == "posix":
        ctypes.CDLL(None).exit(status)
    os._exit(status)


def _is_users(module: ModuleType) -> bool:
    """Return whether a module is user code, and no part of Python or of an installed package."""
    names = module.__dict__  # asked for an attribute, some modules import others
    file, name = names.get("__file__"), names.get("__name__")
    if not isinstance(file, str) or str(name).partition(".")[0] == "jug":
        return False
    return not (file.startswith(_LIBRARY) or _PACKAGES.intersection(file.split(os.sep)))


def _empty(module: ModuleType) -> None:
    """Let go of what a module's names hold, in the order in which Python does it."""
    for is_private in (True, False):
        for name in list(module.__dict__):
            if not name.startswith("__") and (name.startswith("_") or not is_private):
                module.__dict__[name] = None


def leave_to_parent() -> None:
    """Take no care of the objects of a process that this one was just forked from."""
    for finalizer in list(weakref.finalize._registry):  # type: ignore[attr-defined]
        finalizer.atexit = False
    processes = sys.modules.get("multiprocessing.process")
    if processes is not None:
        processes._children = set()  # type: ignore[attr-defined]
    pools = sys.modules.get("concurrent.futures.thread")
    if pools is not None:  # of which this may be a thread
        pools._threads_queues.clear()


def forget_exit_functions() -> None:
    """Keep of all exit functions only those of the standard library.

    What user code has registered before the fork is for the end of the process that did it.
    """
    atexit._clear()
    atexit.register(weakref.finalize._exitfunc)  # type: ignore[attr-defined]
    util = sys.modules.get("multiprocessing.util")
    if util is not None:
        atexit.register(util._exit_function)
