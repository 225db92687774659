"""What would run, and why, as `jug why` and the dry runs print it.

Tasks of one name and reason are one group, of which the first few are shown.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import click

from jug.tables import table
from jug.wording import counted, duration

if TYPE_CHECKING:
    from jug.code import Comparison
    from jug.task import Task
    from jug.views.explanation import Reason
    from jug.views.forecast import Forecast
    from jug.views.why import Outlook

__all__ = ["print_outlook", "tell_done"]

_TASKS: Final = 3
_GROUPS: Final = 20


def print_outlook(
    seen: Outlook,
    workers: int,
    *,
    as_json: bool,
    short: bool,
    would: str = "would run",
    comparison: Comparison | None = None,
) -> None:
    """Print which tasks would run and why, how many, and how long that takes.

    `would` is the verb of the sentence at the end.  The results that stay are those of
    a `comparison`, which says whether they came from older code.
    """
    forecast = seen.forecast(workers)
    if as_json:
        data = _as_data(seen, forecast) | _as_stale(comparison)
        click.echo(json.dumps(data))  # indented it would take ten times as long
        return
    if seen.reasons and not short:
        _print_groups(seen)
        click.echo(_counts(seen) + "\n")
    click.echo(_tell_forecast(seen, forecast, would))
    if comparison is not None and comparison.has_stale:
        from jug.code.wording import told_of_stale

        click.echo(f"{told_of_stale(comparison)}, and would stay: `jug stale` shows what changed")


def _as_stale(comparison: Comparison | None) -> dict[str, Any]:
    """Return how many of the results that would stay came from older code, for ``--json``."""
    if comparison is None:
        return {}
    from jug.code import Answer

    return {"stale": {one.name: one.counts[Answer.STALE] for one in comparison.stale}}


def tell_done(task: Task[Any], seen: Outlook, comparison: Comparison) -> str:
    """Return that a task is done and would not run, since when, and whether by older code."""
    from jug.code.wording import told_of_stale, what_changed
    from jug.task.short_form import call_form
    from jug.views.explanation import when_and_where

    last = seen.past.last(task.digest)
    when = f", {when_and_where(last, seen.past.places)}" if last else ""
    told = f"{call_form(task)} is done{when}: it would not run"
    for one in comparison.stale:
        for change in one.changes:
            if task.digest in change.digests:
                return f"{told}; but since then {what_changed(change)} (see `jug stale`)"
    if not comparison.has_stale:
        return told
    return f"{told}; but {told_of_stale(comparison)}, and it was made from these (see `jug stale`)"


def _print_groups(seen: Outlook) -> None:
    groups = seen.groups()
    for (name, reason), numbers in islice(groups.items(), _GROUPS):
        click.echo(f"{name}: {reason.value} ({counted(len(numbers), 'task')})")
        for line in _lines(seen, numbers[:_TASKS]):
            click.echo(f"  {line}")
        if len(numbers) > _TASKS:
            click.echo(f"  … and {len(numbers) - _TASKS} more")
        click.echo()
    if len(groups) > _GROUPS:
        click.echo(f"… and {len(groups) - _GROUPS} more of other names or reasons\n")


def _lines(seen: Outlook, numbers: Sequence[int]) -> list[str]:
    """Return a line for each task; those that would be alike name it by its hash, too."""
    from jug.task.short_form import call_form, call_forms

    tasks = [seen.graph.tasks[number] for number in numbers]
    details = [seen.explain(number).detail(seen.past.places) for number in numbers]
    calls = call_forms(tasks) if len(set(details)) < len(details) else list(map(call_form, tasks))
    pairs = zip(calls, details, strict=True)
    return [f"{call}: {detail}" if detail else call for call, detail in pairs]


def _counts(seen: Outlook) -> str:
    """Return a table of how many tasks there are of each name and reason."""
    by_reason: dict[Reason, Counter[str]] = {}
    for (name, reason), numbers in seen.groups().items():
        by_reason.setdefault(reason, Counter())[name] = len(numbers)
    names = {name for counts in by_reason.values() for name in counts}
    rows = {name: [counts[name] for counts in by_reason.values()] for name in names}
    return table([reason.head for reason in by_reason], rows)


def _tell_forecast(seen: Outlook, forecast: Forecast, would: str) -> str:
    """Return in a sentence how many tasks would run, and how long they take."""
    count = sum(reason.would_run for reason in seen.reasons.values())
    told = f"{counted(count, 'task')} {would}"
    if not count:
        return told
    take = "it takes" if count == 1 else "they take"
    again = "" if would == "would run" else " to compute again"
    if forecast.seconds is None:
        none = f"none of {_names(forecast)} has finished"
        return f"{told}; how long {take}{again} is unknown, as {none}"
    told += f"; {take} about {duration(forecast.seconds)}{again} with -j {forecast.workers}"
    if not forecast.unknown:
        return told
    unknown = counted(sum(forecast.unknown.values()), "task")
    return f"{told}, not counting {unknown}, as none of {_names(forecast)} has finished"


def _names(forecast: Forecast) -> str:
    from jug.views.explanation import enumerated

    return enumerated(list(forecast.unknown))


def _as_data(seen: Outlook, forecast: Forecast) -> dict[str, Any]:
    """Return all of it, for ``--json``."""
    places = seen.past.places
    return {
        "tasks": [seen.explain(number).as_dict(places) for number in seen.reasons],
        "counts": [
            {"name": name, "reason": reason.value, "count": len(numbers)}
            for (name, reason), numbers in seen.groups().items()
        ],
        "would_run": sum(reason.would_run for reason in seen.reasons.values()),
        "workers": forecast.workers,
        "seconds": forecast.seconds,
        "unknown": forecast.unknown,
    }
