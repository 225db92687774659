"""On what machines a store's workers ran, and with which versions of what.

Two versions of one library among the workers of one run are how results come to differ that
should not, so they are told apart.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from jug.backends.worker_record import WorkerRecord

__all__ = ["Machine", "Version", "machines", "versions"]


class Machine(NamedTuple):
    """A host on which workers ran."""

    host: str
    workers: int
    cores: int
    """The most processors that one of them could use, 0 if not known."""
    pythons: list[str]
    first: float
    """When the first of them began, in seconds since the epoch; 0 if not known."""
    jobs: list[str]
    """The jobs of a batch system that they were part of."""


class Version(NamedTuple):
    """One version of Python or of a package."""

    package: str
    version: str
    workers: int
    """How many workers had it."""


def machines(workers: Iterable[WorkerRecord]) -> list[Machine]:
    """Return the hosts of some workers, by name.

    >>> worker = WorkerRecord.here("0123456789abcdef")
    >>> [(one.workers, one.pythons) == (2, [worker.python]) for one in machines([worker, worker])]
    [True]
    """
    by_host: defaultdict[str, list[WorkerRecord]] = defaultdict(list)
    for worker in workers:
        by_host[worker.process.host].append(worker)
    return [_machine(host, by_host[host]) for host in sorted(by_host)]


def _machine(host: str, workers: list[WorkerRecord]) -> Machine:
    return Machine(
        host,
        len(workers),
        max(worker.cores for worker in workers),
        sorted({worker.python for worker in workers if worker.python}),
        min((worker.start for worker in workers if worker.start), default=0.0),
        list(dict.fromkeys(worker.job for worker in workers if worker.job)),
    )


def versions(workers: Iterable[WorkerRecord]) -> list[Version]:
    """Return which versions of Python and of packages some workers had, by name.

    >>> worker = WorkerRecord.here("0123456789abcdef")
    >>> versions([worker._replace(python="3.11.2", packages={"numpy": "2.1.0"})])[0]
    Version(package='Python', version='3.11.2', workers=1)
    """
    counts: Counter[tuple[str, str]] = Counter()
    for worker in workers:
        counts.update(worker.packages.items())
        if worker.python:
            counts["Python", worker.python] += 1
    return [
        Version(package, version, count)
        for (package, version), count in sorted(counts.items(), key=_by_package)
    ]


def _by_package(counted: tuple[tuple[str, str], int]) -> tuple[bool, str, str]:
    (package, version), _ = counted
    return package != "Python", package.lower(), version
