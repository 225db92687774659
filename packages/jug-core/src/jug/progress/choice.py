"""Which display shows the progress of what a program runs, without a command."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from importlib.util import find_spec
from typing import Final, TextIO

from jug.descriptors import is_in_background
from jug.errors import OptionError
from jug.progress.display import Display

__all__ = ["VARIABLE", "display_here"]

VARIABLE: Final = "JUG_PROGRESS"
"""The environment variable that says how progress is shown."""

_KINDS: Final = ("live", "plain", "none")


def display_here() -> Display | None:
    """Return a bar in a notebook, one line in a terminal, lines elsewhere; or as is wished.

    In the background of a terminal there are lines, as others write there.

    `JUG_PROGRESS` may wish for ``plain`` lines, or for ``none``.
    """
    kind = os.environ.get(VARIABLE, "").strip().lower()
    if kind and kind not in _KINDS:
        raise OptionError(f"the variable {VARIABLE}: {kind!r} must be one of {', '.join(_KINDS)}")
    if kind == "none" or sys.stderr is None:
        return None
    return _live_display() if kind != "plain" and _can_be_live() else _plain_display()


def _can_be_live() -> bool:
    from jug.progress.notebook import is_in_notebook

    is_terminal = _is_own_terminal(sys.stderr) and os.environ.get("TERM") != "dumb"
    return is_terminal or is_in_notebook()


def _is_own_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty() and not is_in_background(stream.fileno())
    except (AttributeError, OSError, ValueError):  # a program's own, to write to; closed
        return False


def _live_display() -> Display:
    from jug.progress.line import LineDisplay
    from jug.progress.notebook import NotebookDisplay, is_in_notebook

    if is_in_notebook() and find_spec("ipywidgets"):
        return NotebookDisplay(import_module("ipywidgets"))
    return LineDisplay(sys.stderr)


def _plain_display() -> Display:
    from jug.progress.plain import PlainDisplay

    return PlainDisplay(sys.stderr)
