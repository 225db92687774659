"""The end of a command in whose process no code of the user's has run.

As it ends Python lets go of all that was imported, one object after the other: a twentieth of
the time of a run that finds everything done.  Of what is jug's own the system takes the memory
back at once.  All else that Python does at its end is done, as in each worker
(`jug.execution.leaving`).

That is for the program `jug`.  Where another one calls the command, such as a profiler, a test
or a notebook, it goes on, and Python ends as always.
"""

from __future__ import annotations

import os
import sys
from inspect import currentframe
from types import FrameType

__all__ = ["end_without_teardown", "note_all_is_own"]

_PROGRAM = "jug"
_CALLING = ("click.core", "jug.cli")

_is_all_own = False


def note_all_is_own() -> None:
    """Note that what a command leaves in this process is jug's own."""
    global _is_all_own
    _is_all_own = True


def end_without_teardown(end: SystemExit) -> None:
    """End the process if all is jug's own in it, and it is for nothing but the command."""
    if _is_all_own and isinstance(end.code, int) and _is_program(currentframe()):
        from jug.execution.leaving import end_process, leave

        leave()
        end_process(end.code)


def _is_program(frame: FrameType | None) -> bool:
    """Return whether the program `jug` is what called the command, and nothing else that."""
    while frame is not None and _module_of(frame).startswith(_CALLING):
        frame = frame.f_back
    if frame is None or frame.f_back is not None or sys.flags.inspect:
        return False
    return os.path.basename(frame.f_code.co_filename) == _PROGRAM


def _module_of(frame: FrameType) -> str:
    """Return the name of a frame's module, which what is run by `exec` need not have."""
    return str(frame.f_globals.get("__name__", ""))
