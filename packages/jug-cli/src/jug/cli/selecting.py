"""What commands do where the name or pattern that they were given fits no task.

A misspelt name is an error: `jug invalidate --name … && jug execute` would go on with
the old results.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, Final

import click

from jug.cli.reading import warn_of_barrier
from jug.errors import OptionError

if TYPE_CHECKING:
    from jug.jugfile import Jugspace
    from jug.selection import Selection
    from jug.task.graph import Graph

allow_none: Final = click.option(
    "--allow-none", is_flag=True, help="Accept a name or pattern that fits no task."
)


def tell_no_match(message: str, allowed: bool) -> None:
    """Say that nothing fits: an error unless it is allowed."""
    if not allowed:
        raise OptionError(f"{message} (--allow-none accepts it)")
    click.echo(f"jug: {message}", err=True)


def selecting(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that choose tasks, and the argument `chosen`."""

    @wraps(function)
    def command(
        *args: Any, name: tuple[str, ...], pattern: tuple[str, ...], allow_none: bool, **others: Any
    ) -> None:
        from jug.selection import selection

        chosen = Chosen(selection(name or None, pattern or None), allow_none)
        function(*args, chosen=chosen, **others)

    for add in (allow_none, _PATTERN, _NAME):
        command = add(command)
    return command


_NAME: Final = click.option(
    "--name", "--target", "--invalid", "name", metavar="NAME", multiple=True,
    help="The tasks of this name: in full or from a dot on, with wildcards; may be repeated.",
)  # fmt: skip
_PATTERN: Final = click.option(
    "--pattern", metavar="PATTERN", multiple=True,
    help="The tasks whose names contain PATTERN, or fit a /regex/; may be repeated.",
)  # fmt: skip


@dataclass(frozen=True)
class Chosen:
    """The tasks that a command line means."""

    selection: Selection | None
    """What chooses, None for all tasks."""
    allow_none: bool

    def numbers(self, graph: Graph, jugspace: Jugspace) -> list[int]:
        """Return the numbers of these tasks in a graph; say so if a name fits none.

        That is an error, unless it is allowed or there may be such tasks beyond a barrier.
        """
        from jug.selection import no_match

        selected = self.selection
        if selected is None:
            return [*range(len(graph))]
        if unmatched := no_match(selected, graph.names()):
            warn_of_barrier(jugspace)
            tell_no_match(unmatched, self.allow_none or bool(jugspace.barrier_tasks))
        return [number for number, name in enumerate(graph.names()) if selected(name)]
