"""`jug invalidate`: remove results, and all that was made from them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from jug.cli.count_table import print_counts
from jug.cli.jugfile_command import always, as_json, jugfile_command
from jug.cli.reading import reading
from jug.cli.selecting import Chosen, selecting
from jug.options import Options

if TYPE_CHECKING:
    from jug.backends.base import BaseStore
    from jug.task.graph import Graph


@jugfile_command(
    epilog="""\b
Examples:
  jug invalidate --name is_prime primes.py
  jug invalidate --name 'primes.*' primes.py
  jug invalidate --name 'is_prime(7)' primes.py
  jug invalidate --pattern '/is_.*me$/' primes.py

\b
Exit status: 0; 1 if the jugfile can't be read; 2 for wrong usage, also if
nothing says which tasks, or no task has the name or fits the pattern.""",
    changes=always,
)
@selecting
@as_json
def command(options: Options, chosen: Chosen, as_json: bool) -> None:
    """Remove the results and failures of tasks, and of all that depend on them, directly or not.

    They will be computed again by the next `jug execute`.  Do this after a change
    of a function: jug does not recompute anything by itself.
    """
    from jug.task.graph import Graph

    if chosen.selection is None:
        raise click.UsageError("say which tasks: --name NAME, --pattern PATTERN or --failed")
    with reading(options) as jugspace:
        graph = Graph(jugspace.tasks)
        numbers = sorted(graph.with_dependants(chosen.numbers(graph, jugspace)))
        counts = _invalidate(jugspace.store, graph, numbers)
    print_counts(counts, "invalidated", as_json=as_json, short=options.short)


def _invalidate(store: BaseStore, graph: Graph, numbers: Sequence[int]) -> Counter[str]:
    """Remove results and failures; return how many were there, by name."""
    store.poll()
    names = list(graph.names())
    there: Counter[str] = Counter()
    digests = defaultdict(list)
    for number in numbers:
        task = graph.tasks[number]
        digests[task.store].append(task.digest)
        if task.store.has(task.digest) or task.digest in task.store.failures():
            there[names[number]] += 1
    for own_store, group in digests.items():
        own_store.discard(group)
    return there
