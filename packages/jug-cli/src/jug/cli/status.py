"""`jug status`: how far the tasks are."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from jug.cli import DONE, FAILED
from jug.cli.colours import painted
from jug.cli.jugfile_command import as_json, jugfile_command
from jug.cli.reading import is_all_done, reading, warn_of_barrier
from jug.cli.selecting import Chosen, selecting
from jug.options import Options
from jug.tables import table

if TYPE_CHECKING:
    from jug.jugfile import Jugspace
    from jug.status import Status


@jugfile_command(
    epilog="""\b
Examples:
  jug status primes.py
  jug status --short primes.py
  jug status --name is_prime --downstream primes.py
  jug status --json primes.py | python -m json.tool

\b
Exit status: 0 if all tasks, or all that are chosen, are done; 1 if not, or if
the jugfile can't be read; 2 for wrong usage, also if no task has the name or
fits the pattern.""",
)
@selecting
@as_json
@click.option("--cache", "status_cache", is_flag=True, help="Accepted, and without effect.")
@click.option("--cache-file", expose_value=False, hidden=True)
@click.option("--clear", is_flag=True, expose_value=False, hidden=True)
@click.pass_context
def command(context: click.Context, options: Options, chosen: Chosen, as_json: bool) -> None:
    """Show how many of the tasks have failed, wait, are ready, finished or running.

    A task waits while something that it needs is not done; it is ready when a
    worker could run it now.
    """
    from jug.status import look

    with reading(options) as jugspace:
        status = look(jugspace.store, chosen.tasks(jugspace))
        if as_json:
            click.echo(json.dumps(_as_data(status, jugspace), indent=2))
        elif options.short:
            click.echo(status.sentence())
        else:
            click.echo(_as_table(status))
        if not as_json:
            warn_of_barrier(jugspace)
    context.exit(DONE if is_all_done(status, jugspace) else FAILED)


def _as_table(status: Status) -> str:
    from jug.status import State

    return table([state.value.capitalize() for state in State], status.rows(), _paint)


def _paint(title: str, number: str) -> str:
    return painted(title.lower(), number) if int(number) else number


def _as_data(status: Status, jugspace: Jugspace) -> dict[str, Any]:
    from jug.status import State

    return {
        "tasks": [
            {"name": name, **{state.value: status.counts[state][name] for state in State}}
            for name in status.names()
        ],
        "total": {state.value: status.total(state) for state in State},
        "complete": is_all_done(status, jugspace),
        "at_barrier": bool(jugspace.barrier_tasks),
    }
