"""Compare this checkout with another version of jug, run for run in turn.

    python benchmarks/against.py OTHER_PYTHON [--rounds 7] [--tasks 20000]
    python benchmarks/against.py OTHER_PYTHON --of memory
    python benchmarks/against.py OTHER_PYTHON --of calls --rows "execute 20000"

OTHER_PYTHON is the Python of an environment in which the other version is installed,
such as an earlier commit of this project, and pandas.  Both must be installed in the same way:
an editable installation starts more slowly than one from wheels.

Instead of the time it compares the memory of the largest process of each run, or by strace
the system calls of all its processes, which then take several times as long.
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
from measure import Command, Sample

Row = Callable[[Contender], Sample]
Meter = Callable[..., Sample]


def time_of(command: Command, **environment: object) -> Sample:
    """Return how many seconds a program takes, with its processor time."""
    return measure.run(command, **environment).timed()


def memory_of(command: Command, **environment: object) -> Sample:
    """Return how many megabytes the largest process of a program takes."""
    return Sample(measure.run(command, **environment).memory / 1e6)


def calls_of(command: Command, **environment: object) -> Sample:
    """Return how many thousand system calls a program makes."""
    return Sample(measure.count_system_calls(command, **environment) / 1e3)


METERS: dict[str, tuple[str, Meter]] = {
    "time": ("s", time_of),
    "memory": ("MB", memory_of),
    "calls": ("k", calls_of),
}


def rows(folder: Path, tasks: int, meter: Meter) -> dict[str, Row]:
    """Return what is measured, by its title."""
    of_work = measure.run_timed if meter is time_of else meter

    def execute(one: Contender, jugfile: str, count: int, *options: str) -> Sample:
        with tempfile.TemporaryDirectory(dir=folder) as jugdir:
            command = one.on(jugfile, Path(jugdir, "new"), "execute", *options)
            return meter(command, BENCHMARK_TASKS=count)

    def executing(jugfile: str, count: int, *options: str) -> Row:
        return lambda one: execute(one, jugfile, count, *options)

    def hashing(name: str) -> Row:
        return lambda one: of_work(one.program("hashing", name))

    def executed(one: Contender, count: int) -> Path:
        jugdir = folder / f"{one.name}-{count}"
        if not jugdir.exists():
            measure.run(one.on("flat", jugdir, "execute"), BENCHMARK_TASKS=count)
        return jugdir

    def done(command: str, count: int) -> Row:
        def row(one: Contender) -> Sample:
            return meter(one.on("flat", executed(one, count), command), BENCHMARK_TASKS=count)

        return row

    def read(one: Contender, *how: str) -> Sample:
        program = one.program("reading", executed(one, tasks), *how)
        return of_work(program, BENCHMARK_TASKS=tasks)

    return {
        "import jug": lambda one: meter([one.python, "-c", "import jug"]),
        "jug --help": lambda one: meter(one.jug("--help")),
        "python -c pass": lambda one: meter([one.python, "-c", "pass"]),
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


def compare(row: Row, one: Contender, other: Contender, rounds: int, unit: str) -> str:
    """Return medians of both and of the ratios of paired runs, and the same of processor time."""
    pairs = [(row(one), row(other)) for _ in range(rounds + 1)][1:]  # the first warms up
    values = _medians([(mine.value, theirs.value) for mine, theirs in pairs], unit)
    cpu = [(a.cpu, b.cpu) for a, b in pairs if a.cpu is not None and b.cpu is not None]
    return f"{values}   {_medians(cpu, unit)}" if cpu else values


def _medians(pairs: list[tuple[float, float]], unit: str) -> str:
    mine, theirs = (median(column) for column in zip(*pairs, strict=True))
    return f"{mine:8.3f} {unit} {theirs:8.3f} {unit} {median(a / b for a, b in pairs):5.2f}"


def main() -> None:
    """Print a line for each row, as soon as it is measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("other", type=Path, help="the Python of the other version")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--tasks", type=int, default=20_000)
    parser.add_argument("--of", choices=METERS, default="time", help="what is compared [time]")
    parser.add_argument("--rows", default="", help="measure only rows whose title contains this")
    given = parser.parse_args()
    one, other = ours(), Contender("other", given.other)
    unit, meter = METERS[given.of]
    of_processor = "   processor: this, other, ratio" if meter is time_of else ""
    print(f"{'':28}{'this':>10} {'other':>10} ratio{of_processor}")
    with tempfile.TemporaryDirectory() as folder:
        for title, row in rows(Path(folder), given.tasks, meter).items():
            if given.rows in title:
                print(f"{title:28}{compare(row, one, other, given.rounds, unit)}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
