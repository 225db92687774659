"""`jug why`: why a task would run."""

from __future__ import annotations

import click

from jug.cli.jobs import jobs_option, workers_of
from jug.cli.jugfile_command import as_json, jugfile_command, task_argument
from jug.cli.lookup import find_task
from jug.cli.outlook import print_outlook, tell_done
from jug.cli.reading import reading, warn_of_barrier
from jug.options import Options


@jugfile_command(
    epilog="""\b
Examples:
  jug why count_primes primes.py
  jug why 'is_prime(7)' primes.py
  jug why 'primes100[3]' primes.py    what the jugfile names
  jug why 3f2a91 primes.py            the first digits of a hash
  jug why --json count_primes primes.py

\b
Exit status: 0; 1 if the jugfile can't be read; 2 for wrong usage, also if no
task or several are meant.""",
)
@task_argument
@jobs_option
@as_json
def command(options: Options, task: str, as_json: bool) -> None:
    """Say why TASK would run, and all that has to run before it.

    A task was never run, or an argument differs from that of an earlier run; something
    that it needs is not done; its result was removed; it failed or was cut short; or
    somebody runs it just now.  Nothing is run or changed.
    """
    from jug.code import find_stale
    from jug.task import recursive_dependencies
    from jug.views.why import outlook

    with reading(options) as jugspace:
        warn_of_barrier(jugspace)
        found = find_task(jugspace, task)
        seen = outlook(jugspace, task=found)
        comparison = find_stale([found, *recursive_dependencies(found)], jugspace.store)
        if seen.reasons or as_json:
            print_outlook(
                seen, workers_of(options), as_json=as_json, short=options.short,
                comparison=comparison,
            )  # fmt: skip
        else:
            click.echo(tell_done(found, seen, comparison))
