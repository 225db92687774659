"""The rows of the table: which work is measured, beside whom, and what it may take."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import measure
from contenders import FORMER, Contender
from measure import Sample

Measure = Callable[[], Sample]


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    key: str
    title: str
    unit: str
    ours: Measure
    limit: float | None = None
    """What the ratio to the baseline, or the value if there is none, may be at most."""
    baseline: Measure | None = None
    baseline_name: str = FORMER
    """What the baseline is; nothing where the limit is one for the value."""
    joblib: Measure | None = None
    rounds: int | None = None
    """How many rounds at most, for what takes very long; None for as many as asked for."""
    repeats: int = 1
    """How many times as many rounds, for what takes very short."""


@dataclass
class Workshop:
    """Where the work is done, and by whom."""

    folder: Path
    kept: Path
    """Where is left for later runs what takes minutes to make."""
    ours: Contender
    former: Contender | None
    is_quick: bool = False
    _made: dict[int, Path] = field(default_factory=dict)

    def size(self, count: int) -> int:
        """Return a number of tasks, a hundredth of it where it is to be quick."""
        return max(100, count // 100) if self.is_quick else count

    @contextmanager
    def fresh(self) -> Iterator[Path]:
        """Give the path of a folder that is not there yet, and remove it afterwards."""
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            yield Path(folder) / "new"

    # What is measured

    def execute(self, one: Contender, jugfile: str, count: int, *options: str) -> Sample:
        """Execute a jugfile from nothing."""
        with self.fresh() as jugdir:
            command = one.on(jugfile, jugdir, "execute", *options)
            return measure.run(command, BENCHMARK_TASKS=count).timed()

    def execute_per_task(self, count: int) -> Sample:
        """Execute a jugfile; return the microseconds per task beyond those of an empty one."""
        empty, full = (self.execute(self.ours, "flat", n, "-j1") for n in (0, count))
        assert full.cpu is not None and empty.cpu is not None
        return Sample(
            (full.value - empty.value) / count * 1e6, (full.cpu - empty.cpu) / count * 1e6
        )

    def execute_by_two_processes(self, one: Contender, jugfile: str, count: int) -> Sample:
        """Have two processes execute a jugfile, which wait for each other a second at most."""
        with self.fresh() as jugdir:
            command = one.on(jugfile, jugdir, "execute", "--wait-cycle-time", "1")
            return measure.run(command, command, BENCHMARK_TASKS=count).timed()

    def share(self, one: Contender, jugfile: str) -> Sample:
        """Have two processes execute a jugfile, each as it is by default."""
        with self.fresh() as jugdir:
            command = one.on(jugfile, jugdir, "execute")
            return Sample(measure.run(command, command).seconds)

    def count_files(self, one: Contender, count: int) -> Sample:
        """Count the files that small results leave."""
        with self.fresh() as jugdir:
            measure.run(one.on("flat", jugdir, "execute"), BENCHMARK_TASKS=count)
            return Sample(measure.count_files(jugdir))

    def count_calls(self, one: Contender, count: int, *options: str) -> Sample:
        """Count the system calls per task, beyond those of a run of half as many."""
        counts = []
        for tasks in (count, 2 * count):
            with self.fresh() as jugdir:
                command = one.on("flat", jugdir, "execute", *options)
                counts.append(measure.count_system_calls(command, BENCHMARK_TASKS=tasks))
        return Sample((counts[1] - counts[0]) / count)

    def on_done(self, one: Contender, subcommand: str, count: int) -> Sample:
        """Run a command where all is done."""
        command = one.on("flat", self.done(one, count), subcommand)
        return measure.run(command, BENCHMARK_TASKS=count).timed()

    def memory_of_status(self, one: Contender, count: int) -> Sample:
        """Return the bytes that status takes where all is done."""
        command = one.on("flat", self.done(one, count), "status")
        return Sample(measure.run(command, BENCHMARK_TASKS=count).memory)

    def memory_per_task(self, one: Contender, count: int) -> Sample:
        """Return the bytes per task of status beyond those of an empty jugfile."""
        empty, full = (self.memory_of_status(one, n).value for n in (0, count))
        return Sample((full - empty) / count)

    def done(self, one: Contender, count: int) -> Path:
        """Return a jugdir in which all tasks are done.

        What the former release makes takes minutes and is kept for later runs.
        """
        if one is self.ours:
            if count not in self._made:
                self._made[count] = self._make_done(one, self.folder / f"ours-{count}", count)
            return self._made[count]
        jugdir = self.kept / f"former-{count}"
        return jugdir if jugdir.exists() else self._make_done(one, jugdir, count)

    def _make_done(self, one: Contender, jugdir: Path, count: int) -> Path:
        print(f"preparing {count:,} tasks done by {one.name}", file=sys.stderr)
        partial = jugdir.with_suffix(".partial")
        for left_over in (partial, jugdir):
            shutil.rmtree(left_over, ignore_errors=True)
        measure.run(one.on("flat", partial, "execute"), BENCHMARK_TASKS=count)
        return partial.rename(jugdir)

    def program(self, one: Contender, name: str, **environment: object) -> Sample:
        """Run a program that is given a new folder and measures itself."""
        with self.fresh() as folder:
            return measure.run_timed(one.program(name, folder), **environment)

    def read_records(self, count: int) -> Sample:
        """Read the records of all results where all is done."""
        return measure.run_timed(self.ours.program("history", self.done(self.ours, count)))

    def time_program(self, one: Contender, name: str, **environment: object) -> Sample:
        """Run a program that is given a new folder, and measure all of it."""
        with self.fresh() as folder:
            return measure.run(one.program(name, folder), **environment).timed()

    def program_per_task(self, name: str, count: int) -> Sample:
        """Return the microseconds per task that one of the programs takes."""
        taken = self.program(self.ours, name, BENCHMARK_TASKS=count)
        assert taken.cpu is not None
        return Sample(taken.value / count * 1e6, taken.cpu / count * 1e6)

    def import_time(self) -> Sample:
        """Return the milliseconds of `import jug` beyond those of bare Python."""
        python = self.ours.python
        bare, jug = (measure.run([python, "-c", code]) for code in ("pass", "import jug"))
        return Sample((jug.seconds - bare.seconds) * 1e3, (jug.cpu - bare.cpu) * 1e3)

    def help_time(self, one: Contender) -> Sample:
        """Return the milliseconds of `jug --help`."""
        usage = measure.run(one.jug("--help"))
        return Sample(usage.seconds * 1e3, usage.cpu * 1e3)


def all_rows(shop: Workshop) -> list[Row]:
    """Return every row that can be measured here."""
    rows = [
        *_execution(shop),
        *_waiting(shop),
        *_where_done(shop),
        *_values(shop),
        *_scale(shop),
        *_start(shop),
    ]
    return [replace(row, limit=None) for row in rows] if shop.is_quick else rows


def by(former: Contender | None, act: Callable[[Contender], Sample]) -> Measure | None:
    """Return the measurement by the Python of the former release, None without one."""
    return None if former is None else lambda: act(former)


def _execution(shop: Workshop) -> Iterator[Row]:
    ours, former, count = shop.ours, shop.former, shop.size(20_000)
    yield Row(
        key="flat",
        title=f"execute {count:,} tasks and one sum",
        unit="s",
        limit=0.20,
        ours=lambda: shop.execute(ours, "flat", count, "-j1"),
        baseline=by(former, lambda f: shop.execute(f, "flat", count)),
        joblib=by(former, lambda f: shop.time_program(f, "flat_joblib", BENCHMARK_TASKS=count)),
    )
    yield Row(
        key="layers",
        title=f"execute {count:,} tasks in layers, two dependencies each",
        unit="s",
        limit=0.20,
        ours=lambda: shop.execute(ours, "layers", count, "-j1"),
        baseline=by(former, lambda f: shop.execute(f, "layers", count)),
    )
    for jugfile, what in (("flat", "and one sum"), ("layers", "in layers")):
        yield Row(
            key=f"{jugfile}-2",
            title=f"execute {count:,} tasks {what}, two workers",
            unit="s",
            limit=0.18,
            ours=lambda jugfile=jugfile: shop.execute(ours, jugfile, count, "-j2"),
            baseline=by(
                former,
                lambda f, jugfile=jugfile: shop.execute_by_two_processes(f, jugfile, count),
            ),
        )


def _waiting(shop: Workshop) -> Iterator[Row]:
    for jugfile, what in (
        ("chain", "a chain of 5 tasks of 0.2 s, then 20, by two workers (ideally 3 s)"),
        ("stages", "3 stages of 4 tasks of 1 s, by two workers (ideally 6 s)"),
    ):
        yield Row(
            key=jugfile,
            title=what,
            unit="s",
            ours=lambda jugfile=jugfile: shop.share(shop.ours, jugfile),
            baseline=by(shop.former, lambda f, jugfile=jugfile: shop.share(f, jugfile)),
            rounds=3,
        )


def _where_done(shop: Workshop) -> Iterator[Row]:
    ours, former, size = shop.ours, shop.former, shop.size
    yield Row(
        key="status",
        title=f"status of {size(100_000):,} finished tasks",
        unit="s",
        limit=0.45,
        ours=lambda: shop.on_done(ours, "status", size(100_000)),
        baseline=by(former, lambda f: shop.on_done(f, "status", size(100_000))),
    )
    yield Row(
        key="nothing-left",
        title=f"execute with nothing left to do, {size(100_000):,} tasks",
        unit="s",
        limit=0.40,
        ours=lambda: shop.on_done(ours, "execute", size(100_000)),
        baseline=by(former, lambda f: shop.on_done(f, "execute", size(100_000))),
    )
    yield Row(
        key="memory",
        title=f"memory per task in status of {size(200_000):,} tasks",
        unit="bytes",
        limit=0.60,
        ours=lambda: shop.memory_per_task(ours, size(200_000)),
        baseline=by(former, lambda f: shop.memory_per_task(f, size(200_000))),
        rounds=2,
    )
    yield Row(
        key="files",
        title=f"files after {size(20_000):,} small results",
        unit="files",
        limit=100,
        ours=lambda: shop.count_files(ours, size(20_000)),
        rounds=1,
    )


def _values(shop: Workshop) -> Iterator[Row]:
    ours, former, count = shop.ours, shop.former, shop.size(200_000)
    yield Row(
        key="making",
        title=f"make and hash {count:,} tasks with one int argument",
        unit="s",
        limit=0.35,
        ours=lambda: shop.program(ours, "making", BENCHMARK_TASKS=count),
        baseline=by(former, lambda f: shop.program(f, "making", BENCHMARK_TASKS=count)),
        joblib=by(former, lambda f: shop.program(f, "hashing_joblib", BENCHMARK_TASKS=count)),
    )
    large = {"BENCHMARK_MEGABYTES": 1 if shop.is_quick else 100}
    yield Row(
        key="array",
        title=f"store and load an array of {large['BENCHMARK_MEGABYTES']} MB inside a dict",
        unit="s",
        limit=0.15,
        ours=lambda: shop.program(ours, "large_array", **large),
        baseline=by(former, lambda f: shop.program(f, "large_array", **large)),
        joblib=by(former, lambda f: shop.program(f, "large_array_joblib", **large)),
    )


def _scale(shop: Workshop) -> Iterator[Row]:
    ours, former, size = shop.ours, shop.former, shop.size
    yield Row(
        key="status-million",
        title=f"status of {size(1_000_000):,} finished tasks",
        unit="s",
        ours=lambda: shop.on_done(ours, "status", size(1_000_000)),
        rounds=3,
    )
    yield Row(
        key="status-million-memory",
        title=f"its memory, {size(1_000_000):,} tasks",
        unit="bytes",
        ours=lambda: shop.memory_of_status(ours, size(1_000_000)),
        rounds=1,
    )
    yield Row(
        key="records-million",
        title=f"read the records of {size(1_000_000):,} tasks",
        unit="s",
        ours=lambda: shop.read_records(size(1_000_000)),
        rounds=3,
    )
    for key, count, rounds in (("growth", 100_000, None), ("growth-million", 1_000_000, 3)):
        yield Row(
            key=key,
            title=f"time per task of {size(count):,} tasks",
            unit="us",
            limit=1.25,
            ours=lambda count=count: shop.execute_per_task(size(count)),
            baseline=lambda: shop.execute_per_task(size(10_000)),
            baseline_name=f"{size(10_000):,} tasks",
            rounds=rounds,
        )
    yield Row(
        key="floor",
        title="time per short task, beside its bare system calls",
        unit="us",
        limit=3.0,
        ours=lambda: shop.execute_per_task(size(20_000)),
        baseline=lambda: shop.program_per_task("floor", size(20_000)),
        baseline_name="system calls",
    )
    yield Row(
        key="progress",
        title="what progress costs a short task",
        unit="us",
        limit=3.0,
        ours=lambda: shop.program_per_task("progress", size(100_000)),
        baseline_name="",
        repeats=3,
    )
    if measure.can_count_system_calls():
        yield Row(
            key="calls",
            title="system calls per short task",
            unit="calls",
            limit=2.0,
            ours=lambda: shop.count_calls(ours, size(2_000), "-j1"),
            baseline=by(former, lambda f: shop.count_calls(f, size(2_000))),
            rounds=1,
        )


def _start(shop: Workshop) -> Iterator[Row]:
    yield Row(
        key="import",
        title="import jug, beyond bare Python",
        unit="ms",
        limit=40,
        ours=shop.import_time,
        repeats=5,
    )
    yield Row(
        key="help",
        title="jug --help",
        unit="ms",
        limit=150,
        ours=lambda: shop.help_time(shop.ours),
        repeats=5,
    )
