"""PBS: OpenPBS and PBS Professional.

An array has two elements at least, so one job alone is none.  A folder as the place of the
logs gets a file for each job, by its id.
"""

from __future__ import annotations

import getpass
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from jug.batch.programs import PATIENCE, call, json_in, understood
from jug.batch.request import Request
from jug.batch.systems.system import BODY, QueuedJob, System, directive_word, in_mebibytes
from jug.batch.templates import Fields

_HEAD: Final = """\
#!/bin/bash
#PBS -S /bin/bash
#PBS -N {{name}}
#PBS -J {{range}}
#PBS -l select={{select}}
#PBS -l walltime={{time}}
#PBS -A {{account}}
#PBS -q {{partition}}
#PBS -v {{variables}}
#PBS -j oe -o {{logs}}
#PBS -r y
#PBS {{raw}}
"""

_ID: Final = re.compile(r"^(\d+(?:\[\])?(?:\.\S+)?)\s*$", re.MULTILINE)
_WAITING: Final = {"Q": "queued", "H": "held", "W": "waiting", "T": "moving"}
_RUNNING: Final = {"R": "running", "S": "suspended", "U": "suspended"}


class PBS(System):
    """PBS, by qsub, qstat and qdel."""

    name = "pbs"
    title = "PBS"
    template = _HEAD + BODY

    def fields(self, request: Request) -> Fields:
        """Return what the fields of the template are to say."""
        chunk = [f"1:ncpus={request.cpus}"]
        if request.memory:
            chunk.append(f"mem={in_mebibytes(request.memory)}mb")
        if request.gpus:
            chunk.append(f"ngpus={request.gpus}")
        fields = {
            **super().fields(request),
            "select": (":".join(chunk),),
            "logs": (directive_word(f"{request.logs}/"),),
        }
        return fields if request.jobs > 1 else {**fields, "range": ()}

    def most_at_once(self) -> int:
        """Return how many jobs one array may have, as PBS has it if a site says nothing else."""
        return 10_000

    def submit(self, script: Path, variables: Mapping[str, str]) -> str:
        """Submit a script; return the id of its array."""
        found = _ID.search(call("qsub", str(script), variables=variables))
        return found[1] if found else ""

    def queue(self, seconds: float = PATIENCE) -> list[QueuedJob]:
        """Return the user's jobs that wait or run."""
        said = call("qstat", "-t", "-f", "-F", "json", seconds=seconds)
        with understood("qstat"):
            return list(_queued(json_in(said).get("Jobs", {}))) if said.strip() else []

    def array_of(self, job: str) -> str:
        """Return the id of the array that a job is an element of.

        >>> PBS().array_of("12[3].server"), PBS().array_of("12.server")
        ('12[].server', '12.server')
        """
        return re.sub(r"\[\d+\]", "[]", job)

    def cancel(self, arrays: Iterable[str]) -> None:
        """Cancel arrays, by their ids."""
        call("qdel", *arrays)


def _queued(jobs: dict[str, dict[str, Any]]) -> Iterator[QueuedJob]:
    """Yield the user's jobs; an array as a whole is none."""
    user = getpass.getuser()
    for id, job in jobs.items():
        state = job.get("job_state", "")
        said = _RUNNING.get(state) or _WAITING.get(state)
        if said and "[]" not in id and job.get("Job_Owner", user).partition("@")[0] == user:
            comment = job.get("comment", "")
            yield QueuedJob(
                id=id,
                name=job.get("Job_Name", ""),
                is_running=state in _RUNNING,
                said=f"{said} ({comment})" if comment and state not in _RUNNING else said,
                place=job.get("exec_host", "").partition("/")[0],
                start=_moment(job.get("stime", "")),
            )


def _moment(said: str) -> float:
    with suppress(ValueError):
        return datetime.strptime(said, "%a %b %d %H:%M:%S %Y").timestamp()
    return 0.0
