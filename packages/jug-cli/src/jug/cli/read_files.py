"""Whether the files of a project are still as they were when they were read.

Who looks for hours shows the tasks and the code of the beginning.  That must be said once
somebody has edited them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["ReadFiles"]


class _Version(NamedTuple):
    changed: int
    size: int


class ReadFiles:
    """A jugfile and the modules of its folder that are imported, as they are now."""

    def __init__(self, jugfile: str, folder: str) -> None:
        own = os.path.realpath(os.path.join(folder, jugfile))
        paths = {own, *_modules_in(os.path.realpath(folder))}
        self._versions = {path: _version_of(path) for path in sorted(paths)}

    def changed(self) -> list[str]:
        """Return the names of those that were edited since, or are gone."""
        return [
            os.path.basename(path)
            for path, version in self._versions.items()
            if _version_of(path) != version
        ]


def _modules_in(folder: str) -> Iterator[str]:
    """Yield the sources of imported modules below a folder; those of an environment are not."""
    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None)
        if isinstance(path, str) and path.endswith(".py"):
            real = os.path.realpath(path)
            if real.startswith(os.path.join(folder, "")) and "site-packages" not in real:
                yield real


def _version_of(path: str) -> _Version | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return _Version(found.st_mtime_ns, found.st_size)
