"""`jug jobs`: the jobs in the queue, beside what their workers do."""

from __future__ import annotations

import json
import time
from itertools import compress
from typing import TYPE_CHECKING, Final

import click

from jug.cli import DONE, FAILED
from jug.cli.jugfile_command import as_json, jugfile_command
from jug.cli.reading import job_of, reading
from jug.options import Options
from jug.tables import Columns
from jug.wording import counted, escaped, rounded

if TYPE_CHECKING:
    from jug.batch.overview import DeadJob, SeenJob
    from jug.batch.systems import System
    from jug.batch.systems.system import QueuedJob

_DEAD: Final = 3
"""How many dead jobs are shown, the last ones."""

_LEAST: Final = 20
"""Of how many characters the tasks are cut to the terminal's width."""


@jugfile_command(
    epilog="""\b
Examples:
  jug jobs primes.py
  jug jobs --json primes.py | python -m json.tool
  jug jobs --cancel primes.py

\b
Exit status: 0; 1 if the queue did not answer, or the jugfile can't be read; 2 for
wrong usage.""",
)
@as_json
@click.option("--cancel", is_flag=True, help="Cancel all jobs of JUGFILE that wait or run.")
@click.option(
    "--to", "submit_to", metavar="SYSTEM", help="As for `jug submit`: which batch system is asked."
)
@click.pass_context
def command(context: click.Context, options: Options, as_json: bool, cancel: bool) -> None:
    """Show the jobs that wait or run for JUGFILE, and the tasks that their workers hold.

    Jobs that `jug submit` has asked for are found by their names, others by the workers in
    them.  Of the last jobs that died, or whose workers never began, the end of the log is
    shown.
    """
    from jug.batch.asking import system_of
    from jug.batch.folders import folder_of_jobs
    from jug.batch.names import family
    from jug.batch.overview import dead_jobs, seen_jobs

    system, jugfile = system_of(options), job_of(options).jugfile
    queue = _ask(system)
    with reading(options) as jugspace:
        store = jugspace.store
        name = family(jugfile, store.url)
        if cancel and queue is not None:
            _cancel(system, queue, name)
        elif not cancel:
            jobs = seen_jobs(store, jugspace.tasks, queue, name)
            folder = folder_of_jobs(store, jugfile)
            dead = [] if queue is None else list(dead_jobs(store, folder, queue))
            if as_json:
                _print_data(jobs, dead)
            else:
                _print(jobs, dead, is_known=queue is not None)
    context.exit(FAILED if queue is None else DONE)


command.short_help = "Show the jobs in the queue, and what their workers do."


def _ask(system: System) -> list[QueuedJob] | None:
    """Return the queue, None if it does not answer, which costs a line."""
    from jug.batch.programs import BatchError

    try:
        return system.queue()
    except BatchError as error:
        click.echo(f"jug: the queue does not answer: {error}", err=True)
        return None


def _cancel(system: System, queue: list[QueuedJob], family: str) -> None:
    from jug.batch.overview import of_family

    jobs = of_family(queue, family)
    if jobs:
        system.cancel(dict.fromkeys(system.array_of(job.id) for job in jobs))
    click.echo(f"Cancelled {counted(len(jobs), 'job')}.")


def _print_data(jobs: list[SeenJob], dead: list[DeadJob]) -> None:
    said = {"jobs": [job.as_dict() for job in jobs], "dead": [job.as_dict() for job in dead]}
    click.echo(json.dumps(said, indent=2))


def _print(jobs: list[SeenJob], dead: list[DeadJob], is_known: bool) -> None:
    nothing = "No job waits or runs." if is_known else "Which jobs wait or run is not known."
    click.echo(_table(jobs) if jobs else nothing)
    for job in dead[-_DEAD:]:
        click.echo(f"\nJob {job.id} is over and did not end well; {job.log} ends with:")
        click.echo("".join(f"  {escaped(line)}\n" for line in job.lines or ["(nothing)"]), nl=False)
    if len(dead) > _DEAD:
        click.echo(f"\n… and {counted(len(dead) - _DEAD, 'job')} before these")


def _table(jobs: list[SeenJob]) -> str:
    """Return the jobs as a table, without columns that say nothing."""
    titles = ["Job", "State", "Where", "Since", "Left", "Workers", "Tasks"]
    rows = [_row(job) for job in jobs]
    says = [any(column) for column in zip(*rows, strict=True)]
    titles, rows = [*compress(titles, says)], [[*compress(row, says)] for row in rows]
    return Columns(titles, rows, right=["Since", "Left", "Workers"], least=_LEAST).table(rows)


def _row(job: SeenJob) -> list[str]:
    from jug.task.short_form import call_form

    now, queued = time.time(), job.queued
    tasks = ", ".join(map(call_form, job.tasks))
    workers = str(len(job.workers) or "")
    if queued is None:
        places = ", ".join(sorted({worker.process.host for worker in job.workers}))
        return [job.id, "not known", places, "", "", workers, tasks]
    since = rounded(now - queued.start) if queued.is_running and queued.start else ""
    left = rounded(queued.end - now) if queued.is_running and queued.end else ""
    return [job.id, escaped(queued.said), escaped(queued.place), since, left, workers, tasks]
