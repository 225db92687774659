"""A jugfile to execute, and how."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from jug.backends.base import BaseStore
from jug.backends.registry import load_store, open_store
from jug.errors import JugError, JugfileError, StoreError
from jug.execution.live_objects import objects_of
from jug.execution.open_files import FILE, note_files
from jug.execution.random_numbers import kinds_of_generators, note_generators
from jug.execution.settings import Settings
from jug.jugfile import Jugfile, Jugspace, standing_in
from jug.session import set_running, use_store
from jug.tracebacks import Advice, describe_exception, own_traceback


class Job:
    """A jugfile to execute, and how.  It pickles, for workers that are started anew."""

    def __init__(
        self,
        jugfile: str,
        arguments: list[str],
        jugdir: str,
        store_options: Mapping[str, Any] | None = None,
    ) -> None:
        self.jugfile = jugfile
        self.arguments = arguments
        self.jugdir = jugdir
        self.read_settings: Callable[[], Settings] = Settings
        """Called in each worker after it has read the jugfile, which may set options itself."""
        self.store_options = store_options or {}
        self.folder = os.getcwd()
        """Where the command began: relative paths are paths in it."""

    def open_store(self) -> BaseStore:
        """Return the store, opened anew, wherever the jugfile has left this process."""
        with standing_in(self.folder):
            return self._open_store_here()

    def _open_store_here(self) -> BaseStore:
        return open_store(self.jugdir, **self.store_options)

    def load_store(self) -> None:
        """Load the module of the store, which a worker that is forked then has as well."""
        with suppress(JugError):  # which the worker says, unless the jugfile names another store
            load_store(self.jugdir)

    def warn_of_hidden_modules(self) -> None:
        """Warn of files beside the jugfile, which workers that are forked don't do again then."""
        Jugfile(self.jugfile).warn_of_hidden_modules()

    def begin(self, to_run: bool = False) -> tuple[Jugfile, Jugspace]:
        """Read the jugfile for the first time, with the store as the one in use.

        `to_run` says that workers of this process, or forked from it, will run its tasks.
        """
        set_running()
        os.chdir(self.folder)
        jugfile = Jugfile(self.jugfile, self.arguments)
        use_store(self._open_store_here())
        jugspace = explained(jugfile, jugfile.read)
        if to_run:
            note_what_is_shared()
        # The tasks stay to the end.  A collector that looks at them finds nothing, not even
        # the one with which Python ends, and in a forked worker it copies their memory.
        gc.freeze()
        return jugfile, jugspace


def note_what_is_shared() -> None:
    """Note what a forked worker has a copy of, and must see to: open files, random numbers."""
    kinds = kinds_of_generators()
    found = list(objects_of(FILE, *kinds))
    note_files(one for one in found if issubclass(type(one), FILE))
    note_generators(one for one in found if issubclass(type(one), kinds))


def explained(jugfile: Jugfile, read: Callable[[], Jugspace]) -> Jugspace:
    """Read a jugfile; raise `JugfileError` for what it raises itself."""
    try:
        return read()
    except (JugfileError, StoreError, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise jugfile_error(error, jugfile) from None


def jugfile_error(error: BaseException, jugfile: Jugfile) -> JugfileError:
    """Return the error that says that the jugfile raised this, with the user's traceback."""
    if isinstance(error, SystemExit):  # on purpose, as argparse does it: no traceback helps
        return JugfileError(
            f"the jugfile {str(jugfile.path)!r} ended itself by sys.exit({error.code!r}): "
            "its tasks are known only when it is read to its end",
            path=str(jugfile.path),
        )
    notes = (note for note in getattr(error, "__notes__", ()) if not isinstance(note, Advice))
    why = ": ".join([describe_exception(error), *notes])
    return JugfileError(
        f"the jugfile {str(jugfile.path)!r} could not be read: {why}",
        path=str(jugfile.path),
        traceback=own_traceback(error),
    )
