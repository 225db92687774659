"""`jug status`: how far the tasks are."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from jug.cli import DONE, FAILED
from jug.cli.colours import painted
from jug.cli.following import follow
from jug.cli.jugfile_command import as_json, jugfile_command
from jug.cli.progress import progress_option, shown_progress
from jug.cli.reading import is_all_done, reading, warn_of_barrier
from jug.cli.selecting import Chosen, selecting
from jug.cli.status_lines import lines_of_others
from jug.options import Options
from jug.tables import Columns, table
from jug.wording import duration

if TYPE_CHECKING:
    from jug.code import Comparison
    from jug.jugfile import Jugspace
    from jug.progress import Snapshot
    from jug.progress.times import Times
    from jug.status import Status
    from jug.task import Task


@jugfile_command(
    epilog="""\b
Examples:
  jug status primes.py
  jug status --short primes.py
  jug status --name is_prime --downstream primes.py
  jug status --long primes.py
  jug status --watch primes.py
  jug status --json primes.py | python -m json.tool

\b
Exit status: 0 if all tasks, or all that are chosen, are done; 1 if not, or if
the jugfile can't be read; 2 for wrong usage, also if no task has the name or
the tag or fits the pattern.""",
)
@selecting
@as_json
@click.option(
    "--long", "is_long", is_flag=True,
    help="Also show how long tasks of each name took: in total, on average, the longest.",
)  # fmt: skip
@click.option(
    "--watch", "is_watched", is_flag=True,
    help="Show how far the tasks are until all are done, or nothing more can finish.",
)  # fmt: skip
@progress_option
@click.option("--cache", "status_cache", is_flag=True, help="Accepted, and without effect.")
@click.option("--cache-file", expose_value=False, hidden=True)
@click.option("--clear", is_flag=True, expose_value=False, hidden=True)
@click.pass_context
def command(
    context: click.Context,
    options: Options,
    chosen: Chosen,
    as_json: bool,
    is_long: bool,
    is_watched: bool,
) -> None:
    """Show how many of the tasks have failed, wait, are ready, finished or running.

    A task waits while something that it needs is not done; it is ready when a
    worker could run it now.  Below stands how many workers are at work, how many
    tasks they finish, and how long the rest will take: the mean of what tasks of
    each name took, times how many are left, divided by the workers.

    A result is stale if code that jug can see has changed since: then there is a
    column of how many are, and `jug stale` shows what has changed.
    """
    if is_watched:
        with shown_progress(options.progress) as display:
            follow(options, display, chosen.tasks)
    from jug.views.out_of_reach import out_of_reach

    with reading(options) as jugspace:
        tasks = chosen.tasks(jugspace)
        with_pace = as_json or not options.short
        status, snapshot = _look(jugspace, tasks, with_pace)
        comparison = _compare(jugspace, tasks, status) if with_pace else None
        times = _times(jugspace, tasks) if is_long else {}
        if as_json:
            data = _as_data(status, snapshot, times, comparison, jugspace)
            data["out_of_reach"] = [one.as_dict() for one in out_of_reach(jugspace.store, tasks)]
            click.echo(json.dumps(data, indent=2))
        elif options.short:
            click.echo(status.sentence())
        else:
            _print(status, snapshot, times, comparison)
            for one in out_of_reach(jugspace.store, tasks):
                click.echo(str(one))
            for line in lines_of_others(options, jugspace.store):
                click.echo(line)
        if not as_json:
            warn_of_barrier(jugspace)
    context.exit(DONE if is_all_done(status, jugspace) else FAILED)


def _look(
    jugspace: Jugspace, tasks: Sequence[Task[Any]], with_pace: bool
) -> tuple[Status, Snapshot]:
    from jug.progress import Snapshot
    from jug.progress.outside import Onlooker
    from jug.status import look

    if with_pace:
        return Onlooker(jugspace.store, tasks).look()
    return look(jugspace.store, tasks), Snapshot()


def _compare(jugspace: Jugspace, tasks: Sequence[Task[Any]], status: Status) -> Comparison | None:
    """Compare the code of results with that of now; None where there are no results."""
    from jug.status import State

    if not status.total(State.FINISHED):
        return None
    from jug.code import find_stale

    return find_stale(tasks, jugspace.store)


def _times(jugspace: Jugspace, tasks: Sequence[Task[Any]]) -> dict[str, Times]:
    from jug.progress.times import times_by_name

    return times_by_name(jugspace.store, tasks)


def _print(
    status: Status, snapshot: Snapshot, times: dict[str, Times], comparison: Comparison | None
) -> None:
    from jug.progress.wording import at_work, silence

    click.echo(_as_table(status, _stale(comparison)))
    pace = at_work(snapshot)
    if pace:
        click.echo(f"{pace[0].upper()}{pace[1:]}.")
    if snapshot.silent:
        click.echo(f"{silence(snapshot.silent)}.")
    if comparison is not None and comparison.has_stale:
        from jug.code.wording import WHAT_TO_DO, told_of_stale

        click.echo(f"{told_of_stale(comparison)}: {WHAT_TO_DO}.")
    if times:
        titles = ["Finished", "Total time", "Mean", "Longest", "Task name"]
        rows = [
            [str(one.runs), *map(duration, (one.total, one.mean, one.longest)), name]
            for name, one in times.items()
        ]
        click.echo("\n" + Columns(titles, rows, right=titles[:-1]).table(rows))


def _stale(comparison: Comparison | None) -> Counter[str]:
    """Return how many results of each name came from older code."""
    from jug.code import Answer

    stale = comparison.stale if comparison is not None else []
    return Counter({one.name: one.counts[Answer.STALE] for one in stale})


def _as_table(status: Status, stale: Counter[str]) -> str:
    from jug.status import State

    titles, rows = [state.value.capitalize() for state in State], status.rows()
    if stale:
        titles.append("Stale")
        rows = {name: [*numbers, stale[name]] for name, numbers in rows.items()}
    return table(titles, rows, _paint)


def _paint(title: str, number: str) -> str:
    return painted(title.lower(), number) if int(number) else number


def _as_data(
    status: Status,
    snapshot: Snapshot,
    times: dict[str, Times],
    comparison: Comparison | None,
    jugspace: Jugspace,
) -> dict[str, Any]:
    from jug.status import State

    stale = _stale(comparison)
    return {
        "tasks": [
            {
                "name": name,
                **{state.value: status.counts[state][name] for state in State},
                "stale": stale[name],
                **(times[name].as_dict() if name in times else {}),
            }
            for name in status.names()
        ],
        "total": {
            **{state.value: status.total(state) for state in State},
            "stale": stale.total(),
        },
        "complete": is_all_done(status, jugspace),
        "at_barrier": bool(jugspace.barrier_tasks),
        "workers": snapshot.workers,
        "silent": [worker.as_dict() for worker in snapshot.silent],
        "rate": snapshot.rate,
        "time_left": snapshot.time_left,
    }
