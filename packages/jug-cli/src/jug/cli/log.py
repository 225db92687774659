"""`jug log`: the runs of tasks, in order."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase
from itertools import chain
from typing import TYPE_CHECKING, Final

import click

from jug.cli.jugfile_command import as_json, jugfile_command
from jug.cli.reading import reading, warn_of_barrier
from jug.cli.selecting import Chosen, selecting
from jug.cli.since import moment
from jug.options import Options
from jug.records import RunState

if TYPE_CHECKING:
    from jug.jugfile import Jugspace
    from jug.views.history import History, PastRun

_STATES: Final = {
    state.value.replace(" ", "-"): state for state in RunState if state is not RunState.OTHER
}


@jugfile_command(
    epilog="""\b
Examples:
  jug log primes.py
  jug log --tail 20 --follow primes.py
  jug log --state failed --state died --since 2h primes.py
  jug log --name is_prime --host 'node*' --since 2026-11-26T14:00 primes.py
  jug log --json primes.py | jq '.runs[] | select(.duration > 60)'

\b
Exit status: 0; 1 if the jugfile can't be read; 2 for wrong usage, also if no
task has the name or the tag or fits the pattern; 130 once Ctrl-C ends
--follow.""",
)
@selecting
@click.option(
    "--state", "states", multiple=True, type=click.Choice([*_STATES], case_sensitive=False),
    metavar="STATE",
    help=f"The runs that ended so: {', '.join(_STATES)}; may be repeated.",
)  # fmt: skip
@click.option(
    "--host", "hosts", multiple=True, metavar="HOST",
    help="The runs on this host, with wildcards; may be repeated.",
)  # fmt: skip
@click.option(
    "--since", callback=moment, metavar="TIME",
    help="The runs that ended since: 30m, 2h or 3d ago, a date, or a time.",
)  # fmt: skip
@click.option("--tail", type=click.IntRange(min=0), metavar="N", help="The last N of these.")
@click.option("--follow", is_flag=True, help="Go on with each run that ends, until Ctrl-C.")
@as_json
def command(
    options: Options,
    chosen: Chosen,
    states: tuple[str, ...], hosts: tuple[str, ...], since: float, tail: int | None,
    follow: bool, as_json: bool,
) -> None:  # fmt: skip
    """List the runs of JUGFILE's tasks by the time at which they ended.

    A run is one attempt at a task.  It finished, failed, was retried after a
    failure, given back by a worker that was stopped, died with its worker, was
    lost with a worker that was not heard of any more, or was outdated, as something
    that it was made from was removed meanwhile.  What finished and was removed
    later is discarded.

    Of each task the last few runs are kept: `runs-kept` in the configuration.
    With --json --follow there is one line for each run.
    """
    from jug.cli.run_lines import RunLines
    from jug.views.history import History, following

    with reading(options, is_patient=follow) as jugspace:
        history = History(jugspace)
        is_wanted = _filter(_digests(chosen, history, jugspace), states, hosts)
        batches = following(history, since) if follow else iter([history.runs(since)])
        runs = list(filter(is_wanted, next(batches)))
        if tail is not None:
            runs = runs[max(0, len(runs) - tail) :]
        if as_json and not follow:
            click.echo(json.dumps({"runs": [run.as_dict() for run in runs]}, indent=2))
            return
        warn_of_barrier(jugspace)
        lines = RunLines(runs, more=follow)
        if not (as_json or options.short):
            is_chosen = chosen.selection or states or hosts or since > 0 or tail is not None
            none = "There is no such run." if is_chosen else "No task has ended yet."
            click.echo(lines.head() if runs or follow else none)
        line = _json_line if as_json else lines.line
        for run in chain(runs, filter(is_wanted, chain.from_iterable(batches))):
            click.echo(line(run))


def _digests(chosen: Chosen, history: History, jugspace: Jugspace) -> set[bytes] | None:
    """Return which tasks are chosen, None if all are, those too that are made no more."""
    if chosen.selection is None:
        return None
    graph = history.graph
    return {graph.tasks[number].digest for number in chosen.numbers(graph, jugspace)}


def _filter(
    digests: set[bytes] | None, states: Iterable[str], hosts: Sequence[str]
) -> Callable[[PastRun], bool]:
    """Return which runs are wanted; of what is empty or None all are."""
    wanted = {_STATES[state] for state in states}

    def is_wanted(run: PastRun) -> bool:
        return (
            (digests is None or run.digest in digests)
            and (not wanted or run.state in wanted)
            and (not hosts or any(fnmatchcase(run.place.host, host) for host in hosts))
        )

    return is_wanted


def _json_line(run: PastRun) -> str:
    return json.dumps(run.as_dict())
