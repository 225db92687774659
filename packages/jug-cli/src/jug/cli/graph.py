"""`jug graph`: a picture of which task needs which."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Final

import click

from jug.cli.jugfile_command import jugfile_command
from jug.cli.reading import reading, warn_of_barrier
from jug.options import Options

_PATIENCE: Final = 60.0
"""Seconds after which a picture is too large to be drawn."""


@jugfile_command(
    epilog="""\b
Examples:
  jug graph primes.py                      writes primes.dot and primes.png
  jug graph --file-format svg primes.py    writes primes.dot and primes.svg

\b
Exit status: 0; 1 if the jugfile can't be read or the picture can't be made;
2 for wrong usage.""",
)
@click.option(
    "--file-format", "graph_file_format", metavar="FORMAT",
    help="The format of the picture, any that graphviz knows. [png]",
)  # fmt: skip
@click.option(
    "--no-status", "graph_no_status", is_flag=True, help="Don't show the state of each task."
)
def command(options: Options) -> None:
    """Write the graph of JUGFILE's tasks beside it, as text for graphviz and as a picture.

    Colours show what is finished, running, ready, waiting or failed.  Tasks of one
    name are one box where there are more than 20 of them.  The picture is made by
    graphviz's program `dot`, if that is installed; the text is written in any case.
    """
    from jug.cli.dot import dot_text
    from jug.status import states
    from jug.task.graph import Graph

    with reading(options) as jugspace:
        graph = Graph(jugspace.tasks)
        shown = None
        if not options.graph_no_status:
            shown = [state.value for state in states(jugspace.store, graph.tasks)]
        jugfile = Path(jugspace.names["__file__"])
        warn_of_barrier(jugspace)
    text = dot_text(graph, shown) + "\n"
    _write(jugfile.with_suffix(".dot"), text.encode())
    dot = shutil.which("dot")
    if dot is None:
        click.echo("No picture was made: install graphviz for its program dot", err=True)
    else:
        image = _draw(dot, text, options.graph_file_format)
        _write(jugfile.with_suffix(f".{options.graph_file_format}"), image)


def _draw(dot: str, text: str, file_format: str) -> bytes:
    """Return the picture that `dot` makes."""
    try:
        drawn = subprocess.run(
            [dot, f"-T{file_format}"], input=text.encode(), capture_output=True, timeout=_PATIENCE
        )
    except subprocess.TimeoutExpired:
        raise click.ClickException(
            f"the picture is too large: {dot!r} had not drawn it after {_PATIENCE:.0f} seconds"
        ) from None
    if drawn.returncode:
        message = drawn.stderr.decode(errors="replace").strip()
        raise click.ClickException(f"{dot!r} could not draw it as {file_format!r}: {message}")
    return drawn.stdout


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise click.ClickException(f"{str(path)!r} can't be written: {error.strerror}") from None
    click.echo(f"{path} written")
