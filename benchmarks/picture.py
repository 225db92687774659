"""The ratios as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure
from results import Result, Spread

_REACHED, _MISSED = "#3b7a57", "#b5472f"


def draw(results: Sequence[Result], machine: dict[str, str], path: Path) -> None:
    """Draw what share of the former release's time, memory or calls this project takes."""
    shown = [(result, ratio) for result in reversed(results) if (ratio := result.ratio())]
    figure = Figure(figsize=(9, 1.2 + 0.42 * len(shown)), layout="constrained")
    axes = figure.subplots()
    axes.set_xscale("log")
    for place, (result, ratio) in enumerate(shown):
        _draw_one(axes, place, result, ratio)
    axes.axvline(1.0, color="black", linewidth=0.8)
    axes.set_yticks(range(len(shown)), [_label(result) for result, _ in shown], fontsize=8)
    axes.set_xlabel("ratio of paired runs: median and quartiles; the stroke is the limit")
    axes.set_title(f"{machine['processor']}, {machine['cores']}, {machine['Python']}", fontsize=8)
    figure.savefig(path, metadata={"Date": None})


def _draw_one(axes: object, place: int, result: Result, ratio: Spread) -> None:
    color = _MISSED if result.is_reached() is False else _REACHED
    spread = [[ratio.median - ratio.low], [ratio.high - ratio.median]]
    axes.errorbar(  # type: ignore[attr-defined]
        ratio.median, place, xerr=spread, fmt="o", color=color, capsize=3, markersize=5
    )
    if result.limit is not None:
        axes.plot(result.limit, place, marker="|", color="black", markersize=14)  # type: ignore[attr-defined]
    axes.annotate(  # type: ignore[attr-defined]
        f"{ratio.median:.2f}", (ratio.median, place), (0, 7), textcoords="offset points",
        ha="center", fontsize=7,
    )  # fmt: skip


def _label(result: Result) -> str:
    return f"{result.title}\n(1 = {result.baseline_name})"
