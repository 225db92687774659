"""What jug asks of a batch system: a script for it, to submit that, its queue, and to cancel.

Most take a shell script whose head has lines for them.  What follows the head is the same for
all: it says when the job must end, by the clock of the node where it begins, and has jug take
the place of the shell, so that signals reach it.
"""

from __future__ import annotations

import re
import shlex
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Final, NamedTuple

from jug.batch.programs import PATIENCE, BatchError
from jug.batch.request import Request
from jug.batch.templates import Fields
from jug.errors import OptionError

__all__ = [
    "BODY", "QueuedJob", "System", "directive_word", "hours", "in_mebibytes", "plain", "rows",
    "shell_word",
]  # fmt: skip

BODY: Final = """\

{{setup}}
cd {{folder}} || exit
export JUG_END_TIME=$(( $(date +%s) + {{seconds}} ))
export OMP_NUM_THREADS=1
exec {{command}}
"""
"""What a job runs, on every system that takes a shell script."""

_PLAIN: Final = re.compile(r"[\w@%+=:,./$^\[\]-]+")
_ODD: Final = re.compile(r'["\\\x00-\x1f\x7f\ud800-\udfff]')
"""What the heads of scripts have no place for: quotes, backslashes, and what is no text."""


class QueuedJob(NamedTuple):
    """A job as the queue shows it: one element of an array."""

    id: str
    """Its id, as its workers note it in the store."""
    name: str
    is_running: bool
    """Whether it runs now; else it waits."""
    said: str
    """How it stands, in the words of the batch system."""
    place: str = ""
    """Where it runs."""
    start: float = 0.0
    """When it began or is to begin, in seconds since the epoch; 0 if nobody says."""
    end: float = 0.0
    """When it must end, 0 if nobody says."""


class System(ABC):
    """A batch system."""

    name: ClassVar[str]
    """What the user calls it."""
    title: ClassVar[str]
    """What it is called."""
    template: ClassVar[str]
    """The script of its jobs, with fields."""
    suffix: ClassVar[str] = ".sh"
    """What the names of its scripts end with."""
    between: ClassVar[str] = "\n"
    """What stands between two scripts that are printed."""
    needed: ClassVar[tuple[str, ...]] = ("name", "range")
    """The fields without which jobs would not be found again, or not be as many as they should."""
    sees_files: ClassVar[bool] = True
    """Whether its jobs see the files that this machine has."""

    def fields(self, request: Request) -> Fields:
        """Return what the fields of the template are to say."""
        some = {
            "name": str(request.name),
            "range": f"0-{request.jobs - 1}",
            "jobs": str(request.jobs),
            "workers": str(request.name.workers),
            "cpus": str(request.cpus),
            "memory": str(in_mebibytes(request.memory)) if request.memory else "",
            "gpus": str(request.gpus or ""),
            "account": _one_line(request.account),
            "partition": _one_line(request.partition),
            "time": hours(request.seconds),
            "seconds": str(request.seconds),
            "folder": shell_word(request.folder),
            "logs": request.logs,
            "variables": ",".join(request.variables),
            "raw": _one_line(shlex.join(request.raw)),
            "command": " ".join(map(shell_word, [request.python, "-m", "jug", *request.words])),
        }
        fields = {name: (value,) if value else () for name, value in some.items()}
        return {**fields, "setup": request.setup}

    def can_submit(self) -> bool:
        """Return whether scripts can be submitted from here; else they are to be printed."""
        return True

    def most_at_once(self) -> int:
        """Return how many jobs one array may have."""
        return 1000

    @abstractmethod
    def submit(self, script: Path, variables: Mapping[str, str]) -> str:
        """Submit a script, with these variables in the environment of its jobs.

        Returns the id of its array, empty if the batch system says none that can be read.
        """

    @abstractmethod
    def queue(self, seconds: float = PATIENCE) -> list[QueuedJob]:
        """Return the user's jobs that wait or run, asking for at most so long."""

    @abstractmethod
    def array_of(self, job: str) -> str:
        """Return the id of the array that a job is an element of."""

    @abstractmethod
    def cancel(self, arrays: Iterable[str]) -> None:
        """Cancel arrays, by their ids."""


def hours(seconds: int) -> str:
    """Return a time as most batch systems take it.

    >>> hours(4 * 3600 + 90)
    '4:01:30'
    """
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def in_mebibytes(size: int) -> int:
    """Return an amount of memory in MiB, which all batch systems understand, rounded up.

    >>> in_mebibytes(8 * 1024**3), in_mebibytes(1)
    (8192, 1)
    """
    return -(-size // 1024**2)


def directive_word(word: str) -> str:
    """Return a word as it stands in the head of a script.

    >>> directive_word("/scratch/a/%A_%a.log"), directive_word("/my files/logs")
    ('/scratch/a/%A_%a.log', '"/my files/logs"')
    """
    return word if _PLAIN.fullmatch(word) else f'"{plain(word)}"'


def plain(path: str) -> str:
    """Return a path that can stand in the head of a script, and refuse others."""
    if _ODD.search(path):
        raise BatchError(f"the path {path!r} can't stand in a script of a batch system: rename it")
    return path


def shell_word(word: str) -> str:
    """Return a word as bash takes it, on one line: options may be looked for on each.

    >>> print(shell_word("it's"), shell_word("two\\nlines"))
    'it'"'"'s' $'two\\nlines'
    """
    if "\n" not in word:
        return shlex.quote(word)
    told = word.replace("\\", r"\\").replace("'", r"\'").replace("\n", r"\n")
    return f"$'{told}'"


def _one_line(text: str) -> str:
    if len(text.splitlines()) > 1:
        raise OptionError(f"an option of the batch system has one line: {text!r}")
    return text


def rows(said: str, columns: int) -> list[Sequence[str]]:
    """Return the lines that have so many columns between bars; what else is said is left out.

    >>> rows("a|b\\nWelcome!\\n", 2)
    [['a', 'b']]
    """
    split = [line.strip().split("|", columns - 1) for line in said.splitlines()]
    return [row for row in split if len(row) == columns]
