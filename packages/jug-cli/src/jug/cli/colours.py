"""Colours of states, wherever commands show them.

`click.echo` takes them out again where no terminal is.
"""

from __future__ import annotations

import os
from typing import Final

import click

__all__ = ["painted"]

_COLOURS: Final = {
    "failed": "red",
    "died": "red",
    "lost": "red",
    "retried": "yellow",
    "silent": "red",
    "gone": "red",
    "running": "green",
    "stale": "yellow",
    "added": "green",
    "removed": "red",
    "place": "cyan",
}


def painted(state: str, text: str) -> str:
    """Return the text in the colour of a state, unless the user wants none."""
    is_plain = "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb"
    colour = None if is_plain else _COLOURS.get(state)
    return click.style(text, fg=colour) if colour else text
