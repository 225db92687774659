"""The tasks by name: their states and times; the graph of the names; the critical path."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final
from zlib import crc32

from jug.report.charts import histogram
from jug.report.figures import UNKNOWN, number, percent, size, span
from jug.report.findings import Findings
from jug.report.graph_picture import MOST_NAMES, graph_picture
from jug.report.markup import Markup, joined, shown, tag
from jug.report.parts import (
    Cell,
    figure,
    num,
    row,
    rows_left_out,
    scrolled,
    section,
    swatch,
    table,
)  # fmt: skip
from jug.report.states import ORDER, counts_of, state_bar
from jug.task.short_form import call_form
from jug.views.distribution import Distribution
from jug.views.timings import NameTimes
from jug.wording import counted, duration

__all__ = ["graph_section", "path_section", "tasks_section"]

_NAMES: Final = 120
_LINKS: Final = 150
_NAME: Final = 120
_CALL: Final = 160
_STEPS: Final = 15
_COUNTS: Final = [state.value.capitalize() for state in ORDER]
_TIMES: Final = ["Total", "Mean", "Median", "95 %", "Longest", "CPU", "Memory"]
_TITLES: Final = ["Task name", "State", *_COUNTS, *_TIMES, "Durations"]
_NUMBERS: Final = [*_COUNTS, *_TIMES]


def tasks_section(found: Findings) -> Markup:
    """Return the table of the tasks by name."""
    if not found.names.names:
        return section("tasks", "Tasks", tag("p", "There are none.", class_="note"))
    times = {one.name: one for one in found.timings.names}
    names = islice(found.names.names, _NAMES)
    rows = [_row(found, name, times.get(name)) for name in names]
    left_out = rows_left_out(len(found.names.names) - len(rows), "names")
    made = table("Tasks by name", _TITLES, rows, _NUMBERS, is_sorted=True)
    return section("tasks", "Tasks", made, left_out)


def _row(found: Findings, name: str, times: NameTimes | None) -> Markup:
    counts = counts_of(found.status, name)
    kind = found.kinds.colour_of(name) if times else "k-none"
    total = sum(count for _, count in counts) or 1
    cells = [
        Cell(tag("span", swatch(kind), tag("code", shown(name, _NAME)), class_="named")),
        Cell(state_bar(counts), counts[0][1] / total),
        *(num(number(count), count) for _, count in counts),
        *_times(times),
        Cell(_spread(found.timings.distributions.get(name))),
    ]
    states = " ".join(state for state, count in counts if count)
    return row(
        _TITLES,
        cells,
        _NUMBERS,
        class_="item",
        data_states=states,
        data_key=f"name-{crc32(name.encode('utf-8', 'replace')):08x}",
    )


def _times(times: NameTimes | None) -> Iterator[Cell]:
    if times is None:
        yield from (num(UNKNOWN, -1.0) for _ in _TIMES)
        return
    for seconds in (
        times.total, times.mean, times.median, times.percentile_95, times.longest
    ):  # fmt: skip
        yield num(span(seconds), seconds)
    yield num(percent(times.cpu_share), times.cpu_share or -1.0)
    yield num(size(times.memory), times.memory or -1.0)


def _spread(spread: Distribution | None) -> Markup | None:
    if spread is None:
        return None
    bounds = f"{duration(spread.bounds[0])} to {duration(spread.bounds[-1])}"
    tasks = counted(sum(spread.counts), "task")
    return histogram(spread, f"{tasks} from {bounds}")


def graph_section(found: Findings) -> Markup | None:
    """Return the graph of the names, None where no task needs another."""
    names = found.names
    if not names.links:
        return None
    links = islice(sorted(names.links, key=lambda link: (link.dependant, link.needed)), _LINKS)
    titles = ["Task name", "Needs", "Times"]
    rows = [
        row(titles, [
            Cell(tag("code", shown(names.names[link.dependant], _NAME))),
            Cell(tag("code", shown(names.names[link.needed], _NAME))),
            num(number(link.times), link.times),
        ], ["Times"])
        for link in links
    ]  # fmt: skip
    as_table = joined(
        table("Which tasks need which", titles, rows, ["Times"]),
        rows_left_out(len(names.links) - len(rows), "links"),
    )
    if len(names.names) > MOST_NAMES:
        return section("graph", "Graph", as_table)
    kinds = {name: place for place, name in enumerate(found.kinds.names)}
    counts = {name: counts_of(found.status, name) for name in names.names}
    picture = scrolled("Graph", graph_picture(names, counts, kinds))
    caption = "Each box is all tasks of one name; what it needs stands to its left."
    return section("graph", "Graph", figure("graph-figure", caption, picture, as_table))


def path_section(found: Findings) -> Markup | None:
    """Return the critical path, None where nothing is known of it."""
    path = found.path
    if not path.length:
        return None
    note = (
        f"The chain of tasks, each needing the one before, that took longest: "
        f"{duration(path.length)} of {duration(path.work)} of work. However many workers there "
        "are, they can't be faster than that."
    )
    if path.estimated:
        tasks = counted(path.estimated, "task")
        note += f" Of {tasks} without a result the mean of the name is taken."
    if path.unknown:
        tasks = counted(path.unknown, "task")
        note += f" Not counted: {tasks} of names without any result."
    titles = ["Took", "Task"]
    steps = islice(zip(path.numbers, path.seconds, strict=True), _STEPS)
    rows = [
        tag(
            "tr",
            tag("td", span(seconds), class_="n"),
            tag("td", tag("code", shown(call_form(found.graph.tasks[number]), _CALL))),
        )
        for number, seconds in steps
    ]
    made = table("The critical path", titles, rows, ["Took"])
    left_out = rows_left_out(len(path.numbers) - len(rows), "tasks of the path")
    return section("path", "Critical path", made, left_out, note=note)
