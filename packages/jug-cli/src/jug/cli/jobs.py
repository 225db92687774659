"""How many workers a command is about."""

from __future__ import annotations

from typing import Final

import click

from jug.machine.cores import usable_cores
from jug.options import Options

__all__ = ["jobs_option", "workers_of"]

jobs_option: Final = click.option(
    "-j", "--jobs", "execute_jobs", type=int, metavar="N",
    help="How many workers run tasks, or would; 0 for one per usable core.",
)  # fmt: skip


def workers_of(options: Options) -> int:
    """Return how many workers the options ask for."""
    return options.execute_jobs or usable_cores()
