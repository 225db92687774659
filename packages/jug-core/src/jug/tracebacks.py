"""What an exception looks like to a user: in one line, and as a traceback of their own code.

An exception is code of the user's too.  Its text may be endless, or raise when it is asked
for; neither may cost more than the task that raised it.
"""

from __future__ import annotations

import os
import sys
from itertools import dropwhile
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from jug.errors import JugError, StoreError

if TYPE_CHECKING:
    from traceback import FrameSummary

_LONGEST_LINE: Final = 2_000  # characters
_LONGEST_TRACEBACK: Final = 100_000


def describe_exception(error: BaseException) -> str:
    """Return type and message on one line.

    >>> describe_exception(ValueError("no such thing"))
    'ValueError: no such thing'
    """
    kind = type(error)
    known = kind.__module__ in ("builtins", "__main__", None)
    name = _shortened(kind.__qualname__ if known else f"{kind.__module__}.{kind.__qualname__}", 500)
    message = _shortened(" ".join(text_of(error).split()), _LONGEST_LINE)
    return ": ".join([name, *([message] if message else []), *_advice_in(error)])


class Advice(str):
    """A note on an exception that says what to do, and stands on its one line as well."""

    __slots__ = ()


def _advice_in(error: BaseException) -> list[Advice]:
    try:
        return [note for note in error.__notes__ if isinstance(note, Advice)]
    except BaseException:  # there are none, or they are not what they should be
        return []


def text_of(error: BaseException) -> str:
    """Return the message of an exception, or that it has none because making it raises.

    >>> text_of(ValueError("no such thing"))
    'no such thing'
    """
    try:
        return str(error)
    except BaseException as raised:  # also what ends programs must not be raised by a text
        return f"<its text can't be made: {type(raised).__qualname__}>"


def own_traceback(error: BaseException) -> str:
    """Return the traceback without the frames at its start that are jug's own.

    An error that jug itself names is shown without any of jug's frames, one of a
    store also without what a library raised: it says all that matters of it.
    """
    try:
        return _formatted(error)
    except BaseException:  # an attribute of the exception raises, or is not what it should be
        frames: Any = BaseException.__traceback__
        return _formatted(Exception(describe_exception(error)), frames.__get__(error))


def _formatted(error: BaseException, frames_of: TracebackType | None = None) -> str:
    from traceback import StackSummary, TracebackException

    shown = TracebackException(type(error), error, frames_of or error.__traceback__)
    frames = list(dropwhile(_is_jugs, shown.stack))
    if isinstance(error, JugError):
        frames = [frame for frame in frames if not _is_jugs(frame)]
    if isinstance(error, StoreError):
        shown.__cause__ = shown.__context__ = None
    shown.stack = StackSummary.from_list(frames)
    return _shortened("".join(shown.format()), _LONGEST_TRACEBACK)


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
