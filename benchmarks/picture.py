"""The ratios as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from results import Result, Spread

_COLORS = {True: "#3b7a57", False: "#b5472f", None: "#5b6b7a"}
"""Of a result that keeps its limit, of one that does not, and of one that has none."""

_TICKS = (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)


def draw(results: Sequence[Result], machine: dict[str, str], path: Path) -> None:
    """Draw what share of the former release's time, memory or calls this project takes."""
    shown = [(result, ratio) for result in reversed(results) if (ratio := result.ratio())]
    figure = Figure(figsize=(9, 1.6 + 0.42 * len(shown)), layout="constrained")
    axes = figure.subplots()
    axes.set_xscale("log")
    axes.set_xticks(_TICKS, [f"{tick:g}" for tick in _TICKS])
    axes.set_xticks([], minor=True)
    axes.grid(axis="x", color="#e6e6e6")
    axes.set_axisbelow(True)
    for place, (result, ratio) in enumerate(shown):
        _draw_one(axes, place, result, ratio)
    axes.axvline(1.0, color="black", linewidth=0.8)
    axes.set_yticks(range(len(shown)), [_label(result) for result, _ in shown], fontsize=8)
    axes.set_xlabel(
        "ratio of paired runs, median and quartiles: less is better\n"
        "a stroke is the limit: kept where green, missed where red",
        fontsize=8,
    )
    axes.set_title(_described(machine), fontsize=8, loc="right")
    figure.savefig(path, metadata={"Date": None})


def _draw_one(axes: Axes, place: int, result: Result, ratio: Spread) -> None:
    has_limit = result.limit is not None and result.needs_baseline()
    color = _COLORS[result.is_reached() if has_limit else None]
    spread = [[ratio.median - ratio.low], [ratio.high - ratio.median]]
    axes.errorbar(ratio.median, place, xerr=spread, fmt="o", color=color, capsize=3, markersize=5)
    if has_limit:
        axes.plot(result.limit, place, marker="|", color="black", markersize=14)
    axes.annotate(
        f"{ratio.median:.2f}", (ratio.median, place), (0, 7), textcoords="offset points",
        ha="center", fontsize=7,
    )  # fmt: skip


def _described(machine: dict[str, str]) -> str:
    parts = [f"{name}: {what}" for name, what in machine.items()]
    return "\n".join(", ".join(parts[first : first + 3]) for first in range(0, len(parts), 3))


def _label(result: Result) -> str:
    return f"{result.title}\n(1 = {result.baseline_name})"
