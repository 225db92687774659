"""`jug webstatus`: the page of `jug report`, live from the store, for a browser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from jug.cli import DONE
from jug.cli.jugfile_command import jugfile_command
from jug.options import Options


@jugfile_command(
    epilog="""\b
Examples:
  jug webstatus primes.py
  jug webstatus --open primes.py
  jug webstatus --port 0 primes.py           any port that is free

\b
From another machine, by ssh:
  ssh -L 8080:localhost:8080 node7           and open the URL here

\b
Exit status: 0 once Ctrl-C ends it; 1 if neither the jugfile nor its store can
be read; 2 for wrong usage, also if the port can't be had.""",
)
@click.option("--port", "webstatus_port", type=click.IntRange(0, 65535), metavar="PORT",
              help="The port, 0 for any that is free. [8080]")  # fmt: skip
@click.option("--host", "--ip", "webstatus_ip", metavar="HOST",
              help="The address to listen at; others can connect if it is not this host's "
              "own. [127.0.0.1]")  # fmt: skip
@click.option("--open", "is_opened", is_flag=True, help="Open the page in a browser.")
@click.pass_context
def command(context: click.Context, options: Options, is_opened: bool) -> None:
    """Show the page of `jug report` in a browser, live, until Ctrl-C.

    The URL has a secret in it: whoever has it can see the page, and nobody else.
    Nothing can be changed there.  The connection is not encrypted: look from another
    machine through ssh, as the examples show.

    The page looks anew by itself.  Where there are very many tasks it does so less often.
    """
    from jug.cli.sight import sight
    from jug.report.live import LivePage
    from jug.report.server import serving

    with sight(options) as seen:
        live = LivePage(seen.look)
        try:
            with serving(live, options.webstatus_ip, options.webstatus_port) as url:
                click.echo(f"{url}\nCtrl-C ends it.")
                with _opened(url) if is_opened else nullcontext():
                    live.keep_making()
        except KeyboardInterrupt:
            click.echo("", err=True)
    context.exit(DONE)


@contextmanager
def _opened(url: str) -> Iterator[None]:
    """Open a browser by a file that leads there, and that only its owner can read.

    What programs are begun with can be seen by everybody on a machine, so it must not be the URL.
    """
    from jug.report.markup import tag

    with TemporaryDirectory(prefix="jug-webstatus-") as folder:
        path = Path(folder, "webstatus.html")
        path.write_text(tag("meta", http_equiv="refresh", content=f"0; url={url}"), "utf-8")
        click.launch(str(path))
        yield
