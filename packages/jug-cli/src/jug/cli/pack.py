"""`jug pack`: merge the files of workers that are gone."""

from __future__ import annotations

import click

from jug.cli.jugfile_command import always, jugfile_command
from jug.cli.reading import reading
from jug.options import Options
from jug.wording import counted


@jugfile_command(
    epilog="""\b
Examples:
  jug pack primes.py

\b
Exit status: 0; 1 if the jugfile can't be read or its store has nothing to
pack; 2 for wrong usage.""",
    changes=always,
)
def command(options: Options) -> None:
    """Merge the files in which workers that are gone have kept small results.

    This makes reading quicker and gives back the room of removed results.  It is
    safe while other workers run, and done by itself when there are very many files.
    """
    with reading(options, is_patient=True) as jugspace:
        store = jugspace.store
        pack = getattr(store, "pack", None)
        if pack is None:
            raise click.ClickException(
                f"{store.url} has nothing to pack: that is for stores in a directory"
            )
        done = pack()
    if done.busy:
        click.echo("Another process is packing just now")
    else:
        removed = done.dropped + done.deleted
        files, results = counted(done.segments, "file"), counted(removed, "removed result")
        click.echo(f"Merged {files}, and dropped {results}")
