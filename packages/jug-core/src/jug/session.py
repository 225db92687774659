"""What this process is doing: the store that its tasks use, and whether `jug` runs it."""

from __future__ import annotations

from jug.backends.base import BaseStore
from jug.errors import StoreError

_store: BaseStore | None = None
_is_running = False


def current_store() -> BaseStore:
    """Return the store in use, which `jug.set_jugdir`, `jug.init` or a command has chosen."""
    if _store is None:
        raise StoreError(
            "no jugdir was chosen: call jug.set_jugdir(...) or jug.init(...) first, "
            "or run the program by `jug execute`"
        )
    return _store


def is_store_chosen() -> bool:
    """Return whether there is a store in use."""
    return _store is not None


def use_store(store: BaseStore | None) -> BaseStore | None:
    """Make this the store in use; return the one that was."""
    global _store
    before, _store = _store, store
    return before


def is_jug_running() -> bool:
    """Return whether a `jug` command is running this program.

    >>> is_jug_running()
    False
    """
    return _is_running


def set_running(runs: bool = True) -> None:
    """Set what `is_jug_running` returns from now on in this process."""
    global _is_running
    _is_running = runs
