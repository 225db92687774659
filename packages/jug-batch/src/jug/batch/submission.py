"""How many jobs to ask for, and asking for them.

No more workers are of use than tasks can be in progress at once, and no more are wanted than
the user says; those that wait or run under the same name are there already.  So whoever asks
again, after a minute or when jobs have died, gets the difference, and nothing is remembered in
between.  Where the queue does not answer all are asked for: workers that are too many find no
task, and end.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from jug.batch.folders import folder_of_jobs, keep
from jug.batch.left import Left
from jug.batch.names import JobName
from jug.batch.programs import BatchError
from jug.batch.purpose import Purpose
from jug.batch.request import Request
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
    workers: int
    """How many workers there may be, all in all."""
    per_job: int
    """How many of them are in one job."""
    seconds: int
    memory: int = 0
    gpus: int = 0
    account: str = ""
    partition: str = ""
    setup: tuple[str, ...] = ()
    raw: tuple[str, ...] = ()
    template: str = ""
    """The user's own, empty for that of the batch system."""
    image: str = ""
    secret: str = ""


@dataclass(frozen=True)
class Submission:
    """The jobs that are to be added, and why so many."""

    wish: Wish
    purpose: Purpose
    left: Left
    jobs: int = 0
    """How many jobs are to be added."""
    there: list[QueuedJob] = field(default_factory=list)
    """Those that are in the queue for the same."""
    trouble: str = ""
    """Why it is not known what is in the queue."""

    @property
    def name(self) -> JobName:
        """What the jobs are called."""
        return self.purpose.name(self.wish.per_job)

    @property
    def folder(self) -> Path:
        """Where scripts and logs are."""
        return folder_of_jobs(self.purpose.store, self.purpose.job.jugfile)

    def state(self) -> str:
        """Return how much is left, and who is there for it."""
        if self.trouble:
            return f"{self.left}; not known what is in the queue"
        running = sum(job.is_running for job in self.there)
        waiting = len(self.there) - running
        return f"{self.left}; in the queue for them: {running} running, {waiting} waiting"

    def asked(self) -> str:
        """Return what is asked for, and what that may cost."""
        wish, jobs = self.wish, counted(self.jobs, "job")
        each = [counted(wish.per_job, "worker"), duration(wish.seconds)]
        hours = duration(self.jobs * wish.per_job * wish.seconds)
        return (
            f"{jobs} of {' and '.join(each)}{' each' if self.jobs > 1 else ''}, "
            f"at most {hours} of a core, as {self.name}"
        )

    def scripts(self) -> Iterator[str]:
        """Yield the script of each array that is needed."""
        template = self.wish.template or self.wish.system.template
        most, rest = self.wish.system.most_at_once(), self.jobs
        while rest:
            jobs = min(most, rest)
            yield filled(template, self.wish.system.fields(self._request(jobs)))
            rest -= jobs

    def _request(self, jobs: int) -> Request:
        wish, purpose = self.wish, self.purpose
        return Request(
            self.name,
            jobs,
            wish.seconds,
            cpus=wish.per_job,
            memory=wish.memory,
            gpus=wish.gpus,
            account=wish.account,
            partition=wish.partition,
            setup=wish.setup,
            raw=wish.raw,
            python=sys.executable,
            words=purpose.words(wish.per_job),
            variables=tuple(purpose.variables()),
            folder=purpose.job.folder,
            logs=str(self.folder),
            image=wish.image,
            secret=wish.secret,
        )

    def submit(self) -> list[str]:
        """Submit all arrays or none, and return their ids."""
        system, ids = self.wish.system, list[str]()
        kept = [keep(self.folder, str(self.name), system.suffix, s) for s in self.scripts()]
        for path in kept:
            try:
                ids.append(system.submit(path, self.purpose.variables()))
            except BatchError as error:
                raise BatchError(f"{error}{_undo(system, ids)}") from None
        return ids


def _undo(system: System, ids: list[str]) -> str:
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
    if wish.per_job > wish.workers:
        raise OptionError(f"-j {wish.per_job} is more than --workers {wish.workers}")
    check_template(wish)
    submission = Submission(wish, purpose, left)
    if not left.tasks:
        return submission
    try:
        there = queued_for(submission.name, wish.system)
    except BatchError as error:
        submission, there = replace(submission, trouble=str(error)), []
    useful = min(wish.workers // wish.per_job, _jobs(left.width, wish.per_job))
    workers = sum(name.workers for job in there if (name := JobName.parse(job.name)))
    missing = useful - _jobs(workers, wish.per_job)
    return replace(submission, there=there, jobs=max(0, missing))


def _jobs(workers: int, per_job: int) -> int:
    return -(-workers // per_job)


def queued_for(name: JobName, system: System) -> list[QueuedJob]:
    """Return the jobs in the queue that do the same, however many workers each of them has."""
    found = []
    for job in system.queue():
        known = JobName.parse(job.name)
        if known is not None and known[:2] == name[:2]:
            found.append(job)
    return found


def check_template(wish: Wish) -> None:
    """Refuse a template without the fields by which jobs are found again."""
    missing = set(wish.system.needed) - set(fields_in(wish.template)) if wish.template else ()
    if missing:
        names = " and ".join(f"{{{{{name}}}}}" for name in sorted(missing))
        raise OptionError(
            f"the template has no {names}: `jug submit` would not find the jobs again"
        )
