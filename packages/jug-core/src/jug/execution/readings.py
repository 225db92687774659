"""What has another hash each time a jugfile is read.

A task is another task in each process if an argument of it depends on what only one
process has: random numbers, an address in memory, the order of a set.  Its result is
never found again.  So the jugfile is read by two new processes, with other seeds of
Python's own hashes, and the parts of all tasks are compared, one task after another
in the order in which they were made.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from jug.errors import JugError, JugfileError
from jug.execution.job import Job
from jug.hash import digest_function, digest_one
from jug.task import Task, find_dependencies


class Part(NamedTuple):
    """The function or an argument of a task, as one process read it."""

    place: str
    """Which part it is: ``the function``, ``argument 2``."""
    kind: str
    """The name of its type."""
    digest: str
    tasks: list[int]
    """Which tasks are in it, by the order in which they were made."""


class Difference(NamedTuple):
    """A part that has another hash in each process, of all tasks of one name."""

    task: str
    place: str
    kind: str
    tasks: int
    """How many tasks differ by this part themselves."""


Reading = list[tuple[str, list[Part]]]
"""The names and parts of all tasks, in the order in which they were made."""


def differences(job: Job) -> list[Difference]:
    """Return what differs between two readings of the jugfile, the most frequent first.

    A task that differs only because a task among its arguments does is not counted.
    Raises `JugfileError` if the jugfile can't be read, or makes other tasks each time.
    """
    one, other = (_read_anew(job, seed) for seed in ("1", "2"))
    if [name for name, _ in one] != [name for name, _ in other]:
        raise JugfileError(
            f"the jugfile {job.jugfile!r} makes other tasks each time it is read "
            f"({len(one)} and {len(other)} in two processes): let it make the same ones",
            path=job.jugfile,
        )
    found = Counter(_differing(one, other))
    return [Difference(*part, count) for part, count in found.most_common()]


def _differing(one: Reading, other: Reading) -> Iterator[tuple[str, str, str]]:
    differ = set[int]()
    for number, ((name, parts), (_, others)) in enumerate(zip(one, other, strict=True)):
        for part, counterpart in zip(parts, others, strict=True):
            if part.digest != counterpart.digest:
                if differ.isdisjoint(part.tasks):
                    yield name, part.place, part.kind
                differ.add(number)


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
        numbers = {id(task): number for number, task in enumerate(jugspace.tasks)}
        return [(task.name, list(_parts(task, numbers))) for task in jugspace.tasks]


def _parts(task: Task[Any], numbers: dict[int, int]) -> Iterator[Part]:
    yield Part("the function", type(task.f).__name__, digest_function(task.f).hex(), [])
    places = {f"argument {at}": value for at, value in enumerate(task.args, start=1)}
    places |= {f"argument {name!r}": value for name, value in task.kwargs.items()}
    for place, value in places.items():
        tasks = [numbers[id(inner)] for inner in find_dependencies(value) if id(inner) in numbers]
        yield Part(place, type(value).__name__, digest_one(value).hex(), tasks)
