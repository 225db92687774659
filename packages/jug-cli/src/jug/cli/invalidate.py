"""`jug invalidate`: remove results, and all that was made from them."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

import click

from jug.cli.count_table import print_counts
from jug.cli.jugfile_command import always, as_json, jugfile_command
from jug.cli.reading import reading, warn_of_barrier
from jug.cli.selecting import allow_none, tell_no_match
from jug.options import Options

if TYPE_CHECKING:
    from jug.backends.base import BaseStore
    from jug.selection import Selection
    from jug.task.graph import Graph


@jugfile_command(
    epilog="""\b
Examples:
  jug invalidate --name is_prime primes.py
  jug invalidate --name 'primes.*' primes.py
  jug invalidate --pattern '/is_.*me$/' primes.py

\b
Exit status: 0; 1 if the jugfile can't be read; 2 for wrong usage, also if
neither a name nor a pattern is given, or no task fits it.""",
    changes=always,
)
@click.option(
    "--name", "--target", "--invalid", "name", metavar="NAME", multiple=True,
    help="The tasks of this name: in full or from a dot on, with wildcards; may be repeated.",
)  # fmt: skip
@click.option(
    "--pattern", metavar="PATTERN", multiple=True,
    help="The tasks whose names contain PATTERN, or fit a /regex/; may be repeated.",
)  # fmt: skip
@allow_none
@as_json
def command(
    options: Options,
    name: tuple[str, ...], pattern: tuple[str, ...], allow_none: bool, as_json: bool,
) -> None:  # fmt: skip
    """Remove the results and failures of tasks, and of all that depend on them, directly or not.

    They will be computed again by the next `jug execute`.  Do this after a change
    of a function: jug does not recompute anything by itself.
    """
    from jug.selection import no_match, selection
    from jug.task.graph import Graph

    selected = selection(name or None, pattern or None)
    if selected is None:
        raise click.UsageError("say which tasks: --name NAME or --pattern PATTERN")
    with reading(options) as jugspace:
        graph = Graph(jugspace.tasks)
        matching = _matching(graph, selected)
        unmatched = no_match(selected, graph.names())
        if unmatched:
            may_match_beyond = bool(jugspace.barrier_tasks)
            warn_of_barrier(jugspace)
            tell_no_match(unmatched, allow_none or may_match_beyond)
        counts = _invalidate(jugspace.store, graph, matching)
    print_counts(counts, "invalidated", as_json=as_json, short=options.short)


def _matching(graph: Graph, selected: Selection) -> list[int]:
    return [number for number, name in enumerate(graph.names()) if selected(name)]


def _invalidate(store: BaseStore, graph: Graph, matching: list[int]) -> Counter[str]:
    """Remove results and failures; return how many were there, by name."""
    store.poll()
    names = list(graph.names())
    there: Counter[str] = Counter()
    digests = defaultdict(list)
    for number in sorted(graph.with_dependants(matching)):
        task = graph.tasks[number]
        digests[task.store].append(task.digest)
        if task.store.has(task.digest) or task.digest in task.store.failures():
            there[names[number]] += 1
    for own_store, group in digests.items():
        own_store.discard(group)
    return there
