"""`jug count`: how many tasks there are."""

from __future__ import annotations

import json
from collections import Counter

import click

from jug._tables import table
from jug.cli._reading import as_json, jugfile_command, reading
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
    from jug._naming import task_names

    with reading(options) as jugspace:
        distinct = {task.digest: task for task in jugspace.tasks}
        counts = Counter(task_names(distinct.values()))
    if as_json:
        tasks = [{"name": name, "count": counts[name]} for name in sorted(counts)]
        click.echo(json.dumps({"tasks": tasks, "total": counts.total()}, indent=2))
    elif options.short:
        click.echo(f"{counts.total()} tasks")
    else:
        click.echo(table(["Count"], {name: [count] for name, count in counts.items()}))
