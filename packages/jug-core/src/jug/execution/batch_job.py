"""The batch job that this process belongs to, as its queue knows it.

The queue is asked for what is good to know and not for what must be right: where it is not
there, fails or takes long, that costs a line.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Final

from jug.messages import Log

__all__ = ["ask_for_end"]

log = Log("execution")

_PATIENCE: Final = 10.0  # seconds
_WHEN: Final = r"\d{9,}"
_NEVER: Final = r"(?i)n/?a|none|unknown|unlimited"


def ask_for_end(environ: Mapping[str, str]) -> float | None:
    """Ask Slurm when this job must end; return None outside a job, and if it does not say.

    >>> ask_for_end({}) is None
    True
    """
    job = _job_id(environ)
    if not job:
        return None
    lines, trouble = _squeue(job)
    for line in lines:
        if re.fullmatch(_WHEN, line):
            return float(line)
    if trouble or not any(re.fullmatch(_NEVER, line) for line in lines):
        why = trouble or f"squeue says {' '.join(lines)!r}"
        what_to_do = "JUG_END_TIME may say so, or be never"
        log.warning("not known when this job must end (%s): %s", why, what_to_do)
    return None


def _job_id(environ: Mapping[str, str]) -> str:
    """Return by what name the queue knows this job alone, of an array not all of it."""
    array, number = (environ.get(f"SLURM_ARRAY_{part}_ID", "") for part in ("JOB", "TASK"))
    return f"{array}_{number}" if array and number else environ.get("SLURM_JOB_ID", "")


def _squeue(job: str) -> tuple[list[str], str]:
    """Return the lines that the queue says of a job, and what went wrong."""
    import subprocess

    try:
        done = subprocess.run(
            ["squeue", "--noheader", "--jobs", job, "--format", "%e"],
            env={**os.environ, "SLURM_TIME_FORMAT": "%s"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PATIENCE,
            check=False,
        )
    except OSError as error:
        return [], f"squeue: {error.strerror}"
    except subprocess.TimeoutExpired:
        return [], f"squeue did not answer within {_PATIENCE:g} s"
    said = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    trouble = (said or [f"squeue ended with {done.returncode}"])[0] if done.returncode else ""
    return [line.strip() for line in done.stdout.splitlines() if line.strip()], trouble
