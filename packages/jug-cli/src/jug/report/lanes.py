"""The workers over time: a lane for each, with its runs or with how busy it was."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final

from jug.report.charts import stretched, time_axis
from jug.report.figures import percent
from jug.report.markup import Markup, shown, tag
from jug.report.timeline import CELLS, Bar, Lane, Timeline
from jug.task.graph import Graph
from jug.task.short_form import call_form
from jug.views.worker_times import WorkerTimes
from jug.wording import duration

__all__ = ["busy_share", "lanes"]

_LEVELS: Final = 5
_FEW: Final = 400
"""Up to as many runs each says by itself what it was."""
_WIDE: Final = 1000
_GAP: Final = 0.8  # between runs, of that width
_CALL: Final = 120


def lanes(told: Timeline, graph: Graph) -> Markup:
    """Return a picture of what each worker did, over the axis of time."""
    bars = sum(len(lane.bars) for lane in told.lanes)
    rows = [_row(told, lane, graph if bars <= _FEW else None) for lane in told.lanes]
    axis = tag("div", tag("span", class_="who"), time_axis(told.axis), tag("span"), class_="lane")
    name = "What each worker ran, and when: the table below says how busy each was."
    return tag("div", rows, axis, class_="lanes", role="img", aria_label=name)


def _row(told: Timeline, lane: Lane, graph: Graph | None) -> Markup:
    box = stretched(_WIDE, 1, _bars(told, lane.bars, graph)) if lane.bars else _shares(lane.busy)
    return tag(
        "div",
        tag("span", shown(str(lane.times.place), 40), class_="who"),
        tag("div", box, class_="track"),
        tag("span", percent(busy_share(lane.times)), class_="n"),
        class_="lane",
    )


def busy_share(times: WorkerTimes) -> float | None:
    """Return for what share of its life a worker ran tasks, None if it had none."""
    life = times.end - times.start
    return min(1.0, times.busy / life) if life > 0.0 else None


def _bars(told: Timeline, bars: Sequence[Bar], graph: Graph | None) -> Iterator[Markup]:
    if graph is not None:
        for bar in bars:
            yield _path(told, [bar], _title(bar, graph))
        return
    alike: defaultdict[tuple[int, bool], list[Bar]] = defaultdict(list)
    for bar in bars:
        alike[bar.kind, bar.is_bad].append(bar)
    labels = [shown(label, _CALL) for label in told.kinds.labels]
    for (kind, is_bad), some in sorted(alike.items()):
        yield _path(told, some, f"{labels[kind]}{', ended badly' if is_bad else ''}")


def _title(bar: Bar, graph: Graph) -> str:
    ending = ", ended badly" if bar.is_bad else ""
    return f"{shown(call_form(graph.tasks[bar.number]), _CALL)}: {duration(bar.duration)}{ending}"


def _path(told: Timeline, bars: Sequence[Bar], title: str) -> Markup:
    steps = (
        f"M{_WIDE * bar.place:.1f} .5h{max(_GAP, _WIDE * bar.width - _GAP):.1f}" for bar in bars
    )
    kind = "bad" if bars[0].is_bad else told.kinds.colour(bars[0].kind)
    return tag("path", tag("title", title), d="".join(steps), class_=kind)


def _shares(busy: Sequence[float]) -> Markup:
    """Return in one hue how busy a worker was, in a few steps."""
    parts: defaultdict[int, list[str]] = defaultdict(list)
    for level, begin, wide in _runs_of_levels(busy):
        parts[level].append(f"M{begin} .5h{wide}")
    return stretched(
        CELLS,
        1,
        (tag("path", d="".join(parts[level]), class_=f"s{level}") for level in sorted(parts)),
    )


def _runs_of_levels(busy: Iterable[float]) -> Iterator[tuple[int, int, int]]:
    """Yield where the share is alike: how much it is, where that begins, and how wide it is."""
    begin = 0
    for level, cells in groupby(round(_LEVELS * share + 0.4) for share in busy):
        wide = len(list(cells))
        if level:
            yield min(level, _LEVELS), begin, wide
        begin += wide
