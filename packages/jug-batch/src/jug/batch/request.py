"""Jobs that are asked for, all of them alike."""

from __future__ import annotations

from dataclasses import dataclass

from jug.batch.names import JobName

__all__ = ["Request"]


@dataclass(frozen=True)
class Request:
    """What is asked for, in the terms that all batch systems share.

    >>> request = Request(JobName("jug-seg-0123abcd", "", 2), 5, seconds=3600, cpus=2)
    >>> request.workers
    10
    """

    name: JobName
    jobs: int
    """How many jobs."""
    seconds: int
    """How long each may take."""
    cpus: int = 1
    """How many cores each has."""
    memory: int = 0
    """How many bytes of memory each has, 0 if that is left to the site."""
    gpus: int = 0
    account: str = ""
    partition: str = ""
    """The partition or queue."""
    setup: tuple[str, ...] = ()
    """Lines of shell that come before jug."""
    raw: tuple[str, ...] = ()
    """Options of the batch system, as it takes them."""
    python: str = "python3"
    """The interpreter, by its absolute path."""
    words: tuple[str, ...] = ()
    """What stands behind ``jug``."""
    variables: tuple[str, ...] = ()
    """The names of the environment variables that the jobs need."""
    folder: str = "/"
    """Where the jobs begin."""
    logs: str = "/tmp"
    """Where their logs are."""
    image: str = ""
    """The image of a container."""
    secret: str = ""
    """The secret that has the URL of the store."""

    @property
    def workers(self) -> int:
        """How many workers these jobs have, all in all."""
        return self.jobs * self.name.workers
