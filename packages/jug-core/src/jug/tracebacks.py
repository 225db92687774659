"""What an exception looks like to a user: in one line, and as a traceback of their own code."""

from __future__ import annotations

import os
import sys
from itertools import dropwhile
from typing import TYPE_CHECKING

from jug.errors import JugError, StoreError

if TYPE_CHECKING:
    from traceback import FrameSummary


def describe_exception(error: BaseException) -> str:
    """Return type and message on one line.

    >>> describe_exception(ValueError("no such thing"))
    'ValueError: no such thing'
    """
    kind = type(error)
    module = "" if kind.__module__ in ("builtins", "__main__") else f"{kind.__module__}."
    message = " ".join(str(error).split())
    return f"{module}{kind.__qualname__}" + (f": {message}" if message else "")


def own_traceback(error: BaseException) -> str:
    """Return the traceback without the frames at its start that are jug's own.

    An error that jug itself names is shown without any of jug's frames, one of a
    store also without what a library raised: it says all that matters of it.
    """
    import traceback

    shown = traceback.TracebackException.from_exception(error)
    frames = list(dropwhile(_is_jugs, shown.stack))
    if isinstance(error, JugError):
        frames = [frame for frame in frames if not _is_jugs(frame)]
    if isinstance(error, StoreError):
        shown.__cause__ = shown.__context__ = None
    shown.stack = traceback.StackSummary.from_list(frames)
    return "".join(shown.format())


def _is_jugs(frame: FrameSummary) -> bool:
    folders = sys.modules["jug"].__path__  # of all distributions
    return any(frame.filename.startswith(os.path.join(folder, "")) for folder in folders)
