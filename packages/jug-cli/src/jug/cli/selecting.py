"""Choosing tasks on the command line, alike in every command that works on some of them.

    @jugfile_command(epilog=...)
    @selecting
    def command(options: Options, chosen: Chosen) -> None:
        with reading(options) as jugspace:
            graph = Graph(jugspace.tasks)
            numbers = chosen.numbers(graph, jugspace)

A misspelt name is an error: `jug invalidate --name … && jug execute` would go on with
the old results.  That nothing has failed is none.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from jug.cli.reading import warn_of_barrier
from jug.errors import OptionError
from jug.named_tuple import NamedTuple

if TYPE_CHECKING:
    from jug.jugfile import Jugspace
    from jug.selection import Selection
    from jug.task import Task
    from jug.task.graph import Graph

__all__ = ["Chosen", "selecting", "selection_options", "tell_no_match"]

Function = Callable[..., Any]


def selection_options(prefix: str = "") -> Callable[[Function], Function]:
    """Return what adds the options that choose tasks, with parameters of this prefix."""
    options = (
        click.option(
            "--name", "--target", "--invalid", f"{prefix}name", metavar="NAME", multiple=True,
            help="The tasks of this name: in full or from a dot on, with wildcards; or one call, "
            "such as 'measure(1)'; may be repeated.",
        ),
        click.option(
            "--pattern", f"{prefix}pattern", metavar="PATTERN", multiple=True,
            help="The tasks whose names contain PATTERN, or fit a /regex/; may be repeated.",
        ),
        click.option(
            "--tag", f"{prefix}tag", metavar="TAG", multiple=True,
            help="Of these, those with this tag; may be repeated.",
        ),
        click.option(
            "--without-tag", f"{prefix}without_tag", metavar="TAG", multiple=True,
            help="None with this tag; may be repeated.",
        ),
        click.option(
            "--failed", f"{prefix}failed", is_flag=True, help="Of these, those that have failed.",
        ),
        click.option(
            "--downstream", f"{prefix}downstream", is_flag=True,
            help="Also all that depends on what is chosen so, directly or not.",
        ),
        click.option(
            "--allow-none", is_flag=True, help="Accept a name, pattern or tag that fits no task."
        ),
    )  # fmt: skip

    def add(function: Function) -> Function:
        for option in reversed(options):
            function = option(function)
        return function

    return add


class Chosen(NamedTuple):
    """The tasks that a command line means."""

    selection: Selection | None
    """What chooses, None for all tasks."""
    allow_none: bool

    def numbers(self, graph: Graph, jugspace: Jugspace) -> list[int]:
        """Return the numbers of these tasks in a graph; say so if a name fits none.

        That is an error, unless it is allowed or there may be such tasks beyond a barrier.
        """
        if self.selection is None:
            return list(range(len(graph)))
        unmatched = self.selection.no_match(graph)
        if unmatched:
            warn_of_barrier(jugspace)
            tell_no_match(unmatched, self.allow_none or bool(jugspace.barrier_tasks))
        return self.selection.numbers(graph)

    def tasks(self, jugspace: Jugspace) -> list[Task[Any]]:
        """Return these tasks; without a choice those that the jugfile makes."""
        if self.selection is None:
            return jugspace.tasks
        from jug.task.graph import Graph

        graph = Graph(jugspace.tasks)
        return [graph.tasks[number] for number in self.numbers(graph, jugspace)]


def selecting(function: Function) -> Function:
    """Let a command choose tasks: it is given what was chosen as `chosen`."""

    @wraps(function)
    def choose(
        *args: Any,
        name: tuple[str, ...], pattern: tuple[str, ...],
        tag: tuple[str, ...], without_tag: tuple[str, ...],
        failed: bool, downstream: bool, allow_none: bool,
        **others: Any,
    ) -> Any:  # fmt: skip
        from jug.selection import selection

        selected = selection(
            name or None, pattern or None,
            failed=failed, downstream=downstream, tag=tag, without_tag=without_tag,
        )  # fmt: skip
        return function(*args, chosen=Chosen(selected, allow_none), **others)

    return selection_options()(choose)


def tell_no_match(message: str, allowed: bool) -> None:
    """Say that nothing fits: an error unless it is allowed."""
    if not allowed:
        raise OptionError(f"{message} (--allow-none accepts it)")
    click.echo(f"jug: {message}", err=True)
