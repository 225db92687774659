"""The programs of a batch system, run with a time limit, and their own words where they fail."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from jug.errors import JugError

__all__ = ["PATIENCE", "BatchError", "call", "first_number", "json_in", "understood"]

PATIENCE: Final = 60.0
"""How many seconds a program may take, if nothing else is said."""

_OF_JOBS: Final = ("SBATCH_", "SLURM_", "JUG_END_TIME")
_OF_SITES: Final = ("SLURM_CONF",)
_LOGGED: Final = re.compile(r"^[EWI]\d{4} [\d:.]+ .*\n?", re.MULTILINE)
_OF_HABIT: Final = ("SQUEUE_", "SBATCH_JOB_NAME", "SBATCH_ARRAY_INX", "SBATCH_TIMELIMIT")
"""Variables by which a script would not be what it says, or a queue not be shown as a whole."""
_OBJECT: Final = re.compile(r"^\s*\{", re.MULTILINE)
_NUMBER: Final = re.compile(r"^(\d+)(?:[.;]\S*)?\s*$", re.MULTILINE)


class BatchError(JugError):
    """Raised when a program of a batch system is not there, refuses or does not answer."""


def call(
    *words: str,
    given: str | None = None,
    variables: Mapping[str, str] | None = None,
    seconds: float = PATIENCE,
) -> str:
    """Run a program of a batch system and return what it prints, or raise its own words.

    >>> call("echo", "1234")
    '1234\\n'
    """
    program = words[0]
    try:
        done = subprocess.run(
            words,
            input=given or "",
            env={**_environment(), **(variables or {})},
            capture_output=True,
            encoding=sys.getfilesystemencoding(),  # that of the names of files, whatever they are
            errors="surrogateescape",
            timeout=seconds,
            check=False,
        )
    except OSError as error:
        raise BatchError(f"{program} can't be run: {error.strerror}", program=program) from None
    except subprocess.TimeoutExpired:
        raise BatchError(
            f"{program} did not answer within {seconds:g} s", program=program
        ) from None
    if done.returncode:
        said = _in_its_words(done.stderr) or _in_its_words(done.stdout)
        raise BatchError(f"{program} says: {said or f'status {done.returncode}'}", program=program)
    return done.stdout


def _in_its_words(printed: str) -> str:
    """Return what a program says, without what it logs before, if it says something besides.

    >>> _in_its_words('E1126 15:44:35.1  9 memcache.go:265] "Unhandled Error"\\nNo server.\\n')
    'No server.'
    """
    return _LOGGED.sub("", printed).strip() or printed.strip()


def _environment() -> dict[str, str]:
    """Return the environment, without what is of the job in which this process may be.

    What a user has set for all jobs, such as ``SBATCH_ACCOUNT``, stays where this is none, but
    for what would make jobs others than those that are asked for.
    """
    inside = "SLURM_JOB_ID" in os.environ
    return {
        name: value
        for name, value in os.environ.items()
        if name in _OF_SITES
        or not (name.startswith(_OF_HABIT) or (inside and name.startswith(_OF_JOBS)))
    }


def first_number(said: str) -> str:
    """Return the id of a job, which some sites have their programs print among other lines.

    >>> first_number("Welcome to cluster 7!\\n1234;north\\n"), first_number("12.1-3:1\\n")
    ('1234', '12')
    >>> first_number("no job")
    ''
    """
    found = _NUMBER.search(said)
    return found[1] if found else ""


@contextmanager
def understood(program: str) -> Iterator[None]:
    """Raise `BatchError` where what a program says is not of the form that it should be.

    >>> with understood("qstat"):
    ...     int("no number")
    Traceback (most recent call last):
        ...
    jug.batch.programs.BatchError: what qstat says can't be read: invalid literal for int() ...
    """
    try:
        yield
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise BatchError(f"what {program} says can't be read: {error}", program=program) from None


def json_in(said: str) -> Any:
    """Return the JSON object that a program prints, perhaps among other lines.

    >>> json_in('Welcome!\\n{"Jobs": {}}\\nBalance: 1000 h\\n')
    {'Jobs': {}}
    """
    found = _OBJECT.search(said)
    if found is None:
        raise ValueError("there is no JSON in it")
    return json.JSONDecoder().raw_decode(said, found.end() - 1)[0]
