"""Any other batch system: the script is printed, and has no head."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from jug.batch.programs import PATIENCE, BatchError
from jug.batch.systems.system import BODY, QueuedJob, System


class Printed(System):
    """A script for a batch system that jug does not know."""

    name = "print"
    title = "a batch system"
    template = "#!/bin/bash\n" + BODY
    needed = ()

    def can_submit(self) -> bool:
        """Return that there is nothing to submit by."""
        return False

    def submit(self, script: Path, variables: Mapping[str, str]) -> str:
        """Refuse."""
        raise BatchError("a script that is printed is not submitted: name a batch system by --to")

    def queue(self, seconds: float = PATIENCE) -> list[QueuedJob]:
        """Refuse."""
        raise BatchError("no batch system is named")

    def array_of(self, job: str) -> str:
        """Return what is called so."""
        return job

    def cancel(self, arrays: Iterable[str]) -> None:
        """Refuse."""
        raise BatchError("it is not known where jobs are: name a batch system by --to")
