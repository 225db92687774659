"""`jug accept`: keep results of older code, since the change does not matter."""

from __future__ import annotations

from collections import Counter

import click

from jug.cli.count_table import print_counts
from jug.cli.jugfile_command import always, as_json, jugfile_command
from jug.cli.reading import reading, warn_of_barrier
from jug.cli.selecting import Chosen, selecting
from jug.options import Options


@jugfile_command(
    epilog="""\b
Examples:
  jug stale primes.py                   look first at what has changed
  jug accept primes.py
  jug accept --name is_prime primes.py
  jug accept --dry-run primes.py

\b
Exit status: 0, also if no result came from older code; 1 if the jugfile can't
be read; 2 for wrong usage, also if no task has the name or the tag or fits
the pattern.""",
    changes=always,
)
@selecting
@click.option("--dry-run", is_flag=True, help="Say what would be accepted, and accept nothing.")
@as_json
def command(options: Options, chosen: Chosen, dry_run: bool, as_json: bool) -> None:
    """Say that what has changed in the code of tasks does not matter to their results.

    These results are as good as computed by the code of today, and are not stale any
    more.  That is noted in the store, for all who use it, and nothing is computed.  It holds
    for all results of the same code, and for this change alone: after a further one they
    are stale again.
    """
    from jug.code import accept
    from jug.task.graph import Graph
    from jug.views.stale import stale_code

    with reading(options, is_patient=True) as jugspace:
        graph = Graph(jugspace.tasks)
        changes = stale_code(jugspace, graph, chosen.numbers(graph, jugspace)).changes
        if not dry_run:
            accept(jugspace.store, changes)
        if not as_json:
            warn_of_barrier(jugspace)
    counts: Counter[str] = Counter()
    for change in changes:
        counts[change.name] += len(change.digests)
    word = "would be accepted" if dry_run else "accepted"
    print_counts(counts, word, as_json=as_json, short=options.short)
