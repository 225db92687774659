"""Commands that other distributions bring, by entry points in the group ``jug.commands``.

One that can't be loaded stops nothing else: another command stands in its place,
which says why.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

import click

from jug.collector import without_collector
from jug.errors import JugError
from jug.installed import EntryPoint, entry_points, offers
from jug.tracebacks import describe_exception


def find_installed_commands() -> dict[str, EntryPoint]:
    """Return the commands of other distributions by name, not loaded yet."""
    return entry_points("jug.commands")


def clashes(own: Collection[str]) -> Iterator[str]:
    """Yield a line for each command that isn't used, as another has its name."""
    for name, found in offers("jug.commands").items():
        user = "jug" if name in own else found[0].owner
        for one in found if name in own else found[1:]:
            yield f"the command {name!r} of {one.owner} isn't used: {user} has one of that name"


def load(entry: EntryPoint) -> click.Command:
    """Return a command, or one that says why it can't be loaded."""
    try:
        with without_collector():
            command = entry.load()
        if not isinstance(command, click.Command):
            raise TypeError(f"{entry.value} is no click command")
        require_listable(command)
    except KeyboardInterrupt:
        whose = f"the command {entry.name!r} of {entry.owner}"
        click.echo(f"jug: interrupted while {whose} was loaded", err=True)
        raise
    except BaseException as error:  # some libraries have exceptions that are none of `Exception`
        return _stand_in(entry, describe_exception(error))
    return command


def require_listable(command: click.Command) -> None:
    """Raise what `jug --help` would raise where it lists a command."""
    if not isinstance(command.get_short_help_str(80), str):
        raise TypeError("its short help is no text")


def _stand_in(entry: EntryPoint, reason: str) -> click.Command:
    def say_why() -> None:
        raise JugError(f"the command {entry.name!r} of {entry.owner} can't be loaded: {reason}")

    return click.Command(
        entry.name,
        callback=say_why,
        short_help=f"(can't be loaded: {reason})",
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
        add_help_option=False,
    )
