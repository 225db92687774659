"""`jug stale`: which results came from older code, and what has changed since."""

from __future__ import annotations

import json
import time
from itertools import starmap
from typing import TYPE_CHECKING

import click

from jug.cli import DONE, FAILED
from jug.cli.colours import painted
from jug.cli.jugfile_command import as_json, jugfile_command
from jug.cli.reading import reading, warn_of_barrier
from jug.cli.selecting import Chosen, selecting
from jug.options import Options
from jug.tables import table
from jug.wording import counted, duration

if TYPE_CHECKING:
    from jug.code import Change
    from jug.views.stale import StaleCode


@jugfile_command(
    epilog="""\b
Examples:
  jug stale primes.py
  jug stale --no-diff primes.py        name what has changed, and no more
  jug stale --name is_prime primes.py
  jug stale --json primes.py | python -m json.tool
  jug stale primes.py && jug execute primes.py

\b
Exit status: 0 if no result came from older code, as far as jug can see; 1 if
any did, or if the jugfile can't be read; 2 for wrong usage, also if no task
has the name or the tag or fits the pattern.""",
)
@selecting
@click.option(
    "--diff/--no-diff", "with_diff", default=True,
    help="Show the code of then and of now, line by line.  [--diff]",
)  # fmt: skip
@as_json
@click.pass_context
def command(
    context: click.Context, options: Options, chosen: Chosen, with_diff: bool, as_json: bool
) -> None:
    """Show which results came from older code, and what has changed since.

    A result is stale if the task's function, or what of your own code it can be seen to
    call or read, is not what it was when the result was computed.  Comments, docstrings,
    annotations and layout do not count.  It is unseen if all is the same that jug can
    see, but jug can't see all; not known if nothing was noted of its code.

    Nothing is changed, and nothing is ever computed again by itself: `jug invalidate
    --stale` removes these results, and `jug accept` says that a change does not matter.
    """
    from jug.task.graph import Graph
    from jug.views.stale import stale_code

    with reading(options) as jugspace:
        graph = Graph(jugspace.tasks)
        seen = stale_code(jugspace, graph, chosen.numbers(graph, jugspace))
        if as_json:
            click.echo(json.dumps(seen.as_dict(), indent=2))
        elif options.short:
            click.echo(_sentence(seen))
        else:
            _print(seen, with_diff)
        if not as_json:
            warn_of_barrier(jugspace)
    context.exit(FAILED if seen.comparison.has_stale else DONE)


def _print(seen: StaleCode, with_diff: bool) -> None:
    from jug.code import Answer
    from jug.code.wording import CHOICE

    if seen.comparison.names:
        titles = [answer.capitalize() for answer in Answer]
        click.echo(table(titles, seen.comparison.rows(), _paint) + "\n")
    lines = [*map(_changed, seen.changes), *starmap(_not_seen, seen.unseen.items())]
    if lines:
        click.echo("\n".join(lines) + "\n")
    for part in seen.parts if with_diff else ():
        click.echo("\n".join(map(_coloured, part.diff().splitlines())) + "\n")
    click.echo(_sentence(seen))
    if seen.comparison.has_stale:
        click.echo(f"{CHOICE}.")


def _paint(title: str, number: str) -> str:
    return painted(title.lower(), number) if int(number) else number


def _changed(change: Change) -> str:
    """Return which results came from one older code, and what has changed."""
    from jug.code.wording import what_changed

    ago = duration(time.time() - change.last)
    results = f"{counted(len(change.digests), 'result')}, the last of {ago} ago"
    return f"{change.name}: {results}: {what_changed(change)}"


def _not_seen(what: str, names: list[str]) -> str:
    from jug.code.wording import joined

    return f"{joined(names)}: not seen: {what}"


def _coloured(line: str) -> str:
    """Return a line of a unified diff in the colour of what it is."""
    kind = {"+": "added", "-": "removed", "@": "place"}.get(line[:1], "")
    return line if line.startswith(("---", "+++")) else painted(kind, line)


def _were(count: int) -> str:
    return "1 other was" if count == 1 else f"{count} others were"


def _sentence(seen: StaleCode) -> str:
    from jug.code import Answer

    stale = seen.total(Answer.STALE)
    if not seen.comparison.names:
        return "There are no results yet."
    if stale:
        made = f"; {_were(seen.made_from)} made from these" if seen.made_from else ""
        return f"{counted(stale, 'result')} came from older code{made}."
    untold = seen.total(Answer.UNSEEN) + seen.total(Answer.NOT_KNOWN)
    if not untold:
        return "The code that jug can see is the same as when the results were computed."
    return (
        "No result came from older code, as far as jug can see; "
        f"of {counted(untold, 'result')} it can't tell."
    )
