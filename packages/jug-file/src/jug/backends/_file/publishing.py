"""Files that several make alike, each of them whole or not at all."""

from __future__ import annotations

import os
import re
from typing import Final

from jug.backends._file.disk import TEMPORARY, delete, sync, sync_folder, write_at, written_aside
from jug.backends._file.folders import names_now

__all__ = ["delete_begun", "publish"]

_BEGUN: Final = r"(.+)\.[0-9a-f]{16}\.tmp"
"""How the names of files end that are being written."""


def publish(path: str, data: bytes) -> None:
    """Make a file that is there whole or not at all, and survives a power cut.

    All who publish it have the same data.
    """
    temporary = f"{path}.{os.urandom(8).hex()}{TEMPORARY}"
    folder, name = os.path.split(path)
    try:
        with written_aside(path, temporary) as file:
            write_at(file, data, 0)
            sync(file)
    except FileNotFoundError:
        if name not in names_now(folder):
            raise
        return  # another did it, and tidied up
    os.close(file)
    sync_folder(folder)


def delete_begun(folder: str) -> None:
    """Delete what somebody has begun to publish under a name that is there by now.

    Who still does so finds that his file is gone, and that there is what he wanted.
    """
    names = set(names_now(folder))
    for begun in filter(None, (re.fullmatch(_BEGUN, name) for name in names)):
        if begun[1] in names:
            delete(os.path.join(folder, begun[0]))
