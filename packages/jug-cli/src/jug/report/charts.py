"""Pictures over time and small pictures in tables, as SVG.

Lines and areas lie in a box that is stretched to the width there is; texts stand beside it by
their share of the width, so that they keep their size.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from math import ceil, log10
from typing import Final

from jug.report.axis import Axis
from jug.report.figures import clock, date, number, whole_span
from jug.report.markup import Markup, tag
from jug.report.timeline import CELLS
from jug.views.distribution import Distribution
from jug.wording import duration

__all__ = ["area", "bar", "curve", "histogram", "nice_top", "samples", "stretched", "time_axis"]

_HEIGHT: Final = 160
_FINE: Final = 1000  # steps of a picture's height
_SHORT: Final = 300.0  # seconds: of so long an axis the moments of samples differ by parts of one


def stretched(width: float, height: float, *contents: Markup | Iterable[Markup]) -> Markup:
    """Return a box of some units that is stretched to all the room there is."""
    return tag(
        "svg", *contents, viewBox=f"0 0 {width:g} {height:g}", preserveAspectRatio="none",
        width="100%", height="100%",
    )  # fmt: skip


def area(
    axis: Axis, name: str, heights: Iterable[tuple[str, Sequence[float]]], top: float
) -> Markup:
    """Return areas on top of each other, each with its colour and its height in every cell."""
    layers, below = list[Markup](), [0] * CELLS
    for colour, values in heights:
        above = [low + round(_FINE * value / top) for low, value in zip(below, values, strict=True)]
        if above != below:
            layers.append(tag("path", d=_between(below, above), class_=colour))
        below = above
    return _plot(axis, name, layers, f"{top:g}")


def _between(below: Sequence[int], above: Sequence[int]) -> str:
    """Return the outline of what lies between two lines of steps."""
    return f"M0 {_FINE - below[0]}{_steps(above)}V{_FINE - below[-1]}{_steps(below[::-1], -1)}Z"


def _steps(heights: Sequence[int], step: int = 1) -> str:
    """Return the way along some heights, each as wide as a cell; equal ones are one step."""
    parts, wide = list[str](), 0
    for place, height in enumerate(heights):
        if place == 0 or height != heights[place - 1]:
            parts.append(f"{_wide(wide)}V{_FINE - height}")
            wide = 0
        wide += step
    return "".join([*parts, _wide(wide)])


def _wide(wide: int) -> str:
    return f"h{wide}" if wide else ""


def curve(axis: Axis, name: str, counts: Sequence[int], total: int) -> Markup:
    """Return how a count grows towards a total."""
    heights = [round(_FINE * count / total) for count in counts]
    line = f"M0 {_FINE}{_steps(heights)}"
    layers = [
        tag("path", d=f"{line}V{_FINE}Z", class_="under"),
        tag("path", d=line, class_="line"),
    ]
    return _plot(axis, name, layers, number(total))


def _plot(axis: Axis, name: str, layers: Iterable[Markup], label: str) -> Markup:
    box = tag(
        "svg", tag("line", x1="0", x2="100%", y1="0.5", y2="0.5", class_="rule"), _breaks(axis),
        stretched(CELLS, _FINE, layers), class_="plot", height=_HEIGHT, width="100%",
        role="img", aria_label=name,
    )  # fmt: skip
    scale = tag("div", tag("span", label), tag("span", "0"), class_="scale", aria_hidden="true")
    return tag("div", scale, tag("div", box, time_axis(axis)), class_="chart")


def _breaks(axis: Axis) -> Iterator[Markup]:
    for begin, end, seconds in axis.breaks():
        title = tag("title", f"nothing ran for {whole_span(seconds)}")
        yield tag(
            "rect", title, x=f"{100 * begin:.2f}%", width=f"{100 * (end - begin):.2f}%",
            height="100%", class_="break",
        )  # fmt: skip


def time_axis(axis: Axis) -> Markup:
    """Return what stands below a picture: how long after the beginning, or when."""
    texts = (_tick(axis, place, moment) for place, moment in axis.ticks())
    return tag("svg", texts, class_="ticks", width="100%", height=18, aria_hidden="true")


def _tick(axis: Axis, place: float, moment: float) -> Markup:
    anchor = "start" if place < 0.03 else "end" if place > 0.93 else "middle"
    text = _when(axis, moment) if len(axis.stretches) > 1 else whole_span(moment - axis.start)
    return tag("text", text, x=f"{100 * place:.2f}%", y=13, text_anchor=anchor)


def _when(axis: Axis, moment: float) -> str:
    return clock(moment) if axis.end - axis.start < 43_200 else date(moment)[5:16]


def samples(axis: Axis, count: int = 12) -> list[tuple[str, int]]:
    """Return some cells of an axis, each with the moment at which it ends, for a table."""
    chosen = sorted({ceil(CELLS * (place + 1) / count) - 1 for place in range(count)})
    return [(_when_exactly(axis, _moment(axis, (cell + 1) / CELLS)), cell) for cell in chosen]


def _when_exactly(axis: Axis, moment: float) -> str:
    """Return when a moment was, so that it differs from others of a short axis."""
    if axis.end - axis.start < _SHORT:
        return f"after {duration(moment - axis.start)}"
    return date(moment)


def _moment(axis: Axis, place: float) -> float:
    """Return the moment at a place of the axis."""
    at = place * axis.length
    stretch = max((one for one in axis.stretches if one.at <= at), key=lambda one: one.at)
    return min(stretch.start + at - stretch.at, stretch.end)


def nice_top(most: float) -> float:
    """Return where a scale ends that has to reach so far.

    >>> nice_top(3.2), nice_top(29.5), nice_top(0.0)
    (4.0, 30.0, 1.0)
    """
    if most <= 1.0:
        return 1.0
    step = 10.0 ** int(log10(most))
    return float(ceil(most / step - 1e-9) * step) if most / step > 5 else _half(most, step)


def _half(most: float, step: float) -> float:
    return ceil(2 * most / step - 1e-9) * step / 2 if step > 1 else float(ceil(most - 1e-9))


# In tables


def histogram(spread: Distribution, name: str) -> Markup:
    """Return a small picture of how times are spread."""
    most, wide = max(spread.counts), 96 / max(len(spread.counts), 8)
    bars = (
        f"M{place * wide:g} 20v-{max(1.5, 18 * count / most):.2g}h{wide - 1:g}V20z"
        for place, count in enumerate(spread.counts)
        if count
    )
    return tag(
        "svg", tag("title", name), tag("path", d="".join(bars)), class_="spread",
        viewBox="0 0 96 20", width=96, height=20, role="img",
    )  # fmt: skip


def bar(counts: Sequence[tuple[str, int]], name: str) -> Markup:
    """Return a bar of shares, each with the class of its colour, and with a name if it has one."""
    total = sum(count for _, count in counts) or 1
    begins = accumulate((count for _, count in counts), initial=0)
    parts = (
        tag(
            "rect", x=f"{100 * begin / total:.2f}%", width=f"{100 * count / total:.2f}%",
            height="100%", class_=kind,
        )
        for begin, (kind, count) in zip(begins, counts, strict=False)
        if count
    )  # fmt: skip
    about: dict[str, str] = {"role": "img", "aria_label": name} if name else {"aria_hidden": "true"}
    return tag("svg", parts, class_="bar", **about)
