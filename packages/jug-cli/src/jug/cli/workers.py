"""`jug workers`: who lives, where, on what, and when each was heard of last."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

import click

from jug.cli.colours import painted
from jug.cli.jugfile_command import as_json, jugfile_command
from jug.cli.reading import reading, warn_of_barrier
from jug.options import Options
from jug.tables import Columns
from jug.wording import counted, rounded

if TYPE_CHECKING:
    from jug.views.workforce import Workforce
    from jug.workers import Worker

_TITLES: Final = ("State", "Heard of", "Lives for", "Held for", "Worker", "Call")
_LEAST: Final = 20
"""Of how many characters a call is cut to the terminal's width."""


@jugfile_command(
    epilog="""\b
Examples:
  jug workers primes.py
  jug workers --short primes.py                 only how many there are
  jug workers --json primes.py | jq '.workers[] | select(.life == "silent")'

\b
Exit status: 0; 1 if the jugfile can't be read; 2 for wrong usage.""",
)
@as_json
def command(options: Options, as_json: bool) -> None:
    """List the workers of JUGFILE's store: who lives, where, on what, and for how long.

    A worker is running a task, or waiting for one.  It is silent if it was not heard of
    for longer than the lease: another one may take its task over.  One of this host is
    gone if its process has ended without a word.

    When a worker was heard of last is told by the clock of the store; for how long it lives
    and holds its task by the clock of its own host, the latter from a second on.
    """
    from jug.views.workforce import workforce

    with reading(options) as jugspace:
        seen = workforce(jugspace)
        if as_json:
            click.echo(json.dumps(seen.as_dict(), indent=2))
            return
        if seen.workers and not options.short:
            click.echo(f"{_table(seen)}\n")
        click.echo("\n".join(_counts(seen)))
        warn_of_barrier(jugspace)


def _table(seen: Workforce) -> str:
    rows = [_row(seen, worker) for worker in seen.workers]
    return Columns(_TITLES, rows, right=_TITLES[1:4], paint=_paint, least=_LEAST).table(rows)


def _row(seen: Workforce, worker: Worker) -> tuple[str, ...]:
    from jug.views.workforce import activity

    digest = seen.longest(worker)
    return (
        activity(worker),
        "-" if worker.silence is None else f"{rounded(round(worker.silence))} ago",
        _age(worker.start),
        _age(worker.tasks[digest]) if digest else "",
        worker.place,
        _call(seen, worker, digest) if digest else "",
    )


def _age(moment: float) -> str:
    return rounded(round(time.time() - moment)) if moment else "-"


def _call(seen: Workforce, worker: Worker, digest: bytes) -> str:
    more = len(worker.tasks) - 1
    return seen.call(worker, digest) + (f" and {more} more" if more else "")


def _paint(row: Sequence[str], column: int, cell: str) -> str:
    return painted(row[0], cell) if column == 0 else cell


def _counts(seen: Workforce) -> Iterator[str]:
    """Yield how many workers do what, and how many there were."""
    from jug.workers import silent_for_long

    counts = [
        f"{count} {silent_for_long(seen.lease) if state == 'silent' else state}"
        for state, count in seen.counts().items()
    ]
    told = f": {', '.join(counts)}" if counts else ""
    yield f"{counted(len(seen.workers), 'worker')}{told}."
    if seen.ended or seen.died:
        have = "has" if seen.ended == 1 else "have"
        died = f", and {seen.died} died" if seen.died else ""
        yield f"{counted(seen.ended, 'other')} {have} ended{died}."
