"""Grid Engine: SGE, and those that came of it.

Its default is to take the queue's shell whatever the script's first line says, and to kill
what is deleted or over its time without a word; so the script asks for a shell and for notice.
The parallel environment is called ``smp`` at most sites; a template can name another one.
"""

from __future__ import annotations

import getpass
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

from jug.batch.programs import PATIENCE, call, first_number, understood
from jug.batch.request import Request
from jug.batch.systems.system import BODY, QueuedJob, System, directive_word, in_mebibytes
from jug.batch.templates import Fields

_HEAD: Final = """\
#!/bin/bash
#$ -S /bin/bash
#$ -N {{name}}
#$ -t {{range}}
#$ -l h_rt={{time}}
#$ -pe smp {{slots}}
#$ -l h_vmem={{slot_memory}}M
#$ -l gpu={{gpus}}
#$ -P {{account}}
#$ -q {{partition}}
#$ -v {{variables}}
#$ -j y -o {{logs}}
#$ -r y -notify
#$ {{raw}}
"""


_XML: Final = re.compile(r"<\?xml.*</job_info>", re.DOTALL)


class SGE(System):
    """Grid Engine, by qsub, qstat and qdel."""

    name = "sge"
    title = "Grid Engine"
    template = _HEAD + BODY

    def fields(self, request: Request) -> Fields:
        """Return what the fields of the template are to say; memory is by slot."""
        memory = in_mebibytes(-(-request.memory // request.cpus))
        return {
            **super().fields(request),
            "range": (f"1-{request.jobs}",),
            "slots": (str(request.cpus),) if request.cpus > 1 else (),
            "slot_memory": (str(memory),) if memory else (),
            "logs": (directive_word(f"{request.logs}/$JOB_ID_$TASK_ID.log"),),
        }

    def most_at_once(self) -> int:
        """Return how many jobs one array may have, as sites usually have it."""
        return 75_000

    def submit(self, script: Path, variables: Mapping[str, str]) -> str:
        """Submit a script; return the id of its array."""
        return first_number(call("qsub", "-terse", str(script), variables=variables))

    def queue(self, seconds: float = PATIENCE) -> list[QueuedJob]:
        """Return the user's jobs that wait or run."""
        said = call("qstat", "-u", getpass.getuser(), "-xml", seconds=seconds)
        with understood("qstat"):
            return [job for one in _xml_in(said).iter("job_list") for job in _jobs(one)]

    def array_of(self, job: str) -> str:
        """Return the id of the array that a job is an element of."""
        return job.partition("_")[0]

    def cancel(self, arrays: Iterable[str]) -> None:
        """Cancel arrays, by their ids."""
        call("qdel", *arrays)


def _xml_in(said: str) -> ElementTree.Element:
    """Return the XML that qstat prints, perhaps among other lines."""
    found = _XML.search(said)
    if found is None:
        raise ValueError("there is no XML in it")
    text = found[0].encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    try:
        return ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise ValueError(*error.args) from None


def _jobs(one: ElementTree.Element) -> Iterator[QueuedJob]:
    """Yield the jobs of an entry: all elements of an array that wait, or one job alone."""
    said = {child.tag: child.text or "" for child in one}
    array, is_running = said["JB_job_number"], one.get("state") == "running"
    elements = [f"{array}_{number}" for number in _numbers(said.get("tasks", ""))]
    for id in elements or [array]:
        yield QueuedJob(
            id=id,
            name=said.get("JB_name", ""),
            is_running=is_running,
            said=said.get("state", ""),
            place=said.get("queue_name", "").rpartition("@")[2],
            start=_moment(said.get("JAT_start_time", "")),
        )


def _numbers(tasks: str) -> Iterator[int]:
    """Yield the numbers of elements that are written as ``1,4-6:1``.

    >>> list(_numbers("1,4-8:2"))
    [1, 4, 6, 8]
    """
    for part in filter(None, tasks.split(",")):
        span, _, step = part.partition(":")
        first, _, last = span.partition("-")
        yield from range(int(first), int(last or first) + 1, int(step or 1))


def _moment(said: str) -> float:
    try:
        return datetime.fromisoformat(said).timestamp()
    except ValueError:
        return 0.0
