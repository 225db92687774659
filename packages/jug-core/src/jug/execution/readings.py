"""What has another hash each time a jugfile is read.

A task is another task in each process if an argument of it depends on what only one
process has: random numbers, an address in memory, the order of a set.  Its result is
never found again.  So the jugfile is read by two new processes, with other seeds of
Python's own hashes, and the parts of those tasks are compared that only one of them has,
those of one name in the order in which they were made.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from typing import Any, NamedTuple

from jug.errors import JugError, JugfileError
from jug.execution.job import Job
from jug.hash import digest_function, digest_one
from jug.task import Task, find_dependencies


class Part(NamedTuple):
    """The function or an argument of a task, as one process read it."""

    kind: str
    """The name of its type."""
    digest: str
    tasks: list[str]
    """The digests of the tasks that are in it."""


class ReadTask(NamedTuple):
    """A task, as one process read it."""

    name: str
    digest: str
    parts: dict[str, Part]
    """By their places: ``the function``, ``argument 2``."""


class Difference(NamedTuple):
    """A part that has another hash in each process, of all tasks of one name."""

    task: str
    place: str
    kind: str
    """The name of the part's type, empty where it is the number of arguments or a keyword."""
    tasks: int
    """How many tasks differ by this part themselves."""


class Reading(NamedTuple):
    """What one process has read."""

    tasks: list[ReadTask]
    """All tasks, in the order in which they were made."""
    at_barrier: bool
    """Whether the jugfile was read to a barrier only."""


class Comparison(NamedTuple):
    """What two processes have read."""

    differences: list[Difference]
    """What differs, the most frequent first."""
    at_barrier: bool
    """Whether there may be more tasks beyond a barrier."""


def compare_readings(job: Job) -> Comparison:
    """Return what differs between two readings of the jugfile.

    In which order tasks are made does not matter.  A task that differs only because a task
    among its arguments does is not counted.  Raises `JugfileError` if the jugfile can't be
    read, or makes other tasks each time.
    """
    one, other = (_read_anew(job, seed) for seed in ("1", "2"))
    tasks, others = one.tasks, other.tasks
    if Counter(task.name for task in tasks) != Counter(task.name for task in others):
        raise JugfileError(
            f"the jugfile {job.jugfile!r} makes other tasks each time it is read "
            f"({len(tasks)} and {len(others)} in two processes): let it make the same ones",
            path=job.jugfile,
        )
    found = Counter(_differing(tasks, others))
    different = [Difference(*part, count) for part, count in found.most_common()]
    return Comparison(different, one.at_barrier or other.at_barrier)


def _differing(one: list[ReadTask], other: list[ReadTask]) -> Iterator[tuple[str, str, str]]:
    """Yield name, place and kind of each part by which a task differs itself."""
    common = {task.digest for task in one}.intersection(task.digest for task in other)
    counterparts = defaultdict[str, deque[ReadTask]](deque)
    for task in other:
        if task.digest not in common:
            counterparts[task.name].append(task)
    for task in one:
        if task.digest not in common and counterparts[task.name]:
            yield from _differing_parts(task, counterparts[task.name].popleft(), common)


def _differing_parts(
    task: ReadTask, other: ReadTask, common: set[str]
) -> Iterator[tuple[str, str, str]]:
    if task.parts.keys() != other.parts.keys():
        yield task.name, "the number of arguments or a keyword", ""
    for place, part in task.parts.items():
        counterpart = other.parts.get(place, part)
        if part.digest != counterpart.digest and common.issuperset(part.tasks):
            yield task.name, place, part.kind


def _read_anew(job: Job, seed: str) -> Reading:
    """Let a new Python read the jugfile."""
    with tempfile.NamedTemporaryFile() as file:
        done = subprocess.run(
            [sys.executable, "-P", "-c", f"from {__name__} import main; main()", file.name],
            input=pickle.dumps((job, sys.path)),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=False,
        )
        data = file.read()
    if not data:
        raise JugfileError(
            f"a new process could not read the jugfile {job.jugfile!r}",
            path=job.jugfile,
            traceback=done.stderr.decode(errors="replace"),
        )
    found: Reading | JugError = pickle.loads(data)
    if isinstance(found, JugError):
        raise found
    return found


def main() -> None:
    """Write what this process reads to the file that is named."""
    job, sys.path[:] = pickle.load(sys.stdin.buffer)
    path = sys.argv[1]
    try:
        found: Reading | JugError = _read(job)
    except JugError as error:
        found = error
    with open(path, "wb") as file:
        pickle.dump(found, file)


def _read(job: Job) -> Reading:
    _, jugspace = job.begin()
    with jugspace.store:
        for task in jugspace.tasks:
            task.hash()  # whose error names the task
        tasks = [
            ReadTask(task.name, task.digest.hex(), dict(_parts(task))) for task in jugspace.tasks
        ]
        return Reading(tasks, bool(jugspace.barrier_tasks))


def _parts(task: Task[Any]) -> Iterator[tuple[str, Part]]:
    yield "the function", Part(type(task.f).__name__, digest_function(task.f).hex(), [])
    places = {f"argument {at}": value for at, value in enumerate(task.args, start=1)}
    places |= {f"argument {name!r}": value for name, value in task.kwargs.items()}
    for place, value in places.items():
        tasks = [inner.digest.hex() for inner in find_dependencies(value)]
        yield place, Part(type(value).__name__, digest_one(value).hex(), tasks)
