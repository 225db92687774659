"""Jobs for tasks with the same needs: how many of them, what each has, what its workers choose."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from jug.batch.names import JobName
from jug.batch.systems.system import QueuedJob, in_mebibytes
from jug.needs import NOTHING, Needs

__all__ = ["Group", "group"]


@dataclass(frozen=True)
class Group:
    """The jobs for tasks with the same needs, as many workers in each as its name says.

    >>> large = Group(JobName("jug-seg-0123abcd", "", 2), Needs(cpus=4, memory=2 * 1024**3), [], 5)
    >>> large.cpus, large.options([large.needs])
    (8, ('--cpus', '8', '--memory', '4096MiB', '--gpus', '0'))
    """

    name: JobName
    needs: Needs
    there: list[QueuedJob]
    """Those that wait or run."""
    jobs: int
    """How many are to be added."""
    least_memory: int = 0
    """How many bytes each job has in any case."""
    least_gpus: int = 0
    """How many GPUs each job has in any case."""

    @property
    def cpus(self) -> int:
        """How many cores each job has."""
        return self.needs.cpus * self.name.workers

    @property
    def memory(self) -> int:
        """How many bytes of memory each job has, 0 if that is left to the site."""
        return max(self.least_memory, self.needs.memory * self.name.workers)

    @property
    def gpus(self) -> int:
        """How many GPUs each job has."""
        return max(self.least_gpus, self.needs.gpus * self.name.workers)

    @property
    def kind(self) -> str:
        """What each of its tasks needs, in words, empty for those that state nothing.

        >>> Group(JobName("jug-seg-0123abcd", "", 2), Needs.stated(4, tags={"net"}), [], 5).kind
        'for tasks with 4 CPUs and the tag net'
        """
        if self.needs == NOTHING:
            return ""
        tags = "".join(f" and the tag {tag}" for tag in sorted(self.needs.tags))
        return f"for tasks with {self.needs}{tags}"

    def options(self, kinds: Iterable[Needs]) -> tuple[str, ...]:
        """Return the options of `jug execute` that say what workers have, and which tasks they run.

        They matter where tasks of several `kinds` are left.  What a job was not given it has
        none of, whatever may be found on its machine.
        """
        if {*kinds} == {NOTHING}:
            return ()
        memory = f"{in_mebibytes(self.memory)}MiB"
        room = ("--cpus", str(self.cpus), "--memory", memory, "--gpus", str(self.gpus))
        return (*room, *_by_tags(self.needs, kinds))


def _by_tags(needs: Needs, kinds: Iterable[Needs]) -> Iterator[str]:
    """Yield the options that choose tasks with these tags, and leave those with others alone.

    >>> gpu = Needs(gpus=1, tags=frozenset({"gpu"}))
    >>> [*_by_tags(gpu, [NOTHING, gpu])], [*_by_tags(NOTHING, [NOTHING, gpu])]
    (['--tag=gpu'], ['--without-tag=gpu'])
    """
    others = frozenset[str]().union(*(kind.tags for kind in kinds)) - needs.tags
    yield from (f"--tag={tag}" for tag in sorted(needs.tags))
    yield from (f"--without-tag={tag}" for tag in sorted(others))


def group(
    name: JobName, needs: Needs, useful: int, queue: Sequence[QueuedJob], memory: int, gpus: int
) -> Group:
    """Return the jobs for tasks with these needs, of which so many are of use in all.

    What is in the queue for the same counts by its workers.
    """
    parsed = [(job, JobName.parse(job.name)) for job in queue]
    alike = [(job, one) for job, one in parsed if one is not None and one[:2] == name[:2]]
    there = -(-sum(one.workers for _, one in alike) // name.workers)
    return Group(name, needs, [job for job, _ in alike], max(0, useful - there), memory, gpus)
