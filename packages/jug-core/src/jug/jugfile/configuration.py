"""What the user has configured, for programs that read a jugfile without the command `jug`.

jug-cli knows all places where that can be; without it there is the environment.
"""

from __future__ import annotations

import os
from typing import Final, Protocol

from jug._siblings import sibling
from jug.jugfile.jugdir import DEFAULT_JUGDIR

DEFAULT_JUGFILE: Final = "jugfile.py"


class Configuration(Protocol):
    """The options that say which jugfile is meant and how its store is opened."""

    @property
    def jugfile(self) -> str: ...
    @property
    def jugdir(self) -> str: ...
    @property
    def lease_seconds(self) -> float | None: ...
    @property
    def runs_kept(self) -> int | None: ...
    @property
    def prefix(self) -> str | None: ...


class _Environment:
    jugfile = DEFAULT_JUGFILE
    lease_seconds = runs_kept = prefix = None

    def __init__(self) -> None:
        self.jugdir = os.environ.get("JUG_JUGDIR") or DEFAULT_JUGDIR


def configuration() -> Configuration:
    """Return what is configured: all that the command would see, if that is installed.

    >>> configuration().jugdir
    '%(jugfile)s.jugdata'
    """
    options = sibling("jug.options")
    if options is None:
        return _Environment()
    configured: Configuration = options.configured()
    return configured
