"""Commands that other distributions bring, by entry points in the group ``jug.commands``.

One that can't be loaded stops nothing else: another command stands in its place,
which says why.  What it raises may be anything, even what Ctrl-C raises; so it is noted
whether that was pressed.
"""

from __future__ import annotations

import signal
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

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
    with noting_ctrl_c() as presses:
        try:
            with without_collector():
                command = entry.load()
            if not isinstance(command, click.Command):
                raise TypeError(f"{entry.value} is no click command")
            require_listable(command)
        except BaseException as error:  # some libraries have exceptions that are no `Exception`
            if presses:  # though it may have made something else of that
                whose = f"the command {entry.name!r} of {entry.owner}"
                click.echo(f"jug: interrupted while {whose} was loaded", err=True)
                raise KeyboardInterrupt from error
            return _stand_in(entry, describe_exception(error))
    return command


@contextmanager
def noting_ctrl_c() -> Iterator[list[int]]:
    """Yield a list that gets an item where Ctrl-C is pressed, which does what it did before."""
    former, presses = signal.getsignal(signal.SIGINT), list[int]()

    def note(signum: int, frame: FrameType | None) -> None:
        presses.append(signum)
        if callable(former):
            former(signum, frame)

    with suppress(ValueError):  # in a thread where no signal comes
        if callable(former):
            signal.signal(signal.SIGINT, note)
    try:
        yield presses
    finally:
        if signal.getsignal(signal.SIGINT) is note:
            signal.signal(signal.SIGINT, former)


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
