"""What comes of the samples: medians, ratios of paired runs with their quartiles, the table."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from measure import Sample
from rows import Row


@dataclass(frozen=True)
class Spread:
    """A median between its quartiles."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: list[float]) -> Spread:
        """Return the spread of some values."""
        if len(values) == 1:
            return cls(values[0], values[0], values[0])
        low, _, high = quantiles(values, n=4, method="inclusive")
        return cls(median(values), low, high)


@dataclass(frozen=True)
class Result:
    """One row, measured."""

    key: str
    title: str
    unit: str
    limit: float | None
    baseline_name: str
    samples: dict[str, list[Sample]]
    """Of "ours", "baseline" and "joblib", one for each round."""

    @classmethod
    def of(cls, row: Row, samples: dict[str, list[Sample]]) -> Result:
        """Return what was measured for a row."""
        return cls(row.key, row.title, row.unit, row.limit, row.baseline_name, samples)

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Result:
        """Return what `as_data` was made of."""
        samples = {who: [Sample(**one) for one in ones] for who, ones in data["samples"].items()}
        names = ("key", "title", "unit", "limit", "baseline_name")
        return cls(*(data[name] for name in names), samples)

    def value(self, who: str) -> Spread | None:
        """Return what somebody took."""
        samples = self.samples.get(who)
        return Spread.of([sample.value for sample in samples]) if samples else None

    def ratio(self) -> Spread | None:
        """Return ours as a share of the baseline, from pairs of runs."""
        pairs = self._pairs()
        return Spread.of([ours.value / theirs.value for ours, theirs in pairs]) if pairs else None

    def cpu_ratio(self) -> Spread | None:
        """Return the same for processor time, which a busy machine disturbs less."""
        times = [(ours.cpu, theirs.cpu) for ours, theirs in self._pairs()]
        shares = [ours / theirs for ours, theirs in times if ours is not None and theirs]
        return Spread.of(shares) if shares else None

    def _pairs(self) -> list[tuple[Sample, Sample]]:
        return list(zip(self.samples["ours"], self.samples.get("baseline", []), strict=False))

    def is_reached(self) -> bool | None:
        """Return whether the limit is kept, None if there is none or no baseline for it."""
        judged = self.ratio() if self.needs_baseline() else self.value("ours")
        if self.limit is None or judged is None:
            return None
        return judged.median <= self.limit

    def needs_baseline(self) -> bool:
        """Return whether the limit is one for the ratio."""
        return bool(self.baseline_name) and self.unit not in ("calls", "files", "ms", "trips")

    def as_data(self) -> dict[str, Any]:
        """Return all of it for JSON."""
        ratios = {"ratio": self.ratio(), "cpu_ratio": self.cpu_ratio()}
        return {
            **asdict(self),
            **{name: asdict(spread) for name, spread in ratios.items() if spread},
            "is_reached": self.is_reached(),
        }


_TITLES = ("work", "this project", "beside", "joblib", "ratio [quartiles]", "processor", "at most")


def table(results: list[Result]) -> str:
    """Return the table in Markdown, aligned for reading as it is."""
    lines = [_TITLES, *map(_cells, results)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, tuple("-" * width for width in widths))
    return "\n".join(
        "| " + " | ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)) + " |"
        for line in lines
    )


def _cells(result: Result) -> tuple[str, ...]:
    ratio, cpu_ratio = result.ratio(), result.cpu_ratio()
    baseline = _value(result, "baseline")
    return (
        result.title,
        _value(result, "ours"),
        f"{baseline} ({result.baseline_name})" if baseline else "",
        _value(result, "joblib"),
        f"{ratio.median:.2f} [{ratio.low:.2f}, {ratio.high:.2f}]" if ratio else "",
        f"{cpu_ratio.median:.2f}" if cpu_ratio else "",
        _limit(result),
    )


def _value(result: Result, who: str) -> str:
    spread = result.value(who)
    if spread is None:
        return ""
    if spread.median >= 1e6 and result.unit == "bytes":
        return f"{spread.median / 1e6:.0f} MB"
    return f"{spread.median:.3g} {result.unit}" if spread.median < 1e3 else f"{spread.median:,.0f}"


def _limit(result: Result) -> str:
    if result.limit is None:
        return ""
    limit = f"{result.limit:g}" if result.needs_baseline() else f"{result.limit:g} {result.unit}"
    verdict = {True: "reached", False: "MISSED", None: "not compared"}[result.is_reached()]
    return f"{limit}: {verdict}"


def load(folder: Path) -> list[Result]:
    """Return what was saved in a folder, nothing if there is none."""
    path = folder / "results.json"
    if not path.exists():
        return []
    return [Result.from_data(row) for row in json.loads(path.read_text())["rows"]]


def save(results: list[Result], machine: dict[str, str], folder: Path) -> None:
    """Write the table with the machine's description, and all samples as JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    data = {"machine": machine, "rows": [result.as_data() for result in results]}
    (folder / "results.json").write_text(json.dumps(data, indent=1) + "\n")
    described = "\n".join(f"- {name}: {what}" for name, what in machine.items())
    (folder / "results.md").write_text(
        f"# Results\n\n{table(results)}\n\nMeasured on\n\n{described}\n"
    )
