"""What commands do where the name or pattern that they were given fits no task.

A misspelt name is an error: `jug invalidate --name … && jug execute` would go on with
the old results.
"""

from __future__ import annotations

from typing import Final

import click

from jug.errors import OptionError

allow_none: Final = click.option(
    "--allow-none", is_flag=True, help="Accept a name or pattern that fits no task."
)


def tell_no_match(message: str, allowed: bool) -> None:
    """Say that nothing fits: an error unless it is allowed."""
    if not allowed:
        raise OptionError(f"{message} (--allow-none accepts it)")
    click.echo(f"jug: {message}", err=True)
