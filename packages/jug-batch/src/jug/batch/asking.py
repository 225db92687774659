"""What the options of a command say that it asks a batch system for."""

from __future__ import annotations

from math import ceil
from pathlib import Path
from typing import Any

from jug.batch.submission import Wish
from jug.batch.systems import SYSTEMS, System, find_system, system_called
from jug.errors import OptionError
from jug.options import Options

__all__ = ["find_asked", "system_of", "template_of", "wish_of"]


def find_asked(options: Options) -> System | None:
    """Return the batch system that is named, or the one whose programs are here, if any."""
    return system_called(options.submit_to) if options.submit_to else find_system()


def system_of(options: Options) -> System:
    """Return the batch system that is named, or the one whose programs are here."""
    found = find_asked(options)
    if found is None:
        raise OptionError(
            f"no batch system is found here: name one by --to, of {', '.join(SYSTEMS)}"
        )
    return found


def wish_of(options: Options, raw: tuple[str, ...]) -> Wish:
    """Return what is asked for, raw options of the batch system included."""
    system = system_of(options)
    _require(options.submit_workers, "how many workers there may be at most", "--workers 20")
    _require(options.submit_time, "how long a job may take", "--time 4:00:00")
    _require(options.submit_jobs, "how many workers a job has", "-j 4")
    return Wish(
        system,
        options.submit_workers,
        options.submit_jobs,
        ceil(options.submit_time),
        memory=options.submit_mem,
        gpus=options.submit_gpus,
        account=options.submit_account,
        partition=options.submit_partition,
        setup=_lines(options.submit_setup),
        raw=raw,
        template=template_of(options),
        image=options.submit_image,
        secret=options.submit_secret,
    )


def _require(given: Any, what: str, example: str) -> None:
    if not given:
        raise OptionError(f"say {what}: {example}, or set it under [submit]")


def _lines(given: str | tuple[str, ...] | None) -> tuple[str, ...]:
    """Return lines of shell, which a file may have as one text."""
    texts = (given,) if isinstance(given, str) else given or ()
    return tuple(line for text in texts for line in text.splitlines() if line.strip())


def template_of(options: Options) -> str:
    """Return the user's own template, empty if there is none."""
    if not options.submit_template:
        return ""
    try:
        return Path(options.submit_template).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise OptionError(f"the template can't be read: {error}") from None
