"""The failures that count now, grouped by exception and place.

A thousand tasks that fail in one line of the user's code fail in one way, whatever
each message says.  So a group is known by the type of the exception and by the last
line of the user's own code in the traceback: what libraries and Python itself did
below that line is shown, and groups nothing.  Where there is no such line, as with a
task whose workers died, it is the task's name.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

from jug.jugfile import Jugspace
from jug.records import Record
from jug.task import Task
from jug.task.short_form import short_form
from jug.views.places import Place, Places

__all__ = ["Failure", "FailureGroup", "Line", "failure_groups", "last_own_line"]

_LINE: Final = re.compile(r'^[\s|+-]*File "(.+)", line (\d+)(?:, in (.+))?$', re.MULTILINE)
_LIBRARY: Final = re.compile(r"[/\\](site|dist)-packages[/\\]|[/\\]lib[/\\]python3\.\d+[/\\]|^<")


class Line(NamedTuple):
    """A line of code that a traceback names."""

    file: str
    number: int
    function: str

    def __str__(self) -> str:
        """Return it as people read it."""
        function = f", in {self.function}" if self.function else ""
        return f"{self.file}:{self.number}{function}"


class Failure(NamedTuple):
    """One task that failed."""

    task: Task[Any]
    record: Record
    place: Place
    kept: bool
    """Whether it is not tried again before ``cleanup --failed-only``."""

    @property
    def arguments(self) -> str:
        """Its arguments, in short; of a stand-in for a task those that were recorded."""
        return short_form(self.task.args, self.task.kwargs) or self.record.arguments

    @property
    def call(self) -> str:
        """The call that it stands for."""
        return f"{self.task.name}({self.arguments})"

    def as_dict(self) -> dict[str, Any]:
        """Return it for ``--json``."""
        return {
            "hash": self.task.digest.hex(),
            "name": self.task.name,
            "arguments": self.arguments,
            "exception": self.record.exception or None,
            "kept": self.kept,
            "attempt": self.record.attempt or None,
            "end": self.record.end or None,
            **self.place.as_dict(),
        }


class FailureGroup(NamedTuple):
    """Tasks that failed in one way."""

    exception: str
    """The type of the exception, empty if the record can't be read."""
    line: Line | None
    """The last line of the user's code in the traceback."""
    failures: list[Failure]

    @property
    def traceback(self) -> str:
        """The traceback of one of them, or its exception where it has none."""
        record = self.failures[0].record
        return record.traceback.rstrip() or record.exception

    def hosts(self) -> Counter[str]:
        """Return how many of them failed on which host; it is empty where it is not known."""
        return Counter(failure.place.host for failure in self.failures)

    def as_dict(self) -> dict[str, Any]:
        """Return it for ``--json``."""
        return {
            "exception": self.exception or None,
            "place": self.line and self.line._asdict(),
            "count": len(self.failures),
            "hosts": {host or "unknown": count for host, count in self.hosts().items()},
            "traceback": self.traceback or None,
            "tasks": [failure.as_dict() for failure in self.failures],
        }


def failure_groups(jugspace: Jugspace, tasks: Iterable[Task[Any]]) -> list[FailureGroup]:
    """Return how those of the tasks failed that have failed, the largest group first."""
    groups: dict[tuple[str, Line | str], FailureGroup] = {}
    for failure in _failures(jugspace, tasks):
        line = last_own_line(failure.record.traceback)
        exception = failure.record.exception.partition(":")[0]
        key = exception, line or failure.task.name
        groups.setdefault(key, FailureGroup(exception, line, [])).failures.append(failure)
    return sorted(groups.values(), key=lambda group: -len(group.failures))


def _failures(jugspace: Jugspace, tasks: Iterable[Task[Any]]) -> Iterator[Failure]:
    store = jugspace.store
    store.poll()
    failed = store.failures()
    found = [task for task in tasks if task.digest in failed]
    places = Places(store.workers())
    records = store.records([task.digest for task in found])
    for task, record in zip(found, records, strict=True):
        noted = record or Record()  # it is damaged
        yield Failure(task, noted, places.of(noted.worker), failed[task.digest])


def last_own_line(traceback: str) -> Line | None:
    r"""Return the last line of a traceback that is not in a library, else its very last.

    >>> print(last_own_line('''Traceback (most recent call last):
    ...   File "/home/me/primes.py", line 7, in is_prime
    ...     subprocess.run(["false"], check=True)
    ...   File "/usr/lib/python3.11/subprocess.py", line 571, in run
    ...     raise CalledProcessError(retcode, process.args)
    ... '''))
    /home/me/primes.py:7, in is_prime
    """
    lines = [
        Line(file, int(number), function) for file, number, function in _LINE.findall(traceback)
    ]
    own = [line for line in lines if not _LIBRARY.search(line.file)]
    found = own or lines
    return found[-1] if found else None
