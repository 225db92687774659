"""How many cores this process may use: by its affinity, its cgroup's quota and its batch job."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from jug.machine.cgroups import limits, read

__all__ = ["usable_cores"]

_OF_BATCH_JOBS: Final = (
    ("SLURM_JOB_ID", ("SLURM_CPUS_PER_TASK", "SLURM_CPUS_ON_NODE")),
    ("PBS_JOBID", ("NCPUS", "PBS_NUM_PPN")),
    ("LSB_JOBID", ("LSB_DJOB_NUMPROC",)),
    ("JOB_ID", ("NSLOTS",)),
)
"""By the variable that says that this is a job of a batch system: where it says what it gave."""

_SLOT: Final = "_CONDOR_MACHINE_AD"
"""The variable that names the file in which HTCondor describes the slot of a job."""
_CORES_OF_SLOT: Final = r"(?m)^Cpus = ([1-9]\d*)$"


def usable_cores(environ: Mapping[str, str] = os.environ, root: str = "/") -> int:
    """Return how many cores this process may use: the fewest that any of these allows."""
    return max(1, min([_by_affinity(), *_of_batch_job(environ), *_by_quota(root)]))


def _by_affinity() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _of_batch_job(environ: Mapping[str, str]) -> Iterator[int]:
    for job, names in _OF_BATCH_JOBS:
        if job in environ:
            said = (environ.get(name, "") for name in names)
            yield from [int(count) for count in said if count.isdecimal() and int(count)][:1]
    if _SLOT in environ:
        yield from map(int, re.findall(_CORES_OF_SLOT, read("", environ[_SLOT])))


def _by_quota(root: str) -> Iterator[int]:
    """Yield what each cgroup allows in which this process is, a part of a core being one."""
    yield from _quotas(limits(root, "cpu.max"))
    yield from _quotas(limits(root, "cpu.cfs_quota_us", "cpu.cfs_period_us", controller="cpu"))


def _quotas(said: Iterable[list[str]]) -> Iterator[int]:
    for words in said:
        if len(words) == 2 and all(word.isdecimal() and int(word) for word in words):
            quota, period = map(int, words)
            yield -(-quota // period)
