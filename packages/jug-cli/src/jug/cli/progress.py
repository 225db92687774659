"""Which display shows the progress of a command, and where: on the standard error.

A block that is drawn over again needs a terminal that can move its cursor, and nobody else
who writes to it: what goes into a pipe, as in ``jug execute primes.py | cat``, is likely to
end on the same terminal, and behind ``&`` the shell and other commands write there.  Where it
can't be drawn there are lines.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, Final, TextIO

import click

from jug.descriptors import is_in_background
from jug.options import DISPLAYS

if TYPE_CHECKING:
    from jug.progress import Display

__all__ = ["progress_option", "shown_progress"]

progress_option: Final = click.option(
    "--progress",
    type=click.Choice(DISPLAYS, case_sensitive=False),
    help="How to show progress: a live block in a terminal, plain lines, or none.",
)


@contextmanager
def shown_progress(kind: str | None) -> Iterator[Display | None]:
    """Yield the display of a kind, by which jug tells meanwhile what it tells; None for none."""
    stream = sys.stderr
    if kind == "none" or stream is None:
        yield None
    elif kind != "plain" and _can_be_live(stream):
        from jug.live import LiveDisplay  # heavy
        from jug.messages import telling_through

        display = LiveDisplay(stream)
        with telling_through(lambda data: display.write(stream.fileno(), data)), closing(display):
            yield display
    else:
        from jug.progress.plain import PlainDisplay

        yield PlainDisplay(stream)


def _can_be_live(stream: TextIO) -> bool:
    if os.environ.get("TERM", "") in ("", "dumb") or not stream.isatty():
        return False
    return not (_is_pipe(sys.stdout) or is_in_background(stream.fileno()))


def _is_pipe(stream: Any) -> bool:
    try:
        return stat.S_ISFIFO(os.fstat(stream.fileno()).st_mode)
    except (AttributeError, OSError, ValueError):  # it is closed, or no file
        return False
