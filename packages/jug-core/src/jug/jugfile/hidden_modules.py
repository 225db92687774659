"""Files beside a jugfile that have the name of a module of Python's own.

Who imports that module from then on gets the file.  Jug imports much of what it needs
only when it needs it, so a `json.py` that the jugfile has nothing to do with ends
a command with errors that name other files than this.  Plain Python takes such a file
as well, so it is warned of and no more.
"""

from __future__ import annotations

import os
import sys
from typing import Final

from jug.messages import Log

log = Log("jugfile")

_NEEDED_LATER: Final = (
    "base64", "bisect", "bz2", "concurrent", "configparser", "copy", "dataclasses", "decimal",
    "difflib", "fnmatch", "fractions", "glob", "hashlib", "hmac", "inspect", "json", "locale",
    "logging", "lzma", "numbers", "pathlib", "pkgutil", "random", "shlex", "shutil", "socket",
    "ssl", "statistics", "string", "subprocess", "tempfile", "textwrap", "tomllib", "traceback",
    "urllib", "zoneinfo",
)  # fmt: skip
"""What jug, or one of these, imports after the jugfile was read: to look for them all takes
0.1 ms in any folder, and to list a folder of 1,000 files takes four times as long."""


_looked_into: Final[set[str]] = set()
"""The folders that this process, or the one that it was forked from, has looked into."""


def warn_of_hidden_modules(folder: str) -> None:
    """Warn once of what is in a folder that is searched first from now on."""
    if folder in _looked_into:
        return
    _looked_into.add(folder)
    for name in _NEEDED_LATER:
        if name not in sys.modules:
            for file in (f"{name}.py", f"{name}{os.sep}__init__.py"):
                if os.access(path := os.path.join(folder, file), os.F_OK):
                    log.warning(
                        "%r hides Python's own module %s, which jug and others need: rename it",
                        path,
                        name,
                    )
