"""Compare this checkout with another version of jug, run for run in turn.

    python benchmarks/against.py OTHER_PYTHON [--rounds 7] [--tasks 20000]

OTHER_PYTHON is the Python of an environment in which the other version is installed,
such as an earlier commit of this project, and pandas.  Both must be installed in the same way:
an editable installation starts more slowly than one from wheels.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

import measure
from contenders import Contender, ours
from measure import Sample

Row = Callable[[Contender], Sample]


def rows(folder: Path, tasks: int) -> dict[str, Row]:
    """Return what is measured, by its title."""

    def execute(one: Contender, jugfile: str, count: int, *options: str) -> Sample:
        with tempfile.TemporaryDirectory(dir=folder) as jugdir:
            command = one.on(jugfile, Path(jugdir, "new"), "execute", *options)
            return measure.run(command, BENCHMARK_TASKS=count).timed()

    def executing(jugfile: str, count: int, *options: str) -> Row:
        return lambda one: execute(one, jugfile, count, *options)

    def hashing(name: str) -> Row:
        return lambda one: measure.run_timed(one.program("hashing", name))

    def executed(one: Contender, count: int) -> Path:
        jugdir = folder / f"{one.name}-{count}"
        if not jugdir.exists():
            measure.run(one.on("flat", jugdir, "execute"), BENCHMARK_TASKS=count)
        return jugdir

    def done(command: str, count: int) -> Row:
        def row(one: Contender) -> Sample:
            on_done = one.on("flat", executed(one, count), command)
            return measure.run(on_done, BENCHMARK_TASKS=count).timed()

        return row

    def read(one: Contender, *how: str) -> Sample:
        program = one.program("reading", executed(one, tasks), *how)
        return measure.run_timed(program, BENCHMARK_TASKS=tasks)

    return {
        "import jug": lambda one: measure.run([one.python, "-c", "import jug"]).timed(),
        "jug --help": lambda one: measure.run(one.jug("--help")).timed(),
        "python -c pass": lambda one: measure.run([one.python, "-c", "pass"]).timed(),
        "execute, 20 tasks are done": done("execute", 20),
        "execute 500 tasks": executing("flat", 500),
        f"execute {tasks} tasks": executing("flat", tasks),
        f"execute {tasks} tasks, -j2": executing("flat", tasks, "-j", "2"),
        "execute 300 tasks of 10 ms": executing("sleeping", 300),
        f"barriers amid {tasks} tasks": executing("barriers", tasks),
        "loop of 1000 bvalues": executing("bvalues", 1000),
        "200 tasks of 1000 others": executing("fan_in", 200),
        "execute, 100000 are done": done("execute", 100_000),
        "status, 100000 are done": done("status", 100_000),
        "hash frame of 10^6 rows": hashing("frame"),
        "hash 10^5 lists of 2 ints": hashing("lists"),
        "hash 1 GB of floats": hashing("gigabyte"),
        "hash 100 calls with 8 MB": hashing("shared"),
        f"values of {tasks}, each": read,
        f"values of {tasks}, together": lambda one: read(one, "together"),
    }


def compare(row: Row, one: Contender, other: Contender, rounds: int) -> str:
    """Return medians of both and of the ratios of paired runs, for time, and for processor time."""
    pairs = [(row(one), row(other)) for _ in range(rounds + 1)][1:]  # the first warms up
    seconds = [(mine.value, theirs.value) for mine, theirs in pairs]
    cpu = [(mine.cpu or 0.0, theirs.cpu or 0.0) for mine, theirs in pairs]
    mine, theirs = (median(column) for column in zip(*seconds, strict=True))
    ratio, cpu_ratio = (median(a / b for a, b in both) for both in (seconds, cpu))
    my_cpu, their_cpu = (median(column) for column in zip(*cpu, strict=True))
    of_time = f"{mine:8.3f} s {theirs:8.3f} s {ratio:5.2f}"
    return f"{of_time}   {my_cpu:8.3f} s {their_cpu:8.3f} s {cpu_ratio:5.2f}"


def main() -> None:
    """Print a line for each row, as soon as it is measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("other", type=Path, help="the Python of the other version")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--tasks", type=int, default=20_000)
    parser.add_argument("--rows", default="", help="measure only rows whose title contains this")
    given = parser.parse_args()
    one, other = ours(), Contender("other", given.other)
    print(f"{'':28}{'this':>10} {'other':>10} ratio   processor: this, other, ratio")
    with tempfile.TemporaryDirectory() as folder:
        for title, row in rows(Path(folder), given.tasks).items():
            if given.rows in title:
                print(f"{title:28}{compare(row, one, other, given.rounds)}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
