"""What a worker says of itself: where it runs, on what, and when it began and ended.

A store keeps it once for each worker, so that the records of runs need only name their
worker.  It is JSON, so that a later version may say more: what is not known is skipped,
and what is missing, or is of another kind, is empty.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, Self

from jug.backends.process import Process
from jug.installed import versions
from jug.json_bytes import from_json, to_json
from jug.named_tuple import NamedTuple

_JOB_VARIABLES: Final = {
    "SLURM": ("SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID", "SLURM_JOB_ID"),
    "PBS": ("PBS_JOBID",),
    "LSF": ("LSB_JOBID", "LSB_JOBINDEX"),
    "SGE": ("JOB_ID", "SGE_TASK_ID"),
    "HTCondor": ("CONDOR_ID",),
}
_NOTHING: Final[Mapping[str, int]] = MappingProxyType({})
_ITEMS: Final = {"packages": str, "arguments": str, "offers": int}
_LATEST: Final = 1e11
"""No moment is later, in seconds since the epoch."""
_MOST_PACKAGES: Final = 40
_LONGEST_ARGUMENT: Final = 200


class WorkerRecord(NamedTuple):
    """One worker of a store, as it described itself.

    >>> worker = WorkerRecord.here("0123456789abcdef", jugfile="primes.py")
    >>> WorkerRecord.unpack(worker.id, worker.pack()) == worker
    True
    """

    id: str
    """The worker's id, 16 hex digits."""
    process: Process
    start: float = 0.0
    """When it began to work, in seconds since the epoch; 0 if not known."""
    end: float = 0.0
    """When it ended well, 0 if it did not, or not yet."""
    cores: int = 0
    """How many processors it could use, 0 if not known."""
    python: str = ""
    """The version of Python."""
    packages: dict[str, str] = {}  # noqa: RUF012
    """The versions of jug and of the libraries that were imported when it began."""
    jugfile: str = ""
    """The path of the jugfile, empty for tasks of a script or a notebook."""
    arguments: list[str] = []  # noqa: RUF012
    """The command line, after the program's name."""
    job: str = ""
    """The job of a batch system that it is part of, such as ``SLURM 1234``."""
    offers: dict[str, int] = {}  # noqa: RUF012
    """How much of ``cpus``, ``memory`` and ``gpus`` its command has, as far as that is counted."""
    claims: bool = False
    """Whether it may take several short tasks at a time, which others have to look for."""

    @classmethod
    def here(cls, id: str, jugfile: str = "", offers: Mapping[str, int] = _NOTHING) -> Self:
        """Return the description of a worker that this process is, from now on."""
        return cls(
            id,
            Process.here(),
            start=time.time(),
            cores=_cores(),
            python=".".join(map(str, sys.version_info[:3])),
            packages=_packages(),
            jugfile=jugfile,
            arguments=[argument[:_LONGEST_ARGUMENT] for argument in sys.argv[1:]],
            job=_job(),
            offers=dict(offers),
        )

    @property
    def place(self) -> str:
        """Its host and process, as people read it."""
        return f"{self.process.host}:{self.process.pid}"

    def pack(self) -> bytes:
        """Return the description as JSON, without the id."""
        about = {name: given for name, given in self._asdict().items() if given}
        del about["id"], about["process"]
        return to_json({**self.process._asdict(), **about})

    @classmethod
    def unpack(cls, id: str, packed: bytes) -> Self:
        """Return the description that was packed, by this version or another.

        Raises ValueError if it is none.
        """
        try:
            said = from_json(packed)
            process = Process.of([said.pop(name) for name in Process._fields])
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"the description of worker {id} is damaged ({error})") from error
        kinds = {name: type(default) for name, default in cls._field_defaults.items()}
        known = {
            name: said[name]
            for name in kinds.keys() & said.keys()
            if _is(said[name], kinds[name], _ITEMS.get(name))
        }
        return cls(id, process, **known)

    def ended(self, packed: bytes) -> Self:
        """Return the same worker with its end, as `pack_end` has packed it or a later version."""
        try:
            end = float(from_json(packed)["end"])
        except (ValueError, KeyError, TypeError):
            return self
        return self._replace(end=end) if 0.0 <= end < _LATEST else self

    def as_dict(self) -> dict[str, Any]:
        """Return what is known, for ``--json``."""
        about: dict[str, Any] = {"id": self.id, "host": self.process.host, "pid": self.process.pid}
        rest = self._asdict()
        del rest["id"], rest["process"]
        return about | {name: given for name, given in rest.items() if given}


def _is(said: Any, kind: type, items: type | None) -> bool:
    """Return whether what a version of jug said is of the kind that this one knows."""
    if kind is float:
        return isinstance(said, (int, float)) and 0 <= said < _LATEST
    given = said.values() if isinstance(said, dict) else said
    return isinstance(said, kind) and (
        items is None or all(isinstance(one, items) for one in given)
    )


def pack_end() -> bytes:
    """Return as JSON that a worker ends now."""
    return to_json({"end": time.time()})


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 0


def _job() -> str:
    """Return which job of a batch system this process is part of."""
    for system, names in _JOB_VARIABLES.items():
        given = [os.environ[name] for name in names if name in os.environ]
        if given[1:] == ["undefined"]:
            given = given[:1]  # Grid Engine says so where a job is no array
        if system == "SLURM" and len(given) == len(names):
            given = ["_".join(given[:2])]  # the job's own id says no more than the array's
        if given and names[-1] in os.environ:
            return f"{system} {'_'.join(given)}"
    return ""


def _packages() -> dict[str, str]:
    """Return the versions of jug's distributions, and of libraries that are imported by now."""
    installed = versions()
    found = {name: version for name, version in installed.items() if name.startswith("jug")}
    for name, module in tuple(sys.modules.items()):
        if "." in name or name.startswith("_") or name in sys.stdlib_module_names:
            continue
        said = installed.get(name.lower()) or getattr(module, "__dict__", {}).get("__version__")
        if type(said) is str and len(found) < _MOST_PACKAGES:
            found[name] = said[:_LONGEST_ARGUMENT]
    return found
