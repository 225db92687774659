"""`jug.init`: a jugfile's names and store, for a program that wants its results."""

from __future__ import annotations

import os
import sys
from typing import Any

from jug.backends.base import BaseStore
from jug.backends.registry import open_store
from jug.errors import OptionError
from jug.jugfile.configuration import Configuration, configuration
from jug.jugfile.jugdir import jugdir_of, store_options
from jug.jugfile.reading import Jugfile, find_jugfile
from jug.jugfile.under_way import is_any_being_read, names_of_jugfile_being_read
from jug.messages import Log
from jug.session import current_store, use_store
from jug.task import alltasks
from jug.tracebacks import own_traceback

log = Log("jugfile")


def init(
    jugfile: str | os.PathLike[str] | None = None,
    jugdir: str | os.PathLike[str] | BaseStore | None = None,
    on_error: str = "exit",
    store: BaseStore | None = None,
) -> tuple[BaseStore, dict[str, Any]]:
    """Read a jugfile; return its store and its names, of which the tasks can be asked for values.

    Where no jugfile or jugdir is given, they are those that `jug execute` would use by
    configuration files and environment.  The jugfile finds the program's own `sys.argv`.

    Where the jugfile stops at a barrier the names are those made before it.  If the
    jugfile raises, the error is shown and the program ends, or with
    ``on_error="propagate"`` it comes through.  In a jugfile this reads another one,
    whose tasks keep that one's store.

    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from jug import run
    >>> with TemporaryDirectory() as folder:
    ...     jugfile = Path(folder, "sums_of_two.py")
    ...     _ = jugfile.write_text("from jug import Task\\ntotal = Task(sum, [1, 2])\\n")
    ...     store, names = init(jugfile, "dict_store")
    >>> run(names["total"])
    3
    """
    if on_error not in ("exit", "propagate"):
        raise OptionError(f"on_error must be 'exit' or 'propagate', not {on_error!r}")
    configured = configuration()
    path = find_jugfile(configured.jugfile if jugfile is None else jugfile)
    names = names_of_jugfile_being_read(path)
    if names is not None:
        return current_store(), names
    outer = use_store(_open(path, store if jugdir is None else jugdir, configured))
    made_before = len(alltasks)
    try:
        jugspace = Jugfile(path, arguments=None).read()
    except Exception as error:
        use_store(outer)
        if on_error == "propagate":
            raise
        log.critical("the jugfile %s could not be read:\n%s", path, own_traceback(error).rstrip())
        sys.exit(1)
    for task in alltasks[made_before:]:
        task.own_store = task.own_store or jugspace.store
    if is_any_being_read() and outer is not None:
        use_store(outer)
    return jugspace.store, jugspace.names


def _open(
    jugfile: str, jugdir: str | os.PathLike[str] | BaseStore | None, configured: Configuration
) -> BaseStore:
    """Open a store as `jug execute` opens it for this jugfile."""
    if isinstance(jugdir, BaseStore):
        return jugdir
    if jugdir is None:
        jugdir = jugdir_of(jugfile, configured.jugdir)
    options = store_options(
        jugfile, jugdir, configured.lease_seconds, configured.prefix, configured.runs_kept
    )
    return open_store(jugdir, **options)
