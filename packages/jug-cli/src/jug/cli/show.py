"""`jug show`: all about one task."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import click

from jug.cli.colours import painted
from jug.cli.jugfile_command import as_json, jugfile_command, task_argument
from jug.cli.reading import reading, warn_of_barrier
from jug.options import Options
from jug.wording import counted

if TYPE_CHECKING:
    from jug.task import Task
    from jug.views.neighbours import Neighbours
    from jug.views.results import ResultSummary
    from jug.views.task_page import TaskPage

_LINES: Final = 20  # of the output; ``--output`` shows all that is kept


@jugfile_command(
    epilog="""\b
Examples:
  jug show 'is_prime[3]' primes.py            the fourth task of this name
  jug show 'is_prime(7)' primes.py            the call
  jug show 'primes100[3]' primes.py           what the jugfile calls so
  jug show 3f2a91 primes.py                   the first digits of its hash
  jug show --value count_primes primes.py     the result alone
  jug show --output 'is_prime[3]' primes.py   what it printed

\b
Exit status: 0; 1 if there is no value, traceback or output that was asked
for, or if the jugfile can't be read; 2 for wrong usage, also if TASK fits no
task of the jugfile, or several.""",
)
@task_argument
@click.option("--value", is_flag=True, help="Print the result alone; a text as it is.")
@click.option("--traceback", is_flag=True, help="Print the last traceback alone.")
@click.option("--output", is_flag=True, help="Print the last of what the task printed alone.")
@as_json
def command(
    options: Options, task: str,
    value: bool, traceback: bool, output: bool, as_json: bool,
) -> None:  # fmt: skip
    """Show a task: its arguments, its state and why, what it needs, its result, its runs.

    TASK is the task's name if no other has it, the name with the task's place
    among those of the name or with its arguments, what the jugfile calls it, or six
    digits or more of its hash.
    """
    from jug.cli.lookup import find_task
    from jug.task.graph import Graph
    from jug.views.task_page import task_page

    if value + traceback + output + as_json > 1:
        raise click.UsageError("--value, --traceback, --output and --json: give one of them")
    with reading(options) as jugspace:
        warn_of_barrier(jugspace)
        graph = Graph(jugspace.tasks)
        found = find_task(jugspace, task, graph)
        found.store.poll()
        if value:
            click.echo(_value(found))
            return
        page = task_page(jugspace, graph, found)
        if traceback:
            click.echo(_traceback(page))
        elif output:
            click.echo(_output(page), nl=False)
        elif as_json:
            click.echo(json.dumps(page.as_dict(), indent=2))
        else:
            click.echo("\n".join(_short(page) if options.short else _told(page)))


def _value(task: Task[Any]) -> str:
    """Return the result as text."""
    from jug.errors import JugError
    from jug.task.no_value import not_found
    from jug.task.short_form import call_form
    from jug.tracebacks import describe_exception
    from jug.views.results import read_value

    if not task.can_load():
        if task.digest in task.store.failures():
            raise not_found(task)
        raise click.ClickException(
            f"{call_form(task)} has no result: `jug why` says why, `jug execute` runs it"
        )
    try:
        value = read_value(task)
        return value if isinstance(value, str) else repr(value)
    except JugError:
        raise
    except Exception as error:  # the user's own classes refuse
        raise click.ClickException(
            f"the result of {call_form(task)} can't be shown: {describe_exception(error)}"
        ) from None


def _traceback(page: TaskPage) -> str:
    if not page.traceback:
        raise click.ClickException(f"there is no traceback of {page.call}")
    return page.traceback.rstrip()


def _output(page: TaskPage) -> str:
    if not page.output:
        raise click.ClickException(
            f"nothing is kept that {page.call} has printed: of tasks that do not fail "
            "`jug execute --capture` keeps it"
        )
    return page.output if page.output.endswith("\n") else f"{page.output}\n"


def _short(page: TaskPage) -> Iterator[str]:
    yield f"{page.state.value}: {page.call}"


def _told(page: TaskPage) -> Iterator[str]:
    yield page.call
    yield f"  hash    {page.task.digest.hex()}"
    if page.version:
        yield f"  version {page.version}"
    yield f"  state   {painted(page.state.value, page.state.value)}: {page.why}"
    if page.result is not None:
        yield f"  result  {_result(page.result)}"
        yield f"          {page.result.text}"
    yield from _arguments(page)
    yield from _neighbours("needs", page.dependencies)
    yield from _neighbours("is needed by", page.dependants)
    yield from _runs(page)
    yield from _last_output(page)


def _result(result: ResultSummary) -> str:
    from jug.tables import size

    shape = "" if result.shape is None else f"shape {result.shape}"
    length = "" if result.length is None else f"length {result.length}"
    parts = (result.type or "not readable", size(result.bytes), shape, length)
    return ", ".join(filter(None, parts))


def _arguments(page: TaskPage) -> Iterator[str]:
    if page.arguments:
        yield "\narguments"
    for name, value in page.arguments.items():
        yield f"  {name}: {value}"


def _neighbours(word: str, neighbours: Neighbours) -> Iterator[str]:
    from jug.task.short_form import call_forms

    if not neighbours.total:
        return
    counts = ", ".join(f"{count} {state.value}" for state, count in neighbours.counts.items())
    yield f"\n{word} {counted(neighbours.total, 'task')}: {counts}"
    calls = call_forms([one.task for one in neighbours.first])
    for one, call in zip(neighbours.first, calls, strict=True):
        yield f"  {painted(one.state.value, f'{one.state.value:<8}')}  {call}"
    if neighbours.total > len(neighbours.first):
        yield f"  and {neighbours.total - len(neighbours.first)} more"


def _runs(page: TaskPage) -> Iterator[str]:
    from jug.cli.run_lines import RunLines

    if page.runs:
        lines = RunLines(page.runs, of_one_task=True)
        yield f"\n{counted(len(page.runs), 'run')}"
        yield from lines.head().splitlines()
        yield from map(lines.line, page.runs)


def _last_output(page: TaskPage) -> Iterator[str]:
    lines = page.output.splitlines()
    if lines:
        yield "\noutput" if len(lines) <= _LINES else f"\noutput, its last {_LINES} lines"
    yield from (f"  {line}" for line in lines[-_LINES:])
