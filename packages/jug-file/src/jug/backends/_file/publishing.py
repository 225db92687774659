"""Files that several make alike, each of them whole or not at all."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from jug.backends._file.disk import TEMPORARY, sync, sync_folder, write_at, written_aside
from jug.backends._file.folders import names_now

__all__ = ["delete_begun", "publish"]

_BEGUN: Final = r"(.+)\.[0-9a-f]{16}\.tmp"
"""How the names of files end that are being written."""


def publish(path: Path, data: bytes) -> None:
    """Make a file that is there whole or not at all, and survives a power cut.

    All who publish it have the same data.
    """
    temporary = path.with_name(f"{path.name}.{os.urandom(8).hex()}{TEMPORARY}")
    try:
        with written_aside(path, temporary) as file:
            write_at(file, data, 0)
            sync(file)
    except FileNotFoundError:
        if path.name not in names_now(path.parent):
            raise
        return  # another did it, and tidied up
    os.close(file)
    sync_folder(path.parent)


def delete_begun(folder: Path) -> None:
    """Delete what somebody has begun to publish under a name that is there by now.

    Who still does so finds that his file is gone, and that there is what he wanted.
    """
    names = set(names_now(folder))
    for begun in filter(None, (re.fullmatch(_BEGUN, name) for name in names)):
        if begun[1] in names:
            (folder / begun[0]).unlink(missing_ok=True)
