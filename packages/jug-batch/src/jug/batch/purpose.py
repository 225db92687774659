"""What the workers of a command line are to do, as the words of a `jug execute`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from jug.backends.base import BaseStore
from jug.backends.registry import scheme_of
from jug.batch.names import JobName, family, fingerprint
from jug.execution.job import Job
from jug.needs import NOTHING, Needs

__all__ = ["Purpose", "far_from"]

_OF_ONE_MACHINE: Final = ("/tmp", "/var/tmp", "/dev/shm", "/run")
_HERE: Final = ("localhost", "127.", "[::1]", "0.0.0.0", "/")


@dataclass(frozen=True)
class Purpose:
    """A jugfile, its store, and which of its tasks are to be run."""

    job: Job
    store: BaseStore
    choice: tuple[str, ...] = ()
    """The options that choose tasks or say how they are run."""

    def name(self, workers: int, needs: Needs = NOTHING) -> JobName:
        """Return what jobs are called that have so many workers for tasks with these needs."""
        decisive = [*self.choice, *self.job.arguments, *_as_words(needs)]
        kind = fingerprint(decisive) if decisive else ""
        return JobName(family(self.job.jugfile, self.store.url), kind, workers)

    def words(self, workers: int, room: Sequence[str] = ()) -> tuple[str, ...]:
        """Return what stands behind ``jug`` in a job with so many workers.

        `room` are the options that say what of a machine they have.
        """
        jugfile = [self.job.jugfile]
        if self.job.arguments:
            jugfile = ["--", *jugfile, *self.job.arguments]
        return ("execute", "-j", str(workers), *room, *self.choice, *self._jugdir(), *jugfile)

    def _jugdir(self) -> Sequence[str]:
        """Return the option for a jugdir that is a folder; a URL may have a password in it."""
        scheme, _, path = self.store.url.partition(":")
        return ["--jugdir", path.replace("%", "%%")] if scheme == "file" else []

    def variables(self) -> dict[str, str]:
        """Return what the environment of a job must have: what jug finds there here."""
        found = {name: value for name, value in os.environ.items() if name.startswith("JUG_")}
        found.pop("JUG_END_TIME", None)
        if scheme_of(self.job.jugdir) != "file":
            found["JUG_JUGDIR"] = self.job.jugdir
        if "prefix" in self.job.store_options:
            found["JUG_PREFIX"] = self.job.store_options["prefix"]
        return found


def _as_words(needs: Needs) -> list[str]:
    """Return what tells needs from others, nothing for those of a task that states none."""
    if needs == NOTHING:
        return []
    return [f"{needs.cpus} {needs.memory} {needs.gpus}", *sorted(needs.tags)]


def far_from(purpose: Purpose) -> Iterator[str]:
    """Yield why other machines would not see the same store, as far as that can be told."""
    store = purpose.store
    scheme, _, path = store.url.partition(":")
    if scheme == "dict_store":
        yield "the store is in the memory of one process: its results are gone with the job"
    elif scheme == "file" and os.path.realpath(path).startswith(_folders()):
        yield f"the jugdir {path} is in a folder that each machine has for itself"
    elif scheme == "unix" or any(f"//{host}" in store.url for host in _HERE):
        yield f"{store.url} is another server on each machine: name it by its host"


def _folders() -> tuple[str, ...]:
    chosen = os.environ.get("TMPDIR", "")
    return tuple(f"{os.path.realpath(one)}/" for one in (*_OF_ONE_MACHINE, chosen) if one)
