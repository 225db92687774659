"""`jug report`: one page that tells the whole run, as a file."""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

import click

from jug.cli import DONE, FAILED
from jug.cli.jugfile_command import complete_path, jugfile_command
from jug.options import Options
from jug.tables import size

_TO_OUTPUT: Final = "-"


@jugfile_command(
    epilog="""\b
Examples:
  jug report primes.py                       writes primes-report.html
  jug report -o report.html primes.py
  jug report -o - primes.py > report.html

\b
Exit status: 0; 1 if the page can't be written, or if the jugfile can't be
read, when the page tells what was recorded; 2 for wrong usage.""",
)
@click.option(
    "-o", "--output", metavar="FILE", shell_complete=complete_path,
    help="Where to write the page, - for the standard output. [JUGFILE-report.html]",
)  # fmt: skip
@click.pass_context
def command(context: click.Context, options: Options, output: str | None) -> None:
    """Write one page that tells the whole run: a file to look at in a browser, and to send.

    It has how far the tasks are, what failed and why, how long tasks took, which task
    needs which, what each worker did and when, and on what machines and versions.
    The page is one file and fetches nothing.  It does not grow with the tasks.

    Where JUGFILE can't be read, the page tells what its workers have recorded.
    `jug webstatus` shows the same while workers run.
    """
    from jug.cli.sight import sight
    from jug.report.page import page

    path = _path(options.jugfile, output)
    with sight(options, prints_to=sys.stderr if path is None else None) as seen:
        text = page(seen.look())
        trouble = seen.subject.trouble
    encoded = text.encode("utf-8", "backslashreplace")
    if path is None:
        click.echo(encoded, nl=False)
    else:
        write_aside(path, encoded)
        click.echo(f"{path} written, {size(len(encoded))}")
    if trouble:
        click.echo(f"The page tells only what was recorded: {trouble}", err=True)
    context.exit(FAILED if trouble else DONE)


def _path(jugfile: str, output: str | None) -> Path | None:
    """Return which file to write, None for the standard output."""
    if output == _TO_OUTPUT:
        return None
    path = Path(output or f"{jugfile.removesuffix('.py')}-report.html").absolute()
    if os.path.isdir(path):
        raise click.ClickException(f"{str(path)!r} can't be written: it is a folder")
    if not os.path.isdir(path.parent):
        raise click.ClickException(f"{str(path)!r} can't be written: there is no such folder")
    return path


def write_aside(path: Path, content: bytes) -> None:
    """Write a file so that nobody finds half of it, not even where the disk is full."""
    target = Path(os.path.realpath(path))
    aside = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        if os.path.exists(path) and not os.path.isfile(path):  # such as /dev/stdout
            path.write_bytes(content)
            return
        try:
            aside.write_bytes(content)
            if target.exists():
                shutil.copymode(target, aside)  # who may not read it may not now
            os.replace(aside, target)
        finally:
            with suppress(OSError):  # it is in place, or could not be made
                aside.unlink()
    except OSError as error:
        raise click.ClickException(f"{str(path)!r} can't be written: {error.strerror}") from None
