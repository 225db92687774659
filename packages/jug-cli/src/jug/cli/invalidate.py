"""`jug invalidate`: remove results, and all that was made from them."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

import click

from jug.cli.count_table import print_counts
from jug.cli.jugfile_command import as_json, jugfile_command
from jug.cli.reading import reading
from jug.options import Options

if TYPE_CHECKING:
    from jug.jugfile import Jugspace
    from jug.selection import Selection


@jugfile_command(
    epilog="""\b
Examples:
  jug invalidate --name is_prime primes.py
  jug invalidate --name 'primes.*' primes.py
  jug invalidate --pattern '/is_.*me$/' primes.py

\b
Exit status: 0; 1 if the jugfile can't be read; 2 for wrong usage, also if
neither a name nor a pattern is given.""",
)
@click.option(
    "--name", "--target", "--invalid", "name", metavar="NAME",
    help="The tasks of this name: in full or from a dot on, with wildcards.",
)  # fmt: skip
@click.option(
    "--pattern", metavar="PATTERN",
    help="The tasks whose names contain PATTERN, or fit it if it is a /regex/.",
)  # fmt: skip
@as_json
def command(options: Options, name: str | None, pattern: str | None, as_json: bool) -> None:
    """Remove the results and failures of tasks, and of all that depend on them, directly or not.

    They will be computed again by the next `jug execute`.  Do this after a change
    of a function: jug does not recompute anything by itself.
    """
    from jug.selection import selection

    selected = selection(name, pattern)
    if selected is None:
        raise click.UsageError("say which tasks: --name NAME or --pattern PATTERN")
    with reading(options) as jugspace:
        counts = _invalidate(jugspace, selected)
    print_counts(counts, "invalidated", as_json=as_json, short=options.short)


def _invalidate(jugspace: Jugspace, selected: Selection) -> Counter[str]:
    """Remove results and failures; return how many were there, by name."""
    from jug.task.graph import Graph

    graph = Graph(jugspace.tasks)
    names = list(graph.names())
    matching = [number for number, name in enumerate(names) if selected(name)]
    if not matching:
        click.echo("No task matches: `jug count` lists their names.", err=True)
    numbers = sorted(graph.with_dependants(matching))
    jugspace.store.poll()
    there: Counter[str] = Counter()
    digests = defaultdict(list)
    for number in numbers:
        task = graph.tasks[number]
        digests[task.store].append(task.digest)
        if task.store.has(task.digest) or task.digest in task.store.failures():
            there[names[number]] += 1
    for store, group in digests.items():
        store.discard(group)
    return there
