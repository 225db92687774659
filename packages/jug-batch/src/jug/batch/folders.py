"""Where the scripts and the logs of jobs are: in a folder beside the jugdir.

A log is called by the id of its job, so that it is found from there, and from the job of a
worker that the store knows.
"""

from __future__ import annotations

import os
import time
from collections import deque
from contextlib import suppress
from itertools import chain, count
from pathlib import Path
from typing import Final

from jug.backends.base import BaseStore
from jug.errors import JugError

__all__ = ["folder_of_jobs", "keep", "logs", "tail"]

_LOGS: Final = (".log", ".OU")
_AT_END: Final = 20_000  # bytes


def folder_of_jobs(store: BaseStore, jugfile: str) -> Path:
    """Return the folder for the jobs of a store: beside the jugdir, or else the jugfile.

    >>> from jug.backends.dict_store import DictStore
    >>> folder_of_jobs(DictStore(), "/data/primes.py")
    PosixPath('/data/primes.jobs')
    """
    scheme, _, path = store.url.partition(":")
    if scheme == "file":
        return Path(f"{path}.jobs").absolute()
    return Path(jugfile).absolute().with_suffix(".jobs")


def keep(folder: Path, name: str, suffix: str, script: str) -> Path:
    """Write a script into the folder of jobs, and return where it is."""
    stem = f"{name}.{time.strftime('%Y%m%d-%H%M%S')}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = _new_file(folder, stem, suffix)
        path.write_bytes(os.fsencode(script))
        path.chmod(0o700)
    except OSError as error:
        raise JugError(f"no script can be written in {str(folder)!r}: {error.strerror}") from None
    return path


def _new_file(folder: Path, stem: str, suffix: str) -> Path:
    """Make a file that nobody else makes at the same time, and return where it is."""
    stems = chain([stem], map(f"{stem}-{{}}".format, count(2)))
    while True:
        path = folder / f"{next(stems)}{suffix}"
        with suppress(FileExistsError):
            path.touch(exist_ok=False)
            return path


def logs(folder: Path) -> dict[str, Path]:
    """Return the logs of jobs by the ids of these, the oldest first."""
    found = []
    for path in folder.glob("*") if folder.is_dir() else ():
        with suppress(FileNotFoundError):  # somebody tidies up
            found += [(path.stat().st_mtime, path)] if path.suffix in _LOGS else []
    return {path.stem: path for _, path in sorted(found)}


def tail(path: Path, lines: int = 10) -> list[str]:
    """Return the last lines of a log, none if it can't be read.

    >>> tail(Path("/nowhere/1.log"))
    []
    """
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _AT_END))
            text = file.read().decode(errors="replace")
    except OSError:
        return []
    return [*deque(text.rstrip().splitlines(), maxlen=lines)]
