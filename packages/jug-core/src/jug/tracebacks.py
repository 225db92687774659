"""What an exception looks like to a user: in one line, and as a traceback of their own code.

An exception is code of the user's too.  Its text may be endless, or raise when it is asked
for; neither may cost more than the task that raised it.
"""

from __future__ import annotations

import os
import sys
from itertools import dropwhile
from typing import TYPE_CHECKING, Final

from jug.errors import JugError, StoreError

if TYPE_CHECKING:
    from traceback import FrameSummary, TracebackException

_LONGEST_LINE: Final = 2_000  # characters
_LONGEST_TRACEBACK: Final = 100_000


def describe_exception(error: BaseException) -> str:
    """Return type and message on one line.

    >>> describe_exception(ValueError("no such thing"))
    'ValueError: no such thing'
    """
    kind = type(error)
    module = "" if kind.__module__ in ("builtins", "__main__") else f"{kind.__module__}."
    message = _shortened(" ".join(text_of(error).split()), _LONGEST_LINE)
    return f"{module}{kind.__qualname__}" + (f": {message}" if message else "")


def text_of(error: BaseException) -> str:
    """Return the message of an exception, or that it has none because making it raises.

    >>> text_of(ValueError("no such thing"))
    'no such thing'
    """
    try:
        return str(error)
    except Exception as raised:
        return f"<its text can't be made: {type(raised).__qualname__}>"


def own_traceback(error: BaseException) -> str:
    """Return the traceback without the frames at its start that are jug's own.

    An error that jug itself names is shown without any of jug's frames, one of a
    store also without what a library raised: it says all that matters of it.
    """
    import traceback

    shown = _taken_apart(error)
    frames = list(dropwhile(_is_jugs, shown.stack))
    if isinstance(error, JugError):
        frames = [frame for frame in frames if not _is_jugs(frame)]
    if isinstance(error, StoreError):
        shown.__cause__ = shown.__context__ = None
    shown.stack = traceback.StackSummary.from_list(frames)
    return _shortened("".join(shown.format()), _LONGEST_TRACEBACK)


def _taken_apart(error: BaseException) -> TracebackException:
    from traceback import TracebackException

    try:
        return TracebackException.from_exception(error)
    except Exception:  # an attribute of the exception raises when it is looked at
        plain = Exception(describe_exception(error))
        return TracebackException(Exception, plain, error.__traceback__)


def _is_jugs(frame: FrameSummary) -> bool:
    folders = sys.modules["jug"].__path__  # of all distributions
    return any(frame.filename.startswith(os.path.join(folder, "")) for folder in folders)


def _shortened(text: str, most: int) -> str:
    """Return the text, without its middle if it is longer than `most` characters."""
    if len(text) <= most:
        return text
    half = most // 2
    left_out = len(text) - 2 * half
    return f"{text[:half]} … ({left_out} characters are left out) … {text[-half:]}"
