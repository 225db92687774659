"""Jobs that are asked for, all of them alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from jug.batch.names import JobName

__all__ = ["Request", "Terms"]


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What holds for all jobs of a command, whatever their tasks need."""

    seconds: int
    """How long each may take."""
    account: str = ""
    partition: str = ""
    """The partition or queue."""
    setup: tuple[str, ...] = ()
    """Lines of shell that come before jug."""
    raw: tuple[str, ...] = ()
    """Options of the batch system, as it takes them."""
    image: str = ""
    """The image of a container."""
    secret: str = ""
    """The secret that has the URL of the store."""


@dataclass(frozen=True, kw_only=True)
class Request(Terms):
    """What is asked for, in the terms that all batch systems share.

    >>> Request(name=JobName("jug-seg-0123abcd", "", 2), jobs=5, cpus=2, seconds=3600).memory
    0
    """

    name: JobName
    jobs: int
    """How many jobs."""
    cpus: int = 1
    """How many cores each has."""
    memory: int = 0
    """How many bytes of memory each has, 0 if that is left to the site."""
    gpus: int = 0
    python: str = "python3"
    """The interpreter, by its absolute path."""
    words: tuple[str, ...] = ()
    """What stands behind ``jug``."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """What the environment of the jobs must have."""
    folder: str = "/"
    """Where the jobs begin."""
    logs: str = "/tmp"
    """Where their logs are."""
