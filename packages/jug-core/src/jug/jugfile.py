"""Reading a jugfile, and the tasks and names that it gives.

A jugfile is run as the module that its file's name says, whether `jug execute`
reads it or `jug.init` or an import, so that its functions, and with them its
tasks, have the same names everywhere.  Its own folder and the working directory
are both searched for what it imports.
"""

from __future__ import annotations

import gc
import logging
import os
import re
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from jug._rereading import TaskModules
from jug._task import Task, alltasks
from jug.attempt import own_traceback
from jug.backends.base import BaseStore
from jug.backends.current import current_store, use_store
from jug.backends.registry import open_store
from jug.errors import BarrierError, JugfileError, OptionError

__all__ = ["Jugfile", "Jugspace", "init", "is_jug_running", "jugdir_of", "set_jugdir"]

log = logging.getLogger("jug.jugfile")

DEFAULT_JUGFILE: Final = "jugfile.py"
DEFAULT_JUGDIR: Final = "%(jugfile)s.jugdata"

_PLACEHOLDER: Final = re.compile(r"(%\(jugfile\)s|%\(date\)s|%%)")
_HAS_BARRIER: Final = "__jug_hasbarrier__"
_being_read: dict[Path, ModuleType] = {}
_running = False


@dataclass
class Jugspace:
    """What one reading of a jugfile gave."""

    store: BaseStore
    tasks: list[Task[Any]]
    """All tasks, each after those that it was made from."""
    names: dict[str, Any] = field(default_factory=dict)
    """The jugfile's own names."""
    awaited: list[Task[Any]] = field(default_factory=list)
    """What the barrier at which the reading stopped waits for; empty if there was none."""


class Jugfile:
    """A jugfile that can be read, and read again after a barrier.

    `arguments` are what it finds in `sys.argv` behind its own name.
    """

    def __init__(self, path: str | os.PathLike[str], arguments: Sequence[str] = ()) -> None:
        self.path = _find(path)
        self.arguments = list(arguments)
        self._modules = TaskModules()

    @property
    def name(self) -> str:
        """The name of the module that it is run as."""
        return self.path.stem

    def read(self) -> Jugspace:
        """Run the jugfile to its end or to the first barrier that is not open.

        Tasks use the store that is current then; one that the jugfile sets itself
        is current from there on.  What the jugfile raises comes through.
        """
        sys.argv = [str(self.path), *self.arguments]
        self._modules.forget()
        module = self._new_module()
        awaited: list[Task[Any]] = []
        with _reading(self.path, module), self._modules, _patient_collector():
            try:
                exec(self._compile(), module.__dict__)
            except BarrierError as error:
                awaited = getattr(error, "awaited", []) or list(alltasks)
                module.__dict__[_HAS_BARRIER] = True
        return Jugspace(current_store(), list(alltasks), module.__dict__, awaited)

    def read_again(self) -> Jugspace:
        """Forget all tasks made so far and read it anew."""
        alltasks.clear()
        return self.read()

    def _new_module(self) -> ModuleType:
        there = sys.modules.get(self.name)
        if there is not None and not _is_from(there, self.path):
            raise JugfileError(
                f"the jugfile {str(self.path)!r} can't have the name of {self.name!r}, "
                "a module that is in use: rename it",
                path=str(self.path),
            )
        for folder in (os.getcwd(), str(self.path.parent.resolve())):
            if folder not in sys.path:
                sys.path.insert(0, folder)
        module = ModuleType(self.name)
        module.__file__ = str(self.path)
        sys.modules[self.name] = module
        return module

    def _compile(self) -> Any:
        try:
            return compile(self.path.read_bytes(), str(self.path), "exec", dont_inherit=True)
        except (OSError, ValueError) as error:
            raise JugfileError(
                f"the jugfile {str(self.path)!r} can't be read: {error}", path=str(self.path)
            ) from None


def _find(path: str | os.PathLike[str]) -> Path:
    given = Path(path)
    for candidate in (given, given.parent / f"{given.name}.py"):
        if candidate.is_file():
            return candidate
    raise JugfileError(
        f"there is no jugfile {str(given)!r}"
        + (" (it is a folder)" if given.is_dir() else f" in {os.getcwd()!r}")
        + ": name one on the command line, or call it jugfile.py",
        path=str(given),
    )


def _is_from(module: ModuleType, path: Path) -> bool:
    file = getattr(module, "__file__", None)
    return file is not None and Path(file).resolve() == path.resolve()


@contextmanager
def _reading(path: Path, module: ModuleType) -> Iterator[None]:
    key = path.resolve()
    _being_read[key] = module
    try:
        yield
    finally:
        del _being_read[key]


@contextmanager
def _patient_collector() -> Iterator[None]:
    """Have the garbage collector look less often: what a jugfile makes comes to stay."""
    before = gc.get_threshold()
    gc.set_threshold(max(before[0], 200_000), 50, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def jugdir_of(jugfile: str | os.PathLike[str], pattern: str = DEFAULT_JUGDIR) -> str:
    """Return the jugdir that a pattern means for a jugfile.

    `%(jugfile)s` stands for the jugfile's path without .py, `%(date)s` for today's date.

    >>> jugdir_of("work/primes.py")
    'work/primes.jugdata'
    >>> jugdir_of("primes.py", "/scratch/%(jugfile)s")
    '/scratch/primes'
    """
    fillings = {
        "%(jugfile)s": os.fspath(jugfile).removesuffix(".py"),
        "%(date)s": time.strftime("%Y-%m-%d"),
        "%%": "%",
    }
    pieces = _PLACEHOLDER.split(pattern)
    is_url = "://" in pattern  # it has a use of its own for %, and may hold a secret
    if not is_url and any("%" in piece for piece in pieces[::2]):
        raise OptionError(
            f"jugdir {pattern!r} can't be filled in: only %(jugfile)s and %(date)s may stand "
            "there, and a plain % is written %%",
            jugdir=pattern,
        )
    return "".join(fillings.get(piece, piece) for piece in pieces)


def set_jugdir(jugdir: str | os.PathLike[str] | BaseStore) -> BaseStore:
    """Use this store from now on, and return it: a folder, a URL or a store object.

    >>> set_jugdir("dict_store")
    <DictStore dict_store>
    """
    store = open_store(jugdir)
    use_store(store)
    return store


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
    path = _find(DEFAULT_JUGFILE if jugfile is None else jugfile)
    module = _being_read.get(path.resolve())
    if module is not None:
        return current_store(), module.__dict__
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
        task._store = task._store or jugspace.store
    if _being_read and outer is not None:
        use_store(outer)
    return jugspace.store, jugspace.names


def is_jug_running() -> bool:
    """Return whether a `jug` command is running this program.

    >>> is_jug_running()
    False
    """
    return _running


def say_that_jug_runs(runs: bool = True) -> None:
    """Have `is_jug_running` return this from now on in this process."""
    global _running
    _running = runs
