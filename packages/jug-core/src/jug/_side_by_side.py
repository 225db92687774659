"""Where the parts of `jug` are: those of its distributions, and jug 2.x beside them.

Distributions that are installed to be edited have each a folder of its own, with its part of
the package.

In one folder with jug 2.x neither works: some files there are those of jug 2.x, some are ours.
It comes to that when a part of jug 3 is installed where jug 2.x is, and by installing jug 2.x
over jug 3.  Whoever imports `jug` then is told what to type, by the import of this module: it is
the first that ``jug/__init__.py`` imports, and the first of `jug.task`, where that of jug 2.x
begins.

In two folders, such as those of a virtual environment and of the system, the one that is found
first is `jug`, and takes nothing from the other.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

_PARTS: Final = "jug jug-adopt jug-batch jug-cli jug-core jug-file jug-mapreduce jug-redis"


def folders_of(package: str) -> list[str]:
    """Return the folders of a package that is in several distributions, but those of jug 2.x.

    ``pkgutil.extend_path``, which is made for that, takes longer to be imported than `jug.task`:
    it is asked only where Python looks into a zip file.
    """
    first = list(sys.modules[package].__path__)
    if any(map(os.path.isfile, _searched())):
        from pkgutil import extend_path

        first = extend_path(first, package)
    above, _, name = package.rpartition(".")
    around = sys.modules[above].__path__ if above else _searched()
    others = (os.path.join(folder, name) for folder in around)
    folders = [*first, *filter(os.path.isdir, others)]
    return [folder for folder in dict.fromkeys(folders) if not _is_former(folder)]


def _searched() -> Iterator[str]:
    """Yield the folders in which Python looks for packages."""
    for folder in sys.path:
        if isinstance(folder, str):  # Python passes over all else
            with suppress(OSError):  # if it is the working folder, and that was removed
                yield os.path.abspath(folder)


def _is_former(folder: str) -> bool:
    return os.path.exists(os.path.join(folder, "jug_version.py"))


if _is_former(os.path.dirname(__file__)):
    raise ImportError(
        f"jug 2.x and parts of jug 3 are installed in one folder, {os.path.dirname(__file__)}, "
        f'where neither works.  For jug 3: pip install "jug>=3".  '
        f'For jug 2.x: pip uninstall {_PARTS}, then pip install "jug<3"'
    )
