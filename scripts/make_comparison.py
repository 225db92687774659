"""Write the figures of docs/comparison.md from what the benchmarks have measured.

A row stands there if somebody else did the same work, and a column for each who did some.
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

BEGIN = "<!-- Made by scripts/make_comparison.py of what the benchmarks have measured. -->\n"
END = "<!-- The end of what is made. -->\n"
FORMER = "jug 2.7.0"


def page() -> str:
    """Return the page with the figures of now."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{figures(json.loads(RESULTS.read_text()))}\n{END}{after}"


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


def medians(row: dict[str, Any]) -> dict[str, float]:
    """Return what each took in the median; a baseline is one of another tool or none here."""
    return dict(_medians(row))


def _medians(row: dict[str, Any]) -> Iterator[tuple[str, float]]:
    for who, samples in row["samples"].items():
        name = {"ours": "this project", "baseline": row["baseline_name"]}.get(who, who)
        if samples and (who != "baseline" or name == FORMER):
            yield name, median(sample["value"] for sample in samples)


def shown(value: float, unit: str) -> str:
    """Return a figure with three digits."""
    digits = f"{value:.3g}" if value < 1000 else f"{value:,.0f}"
    one = unit.removesuffix("s") or unit
    return f"{digits} {one if digits == '1' else unit}"


if __name__ == "__main__":
    if BEGIN not in PAGE.read_text():
        sys.exit(f"{PAGE} has no place for the figures")
    PAGE.write_text(page())
