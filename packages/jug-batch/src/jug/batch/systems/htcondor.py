"""HTCondor.

Its jobs are described in a file of their own.  Here the description is in the head of the
script, behind ``#CONDOR``, and is given to condor_submit from there, which has to be told to be
terse, or else it shows all that it knows of each job.  A job that is over its time is held; it
is removed then, as it would count as one that waits for ever.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from jug.batch.programs import PATIENCE, call
from jug.batch.request import Request
from jug.batch.systems.system import BODY, QueuedJob, System, plain
from jug.batch.templates import Fields

_HEAD: Final = """\
#!/bin/bash
#CONDOR batch_name = {{name}}
#CONDOR request_cpus = {{cpus}}
#CONDOR request_memory = {{memory}}MB
#CONDOR request_gpus = {{gpus}}
#CONDOR allowed_job_duration = {{seconds}}
#CONDOR periodic_remove = JobStatus == 5 && HoldReasonCode == 46
#CONDOR accounting_group = {{account}}
#CONDOR getenv = {{variables}}
#CONDOR environment = "CONDOR_ID=$(Cluster).$(Process)"
#CONDOR output = {{logs}}
#CONDOR error = {{logs}}
#CONDOR should_transfer_files = NO
#CONDOR {{raw}}
#CONDOR queue {{jobs}}
"""

_DESCRIBES: Final = re.compile(r"^#CONDOR (.*)$", re.MULTILINE)
_ID: Final = re.compile(r"^(\d+)\.\d+ - \d+\.\d+\s*$", re.MULTILINE)
_COLUMNS: Final = (
    "ClusterId", "ProcId", "JobStatus", "JobBatchName", "RemoteHost", "JobCurrentStartDate",
)  # fmt: skip
_WAITING: Final = {"1": "idle", "5": "held"}
_RUNNING: Final = {"2": "running", "6": "running", "7": "suspended"}


class HTCondor(System):
    """HTCondor, by condor_submit, condor_q and condor_rm."""

    name = "htcondor"
    title = "HTCondor"
    template = _HEAD + BODY
    needed = ("name", "jobs")

    def fields(self, request: Request) -> Fields:
        """Return what the fields of the template are to say; each raw option is a line."""
        return {
            **super().fields(request),
            "raw": request.raw,
            "logs": (f"{_literal(request.logs)}/$(Cluster).$(Process).log",),
        }

    def most_at_once(self) -> int:
        """Return how many jobs one cluster of them may have, as sites usually have it."""
        return 10_000

    def submit(self, script: Path, variables: Mapping[str, str]) -> str:
        """Submit a script; return the id of its jobs."""
        described = _DESCRIBES.findall(os.fsdecode(script.read_bytes()))
        description = "\n".join([f"executable = {_literal(str(script))}", *described, ""])
        said = call("condor_submit", "-terse", "-", given=description, variables=variables)
        found = _ID.search(said)
        return found[1] if found else ""

    def queue(self, seconds: float = PATIENCE) -> list[QueuedJob]:
        """Return the user's jobs that wait or run."""
        said = call("condor_q", "-autoformat", *_COLUMNS, seconds=seconds)
        split = [line.split() for line in said.splitlines()]
        return [
            QueuedJob(
                id=f"{cluster}.{number}",
                name=name,
                is_running=state in _RUNNING,
                said=(_RUNNING | _WAITING)[state],
                place="" if place == "undefined" else place.rpartition("@")[2],
                start=float(start) if start.isdecimal() else 0.0,
            )
            for cluster, number, state, name, place, start in (
                row for row in split if len(row) == len(_COLUMNS)
            )
            if state in _RUNNING | _WAITING
        ]

    def array_of(self, job: str) -> str:
        """Return the id of the jobs with which one was submitted."""
        return job.partition(".")[0]

    def cancel(self, arrays: Iterable[str]) -> None:
        """Cancel jobs that were submitted together, by their ids."""
        call("condor_rm", *arrays)


def _literal(path: str) -> str:
    """Return a path as a description has it, in which a dollar would begin a macro.

    >>> _literal("/scratch/$(Cluster)")
    '/scratch/$(DOLLAR)(Cluster)'
    """
    return plain(path).replace("$", "$(DOLLAR)")
