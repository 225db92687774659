"""jug 2.x beside this jug.

In one folder neither works: some files there are those of jug 2.x, some are ours.  It comes to
that when a part of jug 3 is installed where jug 2.x is, and by installing jug 2.x over jug 3.
Whoever imports `jug` then is told what to type, by the import of this module: it is the first
that ``jug/__init__.py`` imports, and the first of `jug.task`, where that of jug 2.x begins.

In two folders, such as those of a virtual environment and of the system, the one that is found
first is `jug`, and takes nothing from the other.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Final

_PARTS: Final = "jug jug-adopt jug-batch jug-cli jug-core jug-file jug-mapreduce jug-redis"


def without_former(folders: Iterable[str]) -> list[str]:
    """Return the folders of a package but those of jug 2.x."""
    return [folder for folder in folders if not _is_former(folder)]


def _is_former(folder: str) -> bool:
    return os.path.exists(os.path.join(folder, "jug_version.py"))


if _is_former(os.path.dirname(__file__)):
    raise ImportError(
        f"jug 2.x and parts of jug 3 are installed in one folder, {os.path.dirname(__file__)}, "
        f'where neither works.  For jug 3: pip install "jug>=3".  '
        f'For jug 2.x: pip uninstall {_PARTS}, then pip install "jug<3"'
    )
