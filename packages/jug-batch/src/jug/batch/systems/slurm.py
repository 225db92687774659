"""Slurm.

`squeue` is asked by columns: what it says as JSON does not heed the choice of jobs in all
versions.  The accounting (`sacct`) is not asked, as not every site has it.
"""

from __future__ import annotations

import getpass
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from jug.batch.programs import PATIENCE, BatchError, call, first_number
from jug.batch.request import Request
from jug.batch.systems.system import BODY, QueuedJob, System, directive_word, rows
from jug.batch.templates import Fields

_COLUMNS: Final = ("%i", "%T", "%N", "%S", "%e", "%r", "%j")
_RUNNING: Final = ("RUNNING", "CONFIGURING", "SUSPENDED", "STOPPED", "SIGNALING")
_OVER: Final = ("COMPLETING", "STAGE_OUT")
_LIMIT: Final = re.compile(r"^MaxArraySize\s*=\s*(\d+)", re.MULTILINE)


_HEAD: Final = """\
#!/bin/bash
#SBATCH --job-name={{name}}
#SBATCH --array={{range}}
#SBATCH --time={{time}}
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --cpus-per-task={{cpus}}
#SBATCH --mem={{memory}}M
#SBATCH --gres=gpu:{{gpus}}
#SBATCH --account={{account}}
#SBATCH --partition={{partition}}
#SBATCH --output={{logs}}
#SBATCH --requeue --open-mode=append
#SBATCH {{raw}}
"""


class Slurm(System):
    """Slurm, by sbatch, squeue and scancel."""

    name = "slurm"
    title = "Slurm"
    template = _HEAD + BODY

    def fields(self, request: Request) -> Fields:
        """Return what the fields of the template are to say."""
        logs = request.logs.replace("%", "%%")
        return {**super().fields(request), "logs": (directive_word(f"{logs}/%A_%a.log"),)}

    def most_at_once(self) -> int:
        """Return how many jobs one array may have, as the site has it."""
        try:
            found = _LIMIT.search(call("scontrol", "show", "config"))
        except BatchError:
            found = None
        return int(found[1]) if found and int(found[1]) else 1001

    def submit(self, script: Path, variables: Mapping[str, str]) -> str:
        """Submit a script; return the id of its array."""
        return first_number(call("sbatch", "--parsable", str(script), variables=variables))

    def queue(self, seconds: float = PATIENCE) -> list[QueuedJob]:
        """Return the user's jobs that wait or run."""
        said = call(
            "squeue", "--noheader", "--array", "--user", getpass.getuser(),
            "--format", "|".join(_COLUMNS),
            variables={"SLURM_TIME_FORMAT": "%s"}, seconds=seconds,
        )  # fmt: skip
        return [
            QueuedJob(
                id=id,
                name=name,
                is_running=state in _RUNNING,
                said=state.lower() if reason in ("None", "") else f"{state.lower()} ({reason})",
                place=place,
                start=_moment(start),
                end=_moment(end),
            )
            for id, state, place, start, end, reason, name in rows(said, len(_COLUMNS))
            if state not in _OVER
        ]

    def array_of(self, job: str) -> str:
        """Return the id of the array that a job is an element of."""
        return job.partition("_")[0]

    def cancel(self, arrays: Iterable[str]) -> None:
        """Cancel arrays, by their ids."""
        call("scancel", *arrays)


def _moment(said: str) -> float:
    return float(said) if said.isdecimal() else 0.0
