"""Jugfiles: reading them, the tasks and names that they give, and the store that they use."""

from __future__ import annotations

from jug.jugfile.configuration import DEFAULT_JUGFILE
from jug.jugfile.folder import standing_in
from jug.jugfile.initialise import init
from jug.jugfile.jugdir import DEFAULT_JUGDIR, jugdir_of, set_jugdir, store_options
from jug.jugfile.reading import AtBarrier, Jugfile, Jugspace, module_name
from jug.jugfile.under_way import is_any_being_read
from jug.session import is_jug_running

__all__ = [
    "DEFAULT_JUGDIR",
    "DEFAULT_JUGFILE",
    "AtBarrier",
    "Jugfile",
    "Jugspace",
    "init",
    "is_any_being_read",
    "is_jug_running",
    "jugdir_of",
    "module_name",
    "set_jugdir",
    "standing_in",
    "store_options",
]
