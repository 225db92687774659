"""`jug invalidate`: remove results, and all that was made from them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from jug.cli.count_table import print_counts
from jug.cli.jobs import jobs_option, workers_of
from jug.cli.jugfile_command import always, as_json, jugfile_command
from jug.cli.outlook import print_outlook
from jug.cli.reading import reading
from jug.cli.selecting import Chosen, selecting
from jug.options import Options

if TYPE_CHECKING:
    from jug.backends.base import BaseStore
    from jug.jugfile import Jugspace
    from jug.task.graph import Graph


@jugfile_command(
    epilog="""\b
Examples:
  jug invalidate --name is_prime primes.py
  jug invalidate --name 'primes.*' primes.py
  jug invalidate --name 'is_prime(7)' primes.py
  jug invalidate --pattern '/is_.*me$/' primes.py
  jug invalidate --stale primes.py
  jug invalidate --stale --name is_prime primes.py
  jug invalidate --dry-run --name is_prime -j 4 primes.py

\b
Exit status: 0; 1 if the jugfile can't be read; 2 for wrong usage, also if
nothing says which tasks, or no task has the name or the tag or fits the
pattern.""",
    changes=always,
)
@selecting
@click.option(
    "--stale", is_flag=True,
    help="Of these, or of all, those whose results came from older code: see `jug stale`.",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Say what would be removed and why; remove nothing.")
@jobs_option
@as_json
def command(options: Options, chosen: Chosen, stale: bool, dry_run: bool, as_json: bool) -> None:
    """Remove the results and failures of tasks, and of all that depend on them, directly or not.

    They will be computed again by the next `jug execute`.  Do this after a change
    of a function: jug does not recompute anything by itself.
    """
    from jug.task.graph import Graph
    from jug.views.explanation import Reason
    from jug.views.why import outlook_of_invalidation

    if chosen.selection is None and not stale:
        raise click.UsageError(
            "say which tasks: --name NAME, --pattern PATTERN, --tag TAG, --failed or --stale"
        )
    with reading(options, is_patient=True) as jugspace:
        graph = Graph(jugspace.tasks)
        named = chosen.numbers(graph, jugspace)
        if stale:
            named = _stale(jugspace, graph, named)
        there = _there(jugspace.store, graph, sorted(graph.with_dependants(named)))
        if dry_run:
            why = Reason.CODE if stale else Reason.CHOSEN
            seen = outlook_of_invalidation(jugspace.store, graph, named, there, why)
            print_outlook(
                seen, workers_of(options), as_json=as_json, short=options.short,
                would="would be invalidated",
            )  # fmt: skip
            return
        _invalidate(graph, named)
        names = list(graph.names())
    counts = Counter(names[number] for number in there)
    print_counts(counts, "invalidated", as_json=as_json, short=options.short)
    if stale:
        _tell_of_inner_tasks({names[number] for number in there if graph.tasks[number].hides_tasks})


def _stale(jugspace: Jugspace, graph: Graph, numbers: Sequence[int]) -> list[int]:
    """Return those of the tasks whose results came from older code."""
    from jug.views.stale import stale_numbers

    return stale_numbers(jugspace, graph, numbers)


def _tell_of_inner_tasks(names: set[str]) -> None:
    """Say that a compound task that was done has hidden the tasks that it is made of."""
    from jug.code.wording import joined

    if names:
        inside = joined(sorted(names))
        told = f"the tasks inside {inside} may be stale, too: say `jug invalidate --stale` again"
        click.echo(f"jug: {told}", err=True)


def _there(store: BaseStore, graph: Graph, numbers: Sequence[int]) -> list[int]:
    """Return those of the tasks that have a result or a failure, after a poll."""
    from jug.selection import failed_of

    store.poll()
    tasks = [graph.tasks[number] for number in numbers]
    failed = failed_of(tasks)
    return [
        number
        for number, task in zip(numbers, tasks, strict=True)
        if task.digest in failed or task.store.has(task.digest)
    ]


def _invalidate(graph: Graph, named: Sequence[int]) -> None:
    """Remove the results and failures of tasks, and of all that depend on them."""
    digests = defaultdict(list)
    for number in sorted(graph.with_dependants(named)):
        task = graph.tasks[number]
        digests[task.store].append(task.digest)
    for own_store, group in digests.items():
        own_store.discard(group)
