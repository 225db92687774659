"""How many jobs to ask for, and asking for them.

Tasks that need different machines have jobs of their own.  For each kind no more workers are of
use than its tasks can be in progress at once, and no more are wanted than the user says; those
that wait or run under the same name are there already.  So whoever asks again, after a minute
or when jobs have died, gets the difference, and nothing is remembered in between.  Where the
queue does not answer all are asked for: workers that are too many find no task, and end.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from jug.batch.folders import folder_of_jobs, keep
from jug.batch.groups import Group, group
from jug.batch.left import Left
from jug.batch.programs import BatchError
from jug.batch.purpose import Purpose
from jug.batch.request import Request, Terms
from jug.batch.systems import System
from jug.batch.systems.system import QueuedJob
from jug.batch.templates import fields_in, filled
from jug.errors import OptionError
from jug.wording import counted, duration

__all__ = ["Submission", "Wish", "plan"]


@dataclass(frozen=True)
class Wish:
    """What the user asks for."""

    system: System
    terms: Terms
    workers: int
    """How many workers there may be of each kind."""
    per_job: int
    """How many of them are in one job."""
    memory: int = 0
    """How many bytes each job has at least."""
    gpus: int = 0
    """How many GPUs each job has at least."""
    template: str = ""
    """The user's own, empty for that of the batch system."""

    def __post_init__(self) -> None:
        """Refuse what would ask for nothing, or for jobs that are not found again."""
        if self.per_job > self.workers:
            raise OptionError(f"-j {self.per_job} is more than --workers {self.workers}")
        missing = set(self.system.needed) - set(fields_in(self.template or self.system.template))
        if missing:
            names = " and ".join(f"{{{{{name}}}}}" for name in sorted(missing))
            raise OptionError(
                f"the template has no {names}: jobs would not be as many as they should, "
                "or not be found again"
            )


@dataclass(frozen=True)
class Submission:
    """The jobs that are to be added, and why so many."""

    wish: Wish
    purpose: Purpose
    left: Left
    groups: list[Group]
    trouble: str = ""
    """Why it is not known what is in the queue."""

    @property
    def jobs(self) -> int:
        """How many jobs are to be added."""
        return sum(one.jobs for one in self.groups)

    @property
    def there(self) -> list[QueuedJob]:
        """The jobs that wait or run for the same tasks."""
        return [job for one in self.groups for job in one.there]

    @property
    def folder(self) -> Path:
        """Where scripts and logs are."""
        return folder_of_jobs(self.purpose.store, self.purpose.job.jugfile)

    def state(self) -> str:
        """Return how much is left, and who is there for it."""
        if self.trouble or not self.groups:
            return str(self.left)
        running = sum(job.is_running for job in self.there)
        waiting = len(self.there) - running
        return f"{self.left}; jobs in the queue: {running} running, {waiting} waiting"

    def asked(self) -> Iterator[str]:
        """Yield for each group that is not complete what is asked for, and what it may cost."""
        seconds = self.wish.terms.seconds
        each = f"{counted(self.wish.per_job, 'worker')} for {duration(seconds)}"
        for one in self.groups:
            if one.jobs:
                jobs, cost = counted(one.jobs, "job"), _core_hours(one.jobs * one.cpus * seconds)
                kind = one.kind and f"\n  {one.kind}"
                yield f"{jobs} of {each}, at most {cost}: {one.name}{kind}"

    def scripts(self) -> list[tuple[str, str]]:
        """Return the name and the script of each array that is needed."""
        most = self.wish.system.most_at_once()
        return [
            (str(one.name), self._script(self._request(one, jobs)))
            for one in self.groups
            for jobs in _portions(one.jobs, most)
        ]

    def _script(self, request: Request) -> str:
        system = self.wish.system
        return filled(self.wish.template or system.template, system.fields(request), system.needed)

    def _request(self, group: Group, jobs: int) -> Request:
        purpose, options = self.purpose, group.options(self.left.widths)
        return Request(
            name=group.name,
            jobs=jobs,
            cpus=group.cpus,
            memory=group.memory,
            gpus=group.gpus,
            python=sys.executable,
            words=purpose.words(self.wish.per_job, options),
            variables=purpose.variables(),
            folder=purpose.job.folder,
            logs=str(self.folder),
            **vars(self.wish.terms),
        )

    def submit(self) -> list[str]:
        """Submit all arrays or none, and return their ids."""
        system, ids = self.wish.system, list[str]()
        kept = [(name, keep(self.folder, name, system.suffix, text))
                for name, text in self.scripts()]  # fmt: skip
        for name, path in kept:
            try:
                ids.append(system.submit(path, self.purpose.variables()))
            except BatchError as error:
                raise BatchError(f"{name}: {error}{_undo(system, ids)}") from None
        return ids


def _core_hours(seconds: float) -> str:
    """Return what sites charge.

    >>> _core_hours(3600), _core_hours(360_000), _core_hours(90)
    ('1 core hour', '100 core hours', '2 core minutes')
    """
    if seconds < 3600:
        return counted(ceil(seconds / 60), "core minute")
    hours = f"{seconds / 3600:,.3g}" if seconds < 3_600_000 else f"{seconds / 3600:,.0f}"
    return f"{hours} core hour{'s' * (hours != '1')}"


def _portions(jobs: int, most: int) -> list[int]:
    """Return how many jobs are in each array.

    >>> _portions(2500, 1001)
    [1001, 1001, 498]
    """
    return [min(most, jobs - before) for before in range(0, jobs, most)]


def _undo(system: System, ids: Sequence[str]) -> str:
    """Cancel what was submitted before something was refused, and return what to say of it."""
    known = [*filter(None, ids)]
    if not known:
        return ""
    try:
        system.cancel(known)
    except BatchError as error:
        return f"\nSubmitted before that, and not cancelled: {', '.join(known)} ({error})"
    return f"\nWhat was submitted before that is cancelled: {', '.join(known)}"


def plan(wish: Wish, purpose: Purpose, left: Left) -> Submission:
    """Return how many jobs are to be added for what is left."""
    _require_server(wish, purpose)
    queue, trouble = list[QueuedJob](), ""
    if left.tasks:
        try:
            queue = wish.system.queue()
        except BatchError as error:
            trouble = str(error)
    most = wish.workers // wish.per_job
    groups = [
        group(
            purpose.name(wish.per_job, needs), needs, min(most, -(-width // wish.per_job)),
            queue, wish.memory, wish.gpus,
        )
        for needs, width in left.widths.items()
    ]  # fmt: skip
    return Submission(wish, purpose, left, groups, trouble)


def _require_server(wish: Wish, purpose: Purpose) -> None:
    """Refuse a store that no job can see, unless the user's own template sees to that."""
    url = purpose.store.url
    if not (wish.system.sees_files or wish.template or "://" in url):
        raise OptionError(
            f"pods do not see the folder of {url}: use a store in a server, such as redis, "
            "or a --template that mounts a volume"
        )
