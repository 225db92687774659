"""What this process is doing: the store that its tasks use, and whether `jug` runs it.

A store object is for one thread at a time.  The one that was chosen is that of the thread
that chose it; each other thread that asks has a view of its own of the same store, which
is closed when the thread ends.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import get_ident

from jug.backends.base import BaseStore
from jug.errors import StoreError

_store: BaseStore | None = None
_is_running = False


class _Here(threading.local):
    """What is so in one thread alone."""

    def __init__(self) -> None:
        self.store: BaseStore | None = None
        """The store in use in this thread, where that is another one than elsewhere."""
        self.views = _Views()


class _Views(dict[BaseStore, BaseStore]):
    """A thread's own views of the stores of others, which go with it."""

    def __del__(self) -> None:
        for view in self.values():
            with suppress(StoreError):  # what was only read can't be lost
                view.close()


_here = _Here()


def current_store() -> BaseStore:
    """Return the store in use, which `jug.set_jugdir`, `jug.init` or a command has chosen."""
    store = _here.store or _store
    if store is None:
        raise StoreError(
            "no jugdir was chosen: call jug.set_jugdir(...) or jug.init(...) first, "
            "or run the program by `jug execute`"
        )
    return of_this_thread(store)


def of_this_thread(store: BaseStore) -> BaseStore:
    """Return a store that another thread may use, as this one can use it."""
    if store.thread == get_ident():
        return store
    if not store.thread:
        store.thread = get_ident()
        return store
    views = _here.views
    if store not in views:
        views[store] = view = store.another_view()
        view.thread = get_ident()
        view.jugfile, view.arguments = store.jugfile, store.arguments
    return views[store]


def is_store_chosen() -> bool:
    """Return whether there is a store in use."""
    return (_here.store or _store) is not None


def use_store(store: BaseStore | None) -> BaseStore | None:
    """Make this the store in use; return the one that was."""
    global _store
    before, _store = _store, store
    if store is not None:
        of_this_thread(store)
    return before


@contextmanager
def using_here(store: BaseStore) -> Iterator[None]:
    """Use this store meanwhile, in this thread alone."""
    before, _here.store = _here.store, store
    try:
        yield
    finally:
        _here.store = before


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
