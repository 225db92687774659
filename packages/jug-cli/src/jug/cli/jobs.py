"""How many workers a command is about."""

from __future__ import annotations

import os
from typing import Final

import click

from jug.options import Options

__all__ = ["jobs_option", "usable_cores", "workers_of"]

jobs_option: Final = click.option(
    "-j", "--jobs", "execute_jobs", type=int, metavar="N",
    help="The number of workers; 0 for one per usable core.",
)  # fmt: skip


def workers_of(options: Options) -> int:
    """Return how many workers the options ask for."""
    return options.execute_jobs or usable_cores()


def usable_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
