"""`jug failures`: what failed, grouped by exception and place."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from textwrap import indent
from typing import TYPE_CHECKING, Final

import click

from jug.cli import DONE, FAILED
from jug.cli.colours import painted
from jug.cli.jugfile_command import as_json, jugfile_command
from jug.cli.reading import reading, warn_of_barrier
from jug.cli.selecting import Chosen, selecting
from jug.options import Options
from jug.wording import counted

if TYPE_CHECKING:
    from jug.views.failures import FailureGroup

_SHOWN: Final = 5  # tasks and hosts of each group


@jugfile_command(
    epilog="""\b
Examples:
  jug failures primes.py
  jug failures --short primes.py              no tracebacks
  jug failures --name is_prime primes.py
  jug failures --json primes.py | jq '.groups[0].tasks[].arguments'

\b
Exit status: 0 if no task has failed, 1 if any has, or if the jugfile can't be
read; 2 for wrong usage, also if no task has the name or the tag or fits
the pattern.""",
)
@selecting
@as_json
@click.pass_context
def command(context: click.Context, options: Options, chosen: Chosen, as_json: bool) -> None:
    """Show the failures of tasks, those together that failed by one exception in one line.

    For each group there are the traceback of one task, the calls that failed, and
    on which hosts.  The line is the last of your own code in the traceback.  Only
    what counts now is shown: `jug log` has the attempts that were made again.
    """
    from jug.task.graph import Graph
    from jug.views.failures import failure_groups

    with reading(options) as jugspace:
        graph = Graph(jugspace.tasks)
        tasks = [graph.tasks[number] for number in chosen.numbers(graph, jugspace)]
        groups = failure_groups(jugspace, tasks)
        count = sum(len(group.failures) for group in groups)
        if as_json:
            about = {"failed": count, "groups": [group.as_dict() for group in groups]}
            click.echo(json.dumps(about, indent=2))
        else:
            for group in groups:
                click.echo(head(group) if options.short else f"{_told(group)}\n")
            click.echo(_sentence(count, len(groups)))
            warn_of_barrier(jugspace)
    context.exit(FAILED if groups else DONE)


def _sentence(count: int, ways: int) -> str:
    if not count:
        return "No task has failed."
    how = f", in {ways} ways" if ways > 1 else ""
    return f"{counted(count, 'task')} failed{how}."


def head(group: FailureGroup) -> str:
    """Return what makes the group one."""
    what = painted("failed", group.exception or "a record that can't be read")
    where = f" at {group.line}" if group.line else f" in {group.failures[0].task.name}"
    return f"{counted(len(group.failures), 'task')}: {what}{where}"


def _told(group: FailureGroup) -> str:
    lines = [head(group), *_calls(group), f"  on {_hosts(group)}"]
    if group.traceback:
        lines += ["", indent(group.traceback, "    ")]
    return "\n".join(lines)


def _calls(group: FailureGroup) -> Iterator[str]:
    yield from (f"  {failure.call}" for failure in islice(group.failures, _SHOWN))
    if len(group.failures) > _SHOWN:
        yield f"  and {len(group.failures) - _SHOWN} more"


def _hosts(group: FailureGroup) -> str:
    hosts = group.hosts().most_common()
    told = [_host(host, count, len(hosts)) for host, count in hosts[:_SHOWN]]
    return ", ".join(told) + (f" and {len(hosts) - _SHOWN} more" if len(hosts) > _SHOWN else "")


def _host(host: str, count: int, hosts: int) -> str:
    name = host or "an unknown host"
    return name if hosts == 1 else f"{name} ({count})"
