"""The batch systems that jug can ask for jobs: a module for each, all with one face.

system      what each of them can do
slurm, sge, pbs, lsf, htcondor, kubernetes
printed     any other one: the script is printed
"""

from __future__ import annotations

from importlib import import_module
from shutil import which
from typing import Final

from jug.batch.systems.system import System
from jug.errors import OptionError

__all__ = ["SYSTEMS", "System", "find_system", "system_called"]

SYSTEMS: Final = {
    "slurm": ("Slurm", ("sbatch", "squeue")),
    "lsf": ("LSF", ("bsub", "bjobs")),
    "htcondor": ("HTCondor", ("condor_submit", "condor_q")),
    "sge": ("SGE", ("qsub", "qconf")),
    "pbs": ("PBS", ("qsub", "qselect")),
    "kubernetes": ("Kubernetes", ()),
    "print": ("Printed", ()),
}
"""By the name of each system: its class, and the programs by which it is found."""

_MODULES: Final = {"print": "printed"}


def system_called(name: str) -> System:
    """Return the batch system of this name.

    >>> system_called("slurm").title
    'Slurm'
    """
    if name not in SYSTEMS:
        raise OptionError(
            f"there is no batch system {name!r}: those that are known are {', '.join(SYSTEMS)}",
            name=name,
        )
    module = import_module(f"jug.batch.systems.{_MODULES.get(name, name)}")
    found: type[System] = getattr(module, SYSTEMS[name][0])
    return found()


def find_system() -> System | None:
    """Return the batch system whose programs are here, None if there is none.

    Which cluster a `kubectl` means is not known, so Kubernetes has to be asked for.
    """
    for name, (_, programs) in SYSTEMS.items():
        if programs and all(map(which, programs)):
            return system_called(name)
    return None
