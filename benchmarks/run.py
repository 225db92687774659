"""Measure this project beside jug 2.7.0 and joblib.Memory, on the same work in turn.

Every row of the table is measured in rounds.  In each round everybody does the
same work, one after another, and who begins changes from round to round; a ratio
is one of two runs of the same round.  So what else the machine does falls on all.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import contenders
import machine
from measure import Sample
from peers import peer_rows
from redis_rows import redis_rows
from results import Result, load, save, table
from rows import Row, Workshop, all_rows
from server import Server

HERE = Path(__file__).parent


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table and save it; return 1 if a limit is not kept."""
    options = _parse(arguments)
    options.cache.mkdir(parents=True, exist_ok=True)
    is_beside = not (options.no_peer or options.peers)
    former = None if not is_beside else contenders.former(options.peer_python, options.cache)
    described = machine.describe(options.cache)
    with tempfile.TemporaryDirectory(dir=options.cache) as folder, Server(Path(folder)) as server:
        shop = Workshop(Path(folder), options.cache, contenders.ours(), former, options.quick)
        of_peers = list(peer_rows(shop, with_peers=not options.no_peer))
        known = of_peers if options.peers else [*all_rows(shop), *redis_rows(shop, server)]
        measured = {one.key: one for one in load(options.output)} if options.add else {}
        for row in _chosen(known, options.rows):
            measured[row.key] = _measure(row, options.rounds)
            results = [measured[row.key] for row in known if row.key in measured]
            save(results, described, options.output)  # now, as the whole takes long
    print(table(results))
    if options.picture:
        from picture import draw  # matplotlib is slow to import, and may be missing

        draw(results, described, options.output / "results.svg")
    return int(any(result.is_reached() is False for result in results))


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", nargs="+", metavar="KEY", help="measure only these rows")
    parser.add_argument("--add", action="store_true", help="keep the other rows that are saved")
    parser.add_argument("--rounds", type=int, default=5, help="rounds for each row [5]")
    parser.add_argument("--quick", action="store_true", help="a hundredth of the tasks")
    parser.add_argument("--peers", action="store_true", help="the other programs, each in turn")
    parser.add_argument("--no-peer", action="store_true", help="measure this project alone")
    parser.add_argument("--no-picture", dest="picture", action="store_false", help="draw nothing")
    parser.add_argument(
        "--peer-python", type=Path, metavar="PYTHON",
        help="a Python that has jug 2.7.0, joblib, numpy and redis; else they are installed",
    )  # fmt: skip
    parser.add_argument(
        "--cache", type=Path, default=Path.home() / ".cache" / "jug-benchmarks",
        help="where the work is done, and the former release is kept [~/.cache/jug-benchmarks]",
    )  # fmt: skip
    parser.add_argument(
        "--output", type=Path,
        help="where to save [benchmarks/results, with --peers benchmarks/results/peers]",
    )  # fmt: skip
    options = parser.parse_args(arguments)
    if options.output is None:
        options.output = HERE / "results" / ("peers" if options.peers else "")
    return options


def _chosen(rows: list[Row], keys: list[str] | None) -> list[Row]:
    unknown = set(keys or ()) - {row.key for row in rows}
    if unknown:
        known = " ".join(row.key for row in rows)
        sys.exit(f"there is no row {' '.join(sorted(unknown))}: choose from {known}")
    return [row for row in rows if keys is None or row.key in keys]


def _measure(row: Row, rounds: int) -> Result:
    """Measure everybody in turn, round after round."""
    print(f"measuring {row.key}: {row.title}", file=sys.stderr)
    measures = {"ours": row.ours, "baseline": row.baseline, "joblib": row.joblib}
    given = [(who, measure) for who, measure in measures.items() if measure is not None]
    samples: dict[str, list[Sample]] = {who: [] for who, _ in given}
    for number in range(min(rounds, row.rounds or rounds) * row.repeats):
        first = number % len(given)
        for who, measure in given[first:] + given[:first]:
            samples[who].append(measure())
    return Result.of(row, samples)


if __name__ == "__main__":
    sys.exit(main())
