"""LSF.

The script is given on the standard input: as a file bsub would run it, not read its head.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from jug.batch.programs import PATIENCE, BatchError, call
from jug.batch.request import Request
from jug.batch.systems.system import BODY, QueuedJob, System, directive_word, rows
from jug.batch.templates import Fields

_HEAD: Final = """\
#!/bin/bash
#BSUB -L /bin/bash
#BSUB -J "{{name}}[{{range}}]"
#BSUB -n {{cpus}}
#BSUB -R "span[hosts=1]"
#BSUB -R "rusage[mem={{memory}}MB]"
#BSUB -M {{memory}}MB
#BSUB -gpu "num={{gpus}}"
#BSUB -W {{time}}
#BSUB -P {{account}}
#BSUB -q {{partition}}
#BSUB -o {{logs}}
#BSUB -r
#BSUB {{raw}}
"""

_COLUMNS: Final = ("jobid", "jobindex", "stat", "exec_host", "name")
_ID: Final = re.compile(r"Job <(\d+)>")
_RUNNING: Final = ("RUN", "USUSP", "SSUSP")


class LSF(System):
    """LSF, by bsub, bjobs and bkill."""

    name = "lsf"
    title = "LSF"
    template = _HEAD + BODY

    def fields(self, request: Request) -> Fields:
        """Return what the fields of the template are to say; a time is in whole minutes."""
        minutes = -(-request.seconds // 60)
        return {
            **super().fields(request),
            "range": (f"1-{request.jobs}",),
            "time": (f"{minutes // 60}:{minutes % 60:02}",),
            "logs": (directive_word(f"{request.logs}/%J_%I.log"),),
        }

    def submit(self, script: Path, variables: Mapping[str, str]) -> str:
        """Submit a script; return the id of its array."""
        found = _ID.search(
            call("bsub", given=os.fsdecode(script.read_bytes()), variables=variables)
        )
        return found[1] if found else ""

    def queue(self, seconds: float = PATIENCE) -> list[QueuedJob]:
        """Return the user's jobs that wait or run."""
        columns = f"{' '.join(_COLUMNS)} delimiter='|'"
        try:
            said = call("bjobs", "-noheader", "-o", columns, seconds=seconds)
        except BatchError as error:
            if "No unfinished job found" in str(error):
                return []
            raise
        return [
            QueuedJob(
                id=f"{id}_{number}",
                name=name.partition("[")[0],
                is_running=state in _RUNNING,
                said=state.lower(),
                place="" if place == "-" else place.rpartition("*")[2],
            )
            for id, number, state, place, name in rows(said, len(_COLUMNS))
        ]

    def array_of(self, job: str) -> str:
        """Return the id of the array that a job is an element of."""
        return job.partition("_")[0]

    def cancel(self, arrays: Iterable[str]) -> None:
        """Cancel arrays, by their ids."""
        call("bkill", *arrays)
