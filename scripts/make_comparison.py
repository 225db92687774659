"""Write the figures of docs/comparison.md from what the benchmarks have measured.

A row stands there if somebody else did the same work, and a column for each who did some.
The programs that were each measured in turn with this one have a table with a row for each work.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "comparison.md"
RESULTS = ROOT / "benchmarks" / "results" / "results.json"
RESULTS_IN_TURN = ROOT / "benchmarks" / "results" / "peers" / "results.json"

BEGIN = "<!-- Made by scripts/make_comparison.py of what the benchmarks have measured. -->\n"
END = "<!-- The end of what is made. -->\n"
BETWEEN = (
    "Whole processes, each measured in turn with this project: from a new folder (cold), "
    "or with all done before (warm):\n"
)
FORMER = "jug 2.7.0"


def page() -> str:
    """Return the page with the figures of now."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    together = figures(json.loads(RESULTS.read_text()))
    in_turn = figures_in_turn(json.loads(RESULTS_IN_TURN.read_text()))
    return f"{before}{BEGIN}\n{together}\n{BETWEEN}\n{in_turn}\n{END}{after}"


def figures(measured: dict[str, Any]) -> str:
    """Return a table of the rows in which others were measured, too."""
    rows = [(row, medians(row)) for row in measured["rows"]]
    compared = [(row, found) for row, found in rows if found.keys() - {"this project"}]
    others = dict.fromkeys(name for _, found in compared for name in found)
    names = ["this project", *(name for name in others if name != "this project")]
    lines = [["work", *names], ["---"] * (len(names) + 1)]
    for row, found in compared:
        cells = [shown(found[name], row["unit"]) if name in found else "" for name in names]
        lines.append([row["title"], *cells])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def figures_in_turn(measured: dict[str, Any]) -> str:
    """Return a table of rows each of which has a baseline that is another program."""
    lines = [["work", "program", "it took", "this project"], ["---"] * 4]
    works = [row["title"] for row in measured["rows"]]
    for row in sorted(measured["rows"], key=lambda row: works.index(row["title"])):
        found = {
            who: shown(median_of(samples), row["unit"]) for who, samples in row["samples"].items()
        }
        lines.append([row["title"], row["baseline_name"], found["baseline"], found["ours"]])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def medians(row: dict[str, Any]) -> dict[str, float]:
    """Return what each took in the median; a baseline is one of another tool or none here."""
    return dict(_medians(row))


def _medians(row: dict[str, Any]) -> Iterator[tuple[str, float]]:
    for who, samples in row["samples"].items():
        name = {"ours": "this project", "baseline": row["baseline_name"]}.get(who, who)
        if samples and (who != "baseline" or name == FORMER):
            yield name, median_of(samples)


def median_of(samples: list[dict[str, float]]) -> float:
    """Return the median of what was measured."""
    return median(sample["value"] for sample in samples)


def shown(value: float, unit: str) -> str:
    """Return a figure with three digits."""
    digits = f"{value:.3g}" if value < 1000 else f"{value:,.0f}"
    one = unit.removesuffix("s") or unit
    return f"{digits} {one if digits == '1' else unit}"


if __name__ == "__main__":
    if BEGIN not in PAGE.read_text():
        sys.exit(f"{PAGE} has no place for the figures")
    PAGE.write_text(page())
