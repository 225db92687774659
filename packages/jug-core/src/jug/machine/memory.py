"""How much memory this process may use: of the machine, of its cgroup and of its batch job."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from jug.machine.cgroups import limits, read

__all__ = ["usable_memory"]


def usable_memory(environ: Mapping[str, str] = os.environ, root: str = "/") -> int | None:
    """Return how many bytes this process may use, the fewest that any of these allows.

    None if nothing says so.
    """
    return min([*_of_machine(root), *_of_cgroups(root), *_of_batch_job(environ)], default=None)


def _of_machine(root: str) -> Iterator[int]:
    for line in read(root, "proc/meminfo").splitlines():
        name, _, size = line.partition(":")
        if name == "MemTotal":
            yield int(size.split()[0]) * 1024
            return
    if root == "/" and {"SC_PHYS_PAGES", "SC_PAGE_SIZE"} <= os.sysconf_names.keys():
        yield os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _of_cgroups(root: str) -> Iterator[int]:
    said = [
        *limits(root, "memory.max"),
        *limits(root, "memory.limit_in_bytes", controller="memory"),
    ]
    yield from (int(words[0]) for words in said if len(words) == 1 and words[0].isdecimal())


def _of_batch_job(environ: Mapping[str, str]) -> Iterator[int]:
    """Yield what Slurm gave the job on this node, which it says in MiB."""

    def said(name: str) -> int:
        number = environ.get(name, "")
        return int(number) if "SLURM_JOB_ID" in environ and number.isdecimal() else 0

    by_node = said("SLURM_MEM_PER_NODE")
    by_core = said("SLURM_MEM_PER_CPU") * said("SLURM_CPUS_ON_NODE")
    yield from (size * 2**20 for size in (by_node, by_core) if size)
