"""`jug sleep-until`: wait for the end of the work."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import click

from jug.cli import DONE, FAILED
from jug.cli.jugfile_command import jugfile_command
from jug.cli.reading import reading
from jug.options import Options

if TYPE_CHECKING:
    from jug.jugfile import Jugspace

_QUIET: Final = 2.0  # seconds after which a wait without news ends
_SHARE: Final = 0.05  # of the time may go into looking


@jugfile_command(
    epilog="""\b
Examples:
  jug sleep-until primes.py; mail -s 'primes' me@example.org < output.txt
  jug sleep-until primes.py && jug execute plots.py

\b
Exit status: 0 once all tasks are done; 1 once nothing more can finish because
of tasks that failed, or if the jugfile can't be read; 2 for wrong usage.""",
)
@click.pass_context
def command(context: click.Context, options: Options) -> None:
    """Wait until all tasks of JUGFILE are done, or nothing more can finish; run none.

    Nothing more can finish when what is left has failed or waits for what has
    failed, and no worker is trying it again.
    """
    while True:
        with reading(options) as jugspace:
            complete = _sleep(jugspace)
        if not complete or not jugspace.barrier_tasks:
            context.exit(DONE if complete else FAILED)


def _sleep(jugspace: Jugspace) -> bool:
    """Return whether the tasks known so far, or those of its barrier, came to be done."""
    from jug.status import State, look

    store, wanted = jugspace.store, jugspace.barrier_tasks or jugspace.tasks
    with store.reader() as changes:
        while True:
            began = time.monotonic()
            status = look(store, jugspace.tasks)
            if status.is_complete() or look(store, wanted).is_complete():
                return True
            if not status.total(State.READY) and not status.total(State.RUNNING):
                return False
            # A look takes long where there are many tasks, which finish all the time.
            time.sleep((time.monotonic() - began) * (1 / _SHARE - 1))
            changes.take()
            store.wait(changes, _QUIET)
