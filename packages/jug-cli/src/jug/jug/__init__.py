"""Running the command `jug` from Python."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from jug._former import tell_what_is_gone
from jug.cli import main as _command
from jug.cli import main_execute
from jug.jugfile import init, is_jug_running

__all__ = ["init", "is_jug_running", "main", "main_execute"]


def main(argv: Sequence[str] | None = None) -> None:
    """Run a `jug` command line, of which the first word is the program's own name.

    Comes back if the exit status is 0, else raises `SystemExit` with it.

    >>> main(["jug", "--version"])  # doctest: +ELLIPSIS
    jug...
    """
    arguments = list(sys.argv if argv is None else argv)
    try:
        _command(arguments[1:], prog_name="jug")
    except SystemExit as ending:
        if ending.code:
            raise


tell_what_is_gone(__name__)
