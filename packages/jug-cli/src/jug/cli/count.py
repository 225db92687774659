"""`jug count`: how many tasks there are."""

from __future__ import annotations

from collections import Counter

from jug.cli.count_table import print_counts
from jug.cli.jugfile_command import as_json, jugfile_command
from jug.cli.reading import reading
from jug.cli.selecting import Chosen, selecting
from jug.options import Options


@jugfile_command(
    epilog="""\b
Examples:
  jug count primes.py
  jug count --failed primes.py
  jug count --json primes.py

\b
Exit status: 0; 1 if the jugfile can't be read; 2 for wrong usage, also if no
task has the name or the tag or fits the pattern.""",
)
@selecting
@as_json
def command(options: Options, chosen: Chosen, as_json: bool) -> None:
    """Show how many tasks of each name JUGFILE makes."""
    from jug.task.graph import Graph

    with reading(options) as jugspace:
        graph = Graph(jugspace.tasks)
        names = list(graph.names())
        counts = Counter(names[number] for number in chosen.numbers(graph, jugspace))
    print_counts(counts, "count", as_json=as_json, short=options.short)
