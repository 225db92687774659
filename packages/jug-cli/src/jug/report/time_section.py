"""Over time: how many tasks were done, what ran, and what each worker did."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from jug.report.charts import area, curve, nice_top, samples
from jug.report.figures import date, number, percent, span
from jug.report.findings import Findings
from jug.report.lanes import busy_share, lanes
from jug.report.markup import Markup, joined, shown
from jug.report.parts import Cell, figure, legend, num, row, section, table
from jug.report.timeline import Timeline
from jug.wording import counted

__all__ = ["time_section"]

_NAME: Final = 60


def time_section(found: Findings) -> Markup | None:
    """Return what happened when, None if nothing did."""
    told = found.timeline
    if told is None:
        return None
    begin, end = date(told.axis.start), date(told.axis.end)
    note = f"From {begin} to {end}, by the clocks of the workers' hosts."
    pauses = sum(1 for _ in told.axis.breaks())
    if pauses:
        are = "is" if pauses == 1 else "are"
        note += f" {counted(pauses, 'pause')} without work {are} drawn as a narrow break."
    parts = (_done(found, told), _running(told), _workers(found, told))
    return section("time", "Over time", parts, note=note)


def _done(found: Findings, told: Timeline) -> Markup:
    total = max(found.snapshot.total, 1)
    titles = ["When", "Tasks done"]
    rows = (
        row(titles, [Cell(moment), num(number(told.done[cell]), None)], titles[1:])
        for moment, cell in samples(told.axis)
    )
    as_table = table("Tasks done over time", titles, rows, titles[1:])
    timed = told.done[-1]
    name = f"{number(timed)} of {number(total)} tasks done by {date(told.axis.end)}."
    picture = curve(told.axis, name, told.done, total)
    others = found.snapshot.done - timed
    unknown = f"; of {number(others)} more it is not known when" if others > 0 else ""
    return figure("done", f"Tasks done{unknown}", picture, as_table)


def _running(told: Timeline) -> Markup:
    labels = [shown(label, _NAME) for label in told.kinds.labels]
    titles = ["When", *labels]
    rows = (
        row(titles, [Cell(moment), *_counts(told, cell)], titles[1:])
        for moment, cell in samples(told.axis)
    )
    as_table = table("How many workers ran what, over time", titles, rows, titles[1:])
    top = nice_top(max(map(sum, zip(*told.running, strict=True))))
    heights = ((told.kinds.colour(place), cells) for place, cells in enumerate(told.running))
    picture = area(told.axis, "How many workers ran tasks of which name.", heights, top)
    colours = legend(told.legend())
    return figure("running", "Workers running tasks, by name", joined(colours, picture), as_table)


def _counts(told: Timeline, cell: int) -> Iterator[Cell]:
    for counts in told.running:
        yield num(_average(counts[cell]), None)


def _average(count: float) -> str:
    """Return how many workers there were on average; hardly any are not none.

    >>> _average(2.04), _average(0.01), _average(0.0)
    ('2.0', '< 0.1', '0')
    """
    return f"{count:.1f}" if count >= 0.05 else "< 0.1" if count else "0"


def _workers(found: Findings, told: Timeline) -> Markup:
    titles = ["Worker", "Runs", "Busy", "Share", "Idle", "Overhead", "Began", "Ended"]
    right = titles[1:6]
    rows = (
        row(titles, [
            Cell(shown(str(times.place), 80)),
            num(number(times.runs), times.runs),
            num(span(times.busy), times.busy),
            num(percent(busy_share(times)), busy_share(times) or 0.0),
            num(span(times.idle), times.idle or -1.0),
            num(span(times.overhead), times.overhead or -1.0),
            Cell(date(times.start), times.start),
            Cell(date(times.end), times.end),
        ], right, class_="item")
        for times in (lane.times for lane in told.lanes)
    )  # fmt: skip
    caption = "What each worker did, and for what share of its time it was busy"
    if told.left_out:
        count = len(told.lanes)
        caption += f"; of {count + told.left_out:,} the {count} that were busy for longest"
    as_table = table("What each worker did with its time", titles, rows, right, is_sorted=True)
    return figure("lanes", caption, joined(_key(told), lanes(told, found.graph)), as_table)


def _key(told: Timeline) -> Markup:
    """Return what the colours of the lanes stand for."""
    if any(lane.busy for lane in told.lanes):
        return legend([("s1", "hardly busy"), ("s3", "half of the time"), ("s5", "all the time")])
    is_any_bad = any(bar.is_bad for lane in told.lanes for bar in lane.bars)
    return legend(
        [*told.legend(), *([("bad", "failed, or the worker died")] if is_any_bad else [])]
    )
