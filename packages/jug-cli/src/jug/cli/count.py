"""`jug count`: how many tasks there are."""

from __future__ import annotations

from collections import Counter

from jug.cli.count_table import print_counts
from jug.cli.jugfile_command import as_json, jugfile_command
from jug.cli.reading import reading
from jug.options import Options


@jugfile_command(
    epilog="""\b
Examples:
  jug count primes.py
  jug count --json primes.py

\b
Exit status: 0; 1 if the jugfile can't be read; 2 for wrong usage.""",
)
@as_json
def command(options: Options, as_json: bool) -> None:
    """Show how many tasks of each name JUGFILE makes."""
    from jug.hash.names import task_names

    with reading(options) as jugspace:
        distinct = {task.digest: task for task in jugspace.tasks}
        counts = Counter(task_names(distinct.values()))
    print_counts(counts, "count", as_json=as_json, short=options.short)
