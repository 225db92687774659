"""The programs of a batch system, run with a time limit, and their own words where they fail."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from typing import Final

from jug.errors import JugError

__all__ = ["PATIENCE", "BatchError", "call", "first_number"]

PATIENCE: Final = 60.0
"""How many seconds a program may take, if nothing else is said."""

_OF_JOBS: Final = ("SBATCH_", "SLURM_", "JUG_END_TIME")
_OF_SITES: Final = ("SLURM_CONF",)
_LOGGED: Final = re.compile(r"^[EWI]\d{4} [\d:.]+ .*\n?", re.MULTILINE)
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
            text=True,
            errors="replace",
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

    What a user has set for all jobs, such as ``SBATCH_ACCOUNT``, stays where this is none.
    """
    inside = "SLURM_JOB_ID" in os.environ
    return {
        name: value
        for name, value in os.environ.items()
        if not (inside and name.startswith(_OF_JOBS)) or name in _OF_SITES
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
