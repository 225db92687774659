"""`jug timings`: how long tasks took, and what more workers could gain."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import click

from jug.cli.jugfile_command import as_json, jugfile_command
from jug.cli.reading import reading, warn_of_barrier
from jug.cli.selecting import Chosen, selecting
from jug.options import Options
from jug.tables import Columns, size
from jug.wording import counted, duration, escaped

if TYPE_CHECKING:
    from jug.task.graph import Graph
    from jug.views.critical_path import CriticalPath
    from jug.views.timings import NameTimes, Timings
    from jug.views.worker_times import WorkerTimes

_SHOWN: Final = 10  # workers, and tasks of the critical path
_BY_NAME: Final = (
    "Count", "Total", "Mean", "Median", "95 %", "Longest", "CPU", "Memory", "Task name",
)  # fmt: skip
_BY_WORKER: Final = ("Runs", "Busy", "Idle", "Overhead", "Began", "Worker")


@jugfile_command(
    epilog="""\b
Examples:
  jug timings primes.py
  jug timings --short primes.py               only the table by name
  jug timings --name is_prime primes.py       only this name in it
  jug timings --json primes.py | jq '.critical_path.length'

\b
Exit status: 0; 1 if the jugfile can't be read; 2 for wrong usage, also if no
task has the name or the tag or fits the pattern.""",
)
@selecting
@as_json
def command(options: Options, chosen: Chosen, as_json: bool) -> None:
    """Show how long tasks took by name and by worker, and what bounds the whole.

    By name: the tasks that have a result, their time in total, in the mean, the
    median, what 95 of 100 took at most, and the longest; processor time as a share of
    time, and the largest memory of a process, where they were measured: from 10 ms on.

    By worker: how long it ran tasks, how long it could only wait for what others did,
    and the rest: reading the jugfile, taking tasks, reading arguments, saving results.

    The critical path is the chain of tasks, each needing the one before, that took
    longest: however many workers there are, they can't be faster than that.  Where
    tasks are chosen, only the table by name is shown, of these.
    """
    from jug.task.graph import Graph
    from jug.views.critical_path import critical_path
    from jug.views.timings import timings

    with reading(options) as jugspace:
        graph = Graph(jugspace.tasks)
        found = timings(jugspace.store, graph, chosen.numbers(graph, jugspace))
        path = None if chosen.selection else critical_path(graph, found.durations, found.means())
        if as_json:
            click.echo(json.dumps(_as_data(found, path, graph), indent=2))
            return
        parts = [_by_name(found.names)]
        if path is not None and not options.short:
            parts += [_by_worker(found.workers), "\n".join(_bounds(path, found.workers, graph))]
            parts += _hints(found.names)
        click.echo("\n\n".join(filter(None, parts)))
        warn_of_barrier(jugspace)


def _as_data(found: Timings, path: CriticalPath | None, graph: Graph) -> dict[str, Any]:
    return {
        "names": [asdict(name) for name in found.names],
        "workers": None if path is None else [worker.as_dict() for worker in found.workers],
        "critical_path": path.as_dict(graph) if path is not None and path.length else None,
    }


def _by_name(names: list[NameTimes]) -> str:
    if not names:
        return "No task has ended yet."
    rows = [
        (
            str(one.count),
            *map(duration, (one.total, one.mean, one.median, one.percentile_95, one.longest)),
            "-" if one.cpu_share is None else f"{one.cpu_share:.0%}",
            "-" if one.memory is None else size(one.memory),
            escaped(one.name),
        )
        for one in names
    ]
    return _numbers(_BY_NAME, rows)


def _by_worker(workers: list[WorkerTimes]) -> str:
    """Return the workers that were busy for longest, as they began, and all others in a line."""
    from jug.cli.run_lines import when
    from jug.views.worker_times import together

    if not workers:
        return ""
    shown = set(sorted(workers, key=lambda one: one.busy)[-_SHOWN:])
    rest = [one for one in workers if one not in shown]
    rows = [_row(one, when(one.start), str(one.place)) for one in workers if one in shown]
    if rest:
        rows.append(_row(together(rest), "", counted(len(rest), "other worker")))
    return _numbers(_BY_WORKER, rows)


def _row(one: WorkerTimes, began: str, who: str) -> tuple[str, ...]:
    rest = ("-" if time is None else duration(time) for time in (one.idle, one.overhead))
    return str(one.runs), duration(one.busy), *rest, began, who


def _numbers(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table of which only the last column is text."""
    return Columns(titles, rows, right=titles[:-1]).table(rows)


def _bounds(path: CriticalPath, workers: list[WorkerTimes], graph: Graph) -> Iterator[str]:
    """Yield the critical path, and what it means."""
    from jug.task.short_form import call_form
    from jug.views.worker_times import most_at_once

    if not path.length:
        return
    yield (
        f"Critical path: {duration(path.length)} in {counted(len(path.numbers), 'task')}, "
        f"of {duration(path.work)} of work in {counted(len(graph), 'task')}."
    )
    for number, seconds in islice(zip(path.numbers, path.seconds, strict=True), _SHOWN):
        yield f"  {duration(seconds):>11}  {call_form(graph.tasks[number])}"
    if len(path.numbers) > _SHOWN:
        yield f"  {'':>11}  and {len(path.numbers) - _SHOWN} more"
    if path.estimated:
        yield f"{counted(path.estimated, 'task')} without a result: the mean of the name is taken."
    if path.unknown:
        yield f"{counted(path.unknown, 'task')} of names without any result: not counted."
    yield from _gain(path, most_at_once(workers))


def _gain(path: CriticalPath, workers: int) -> Iterator[str]:
    """Yield what more workers could gain at most."""
    now = path.least(workers)
    who = "1 worker needs" if workers == 1 else f"{workers} workers at a time need"
    yield f"{who} at least {duration(now)}."
    if workers >= path.enough:
        yield "More workers could not be faster."
    else:
        least, saved = duration(path.length), duration(now - path.length)
        yield f"{path.enough} or more need at least {least}: they could save {saved} at most."


def _hints(names: list[NameTimes]) -> Iterator[str]:
    """Yield which tasks are too short, and what to do."""
    for one in names:
        if one.map_step is not None:
            yield (
                f"{escaped(one.name)}: tasks of {duration(one.mean)} cost more than they take:\n"
                f"  jug.mapreduce.map(..., map_step={one.map_step}) makes fewer of them."
            )
