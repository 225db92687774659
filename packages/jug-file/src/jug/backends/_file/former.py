"""What a jugdir of jug 2.x looks like, so that it is not taken for something else.

ab/cdef…         a result, named by the 40 hex digits of its hash
packs/jugpack    many small results in one file; here a folder of this name stands
locks/  tempfiles/
"""

from __future__ import annotations

import os
import re
from os.path import join
from typing import Final

from jug.backends._file.disk import is_file, is_folder

_FOLDERS: Final = frozenset({"locks", "packs", "tempfiles"})
_TWO_HEX: Final = "[0-9a-f]{2}"
_REST_HEX: Final = "[0-9a-f]{38}.*"


def is_former(jugdir: str) -> bool:
    """Return whether the directory is as jug 2.x made it: with results, or with nothing else."""
    names = set(os.listdir(jugdir))
    short = {name: join(jugdir, name) for name in names if re.fullmatch(_TWO_HEX, name)}
    parts = {name: folder for name, folder in short.items() if is_folder(folder)}
    if any(re.fullmatch(_REST_HEX, inner) for part in parts.values() for inner in _listed(part)):
        return True
    if "packs" in names and is_file(join(jugdir, "packs", "jugpack")):
        return True
    return not _FOLDERS.isdisjoint(names) and _FOLDERS.issuperset(names - {*parts})


def _listed(folder: str) -> list[str]:
    """Return what is in a folder, nothing of one that may not be read: others say it, too."""
    try:
        return os.listdir(folder)
    except PermissionError:
        return []
