"""`jug.init`: a jugfile's names and store, for a program that wants its results."""

from __future__ import annotations

import os
import sys
from typing import Any, Final

from jug.backends.base import BaseStore
from jug.backends.registry import open_store
from jug.errors import OptionError
from jug.jugfile.jugdir import jugdir_of
from jug.jugfile.reading import (
    Jugfile,
    find_jugfile,
    is_any_being_read,
    names_of_jugfile_being_read,
)
from jug.messages import Log
from jug.session import current_store, use_store
from jug.task import alltasks
from jug.tracebacks import own_traceback

log = Log("jugfile")

DEFAULT_JUGFILE: Final = "jugfile.py"


def init(
    jugfile: str | os.PathLike[str] | None = None,
    jugdir: str | os.PathLike[str] | BaseStore | None = None,
    on_error: str = "exit",
    store: BaseStore | None = None,
) -> tuple[BaseStore, dict[str, Any]]:
    """Read a jugfile; return its store and its names, of which the tasks can be asked for values.

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
    path = find_jugfile(DEFAULT_JUGFILE if jugfile is None else jugfile)
    names = names_of_jugfile_being_read(path)
    if names is not None:
        return current_store(), names
    if jugdir is None:
        jugdir = store if store is not None else jugdir_of(path)
    outer = use_store(open_store(jugdir))
    made_before = len(alltasks)
    arguments = sys.argv
    try:
        jugspace = Jugfile(path).read()
    except Exception as error:
        use_store(outer)
        if on_error == "propagate":
            raise
        log.critical("the jugfile %s could not be read:\n%s", path, own_traceback(error))
        sys.exit(1)
    finally:
        sys.argv = arguments
    for task in alltasks[made_before:]:
        task.own_store = task.own_store or jugspace.store
    if is_any_being_read() and outer is not None:
        use_store(outer)
    return jugspace.store, jugspace.names
