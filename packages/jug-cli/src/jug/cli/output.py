"""What a command prints, to its end.

Python writes the last of the output as it ends, where a full disk is only a puzzling
remark.  So it is written while the command can still fail for it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper

import click

__all__ = ["written_output"]

_FAILED = 1


@contextmanager
def written_output() -> Iterator[None]:
    """Write what the block prints; end the program where the system refuses that, or a file.

    What the encoding of the output lacks is written as its code.
    """
    if isinstance(sys.stdout, TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        try:
            yield
        finally:
            _flush()
    except BrokenPipeError:  # nobody reads further, who needs no message
        sys.exit(_FAILED)
    except OSError as error:
        click.echo(f"Error: {_trouble(error)}", err=True)
        sys.exit(_FAILED)


def _flush() -> None:
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
    except OSError:
        sys.stdout = open(os.devnull, "w")  # or Python would try again as it ends
        raise


def _trouble(error: OSError) -> str:
    """Say what the system refused; what is not the name of a file is the output."""
    reason = error.strerror or str(error)
    if error.filename is None:
        return f"the output can't be written: {reason}"
    return f"{error.filename!r} can't be used: {reason}"
