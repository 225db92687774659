"""`jug sleep-until`: wait for the end of the work."""

from __future__ import annotations

import click

from jug.cli import DONE, FAILED
from jug.cli.following import follow
from jug.cli.jugfile_command import jugfile_command
from jug.cli.long_wait import LongWait
from jug.cli.progress import progress_option, shown_progress
from jug.options import Options


@jugfile_command(
    epilog="""\b
Examples:
  jug sleep-until primes.py; mail -s 'primes' me@example.org < output.txt
  jug sleep-until primes.py && jug execute plots.py

\b
Exit status: 0 once all tasks are done; 1 once nothing more can finish because
of tasks that failed, or if the jugfile can't be read; 2 for wrong usage.""",
)
@progress_option
@click.pass_context
def command(context: click.Context, options: Options) -> None:
    """Wait until all tasks of JUGFILE are done, or nothing more can finish; run none.

    Nothing more can finish when what is left has failed or waits for what has
    failed, and no worker is trying it again.  A wait that takes more than some
    seconds says on the standard error who has what it waits for, or that nobody
    has begun it.
    """
    with shown_progress(options.progress) as display:
        complete = follow(options, display, long_wait=LongWait())
    if not complete:
        click.echo("jug: nothing more can finish: `jug failures` shows what failed", err=True)
    context.exit(DONE if complete else FAILED)
