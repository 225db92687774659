"""Reading a jugfile, and what it gives.

A jugfile is run as the module that its file's name says, whether `jug execute`
reads it or `jug.init` or an import, so that its functions, and with them its
tasks, have the same names everywhere.  Its own folder and the working directory
are both searched for what it imports.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any, Final

from jug.backends.base import BaseStore
from jug.barrier.passage import Passage
from jug.errors import BarrierError, JugfileError
from jug.jugfile.hidden_modules import warn_of_hidden_modules
from jug.jugfile.rereading import TaskModules
from jug.jugfile.under_way import UnderWay
from jug.session import current_store, is_store_chosen
from jug.task import Task, alltasks
from jug.task.misuse import note_task_used_as_value

_HAS_BARRIER: Final = "__jug_hasbarrier__"


class Jugspace:
    """What one reading of a jugfile gave."""

    def __init__(
        self,
        store: BaseStore,
        tasks: list[Task[Any]],
        names: dict[str, Any] | None = None,
        barrier_tasks: Sequence[Task[Any]] = (),
    ) -> None:
        self.store = store
        self.tasks = tasks
        """All tasks, each after those that it was made from."""
        self.names: dict[str, Any] = {} if names is None else names
        """The jugfile's own names."""
        self.barrier_tasks = barrier_tasks
        """What the barrier at which the reading stopped waits for; empty if there was none."""


AtBarrier = Callable[[Jugspace], bool]
"""Works on what was read so far, until a barrier is open; returns whether to read on."""


class Jugfile:
    """A jugfile that can be read, and read again after a barrier.

    `arguments` are what it finds in `sys.argv` behind its own name; if they are None,
    `sys.argv` is left as it is.
    """

    def __init__(self, path: str | os.PathLike[str], arguments: Sequence[str] | None = ()) -> None:
        self.path = find_jugfile(path)
        self.arguments = arguments
        self._folder = os.getcwd()
        self._modules = TaskModules()

    @property
    def name(self) -> str:
        """The name of the module that it is run as."""
        return module_name(self.path)

    def read(self, at_barrier: AtBarrier | None = None) -> Jugspace:
        """Run the jugfile to its end or to the first barrier that is not open.

        Tasks use the store that is current then; one that the jugfile sets itself
        is current from there on.  What the jugfile raises comes through.  `at_barrier` is
        called at each barrier that is not open, to open it.
        """
        if self.arguments is not None:
            sys.argv = [self.path, *self.arguments]
        self._modules.forget()
        module = self._new_module()
        under_way = UnderWay(self.path, module, self._modules)
        barrier_tasks: list[Task[Any]] = []

        def work(tasks: list[Task[Any]]) -> bool:
            assert at_barrier is not None
            self._name_to_store()
            made = list(alltasks)
            waited_for = made if tasks is alltasks else tasks
            jugspace = Jugspace(current_store(), made, module.__dict__, waited_for)
            with under_way.paused():
                return at_barrier(jugspace)

        passage = Passage(module.__dict__, work if at_barrier else None)
        with under_way, passage.entered():
            self._name_to_store()
            try:
                exec(self._compile(), module.__dict__)
            except BarrierError as error:
                barrier_tasks = getattr(error, "barrier_tasks", []) or list(alltasks)
                module.__dict__[_HAS_BARRIER] = True
            except Exception as error:
                note_task_used_as_value(error)
                raise
        self._name_to_store()  # perhaps the jugfile has chosen another one
        return Jugspace(current_store(), list(alltasks), module.__dict__, barrier_tasks)

    def read_again(self, at_barrier: AtBarrier | None = None) -> Jugspace:
        """Forget all tasks made so far and read it anew, standing where it was read first."""
        alltasks.clear()
        self._return_to_folder()
        return self.read(at_barrier)

    def warn_of_hidden_modules(self) -> None:
        """Warn, once in this process and those forked from it, of files that hide Python's own."""
        for folder in self._folders_to_search():
            warn_of_hidden_modules(folder)

    def _folders_to_search(self) -> tuple[str, str]:
        return os.getcwd(), os.path.realpath(os.path.dirname(self.path))

    def _return_to_folder(self) -> None:
        try:
            os.chdir(self._folder)
        except OSError as error:
            raise JugfileError(
                f"the jugfile {self.path!r} can't be read again in {self._folder!r}, "
                f"where it was read first: {error.strerror}",
                path=self.path,
            ) from None

    def _name_to_store(self) -> None:
        if is_store_chosen():
            store = current_store()
            store.jugfile, store.arguments = (
                os.path.join(self._folder, self.path),
                self._own_arguments(),
            )

    def _own_arguments(self) -> tuple[str, ...]:
        """Return what it finds in `sys.argv`; at a prompt that is nothing that it was given."""
        if self.arguments is not None:
            return tuple(self.arguments)
        return () if hasattr(sys, "ps1") else tuple(sys.argv[1:])

    def _new_module(self) -> ModuleType:
        there = sys.modules.get(self.name)
        if there is not None and not _is_from(there, self.path):
            raise JugfileError(
                f"the jugfile {self.path!r} can't have the name of {self.name!r}, "
                "a module that is in use: rename it",
                path=self.path,
            )
        for folder in self._folders_to_search():
            if folder not in sys.path:
                warn_of_hidden_modules(folder)
                sys.path.insert(0, folder)
        module = ModuleType(self.name)
        module.__file__ = self.path
        sys.modules[self.name] = module
        return module

    def _compile(self) -> Any:
        try:
            with open(self.path, "rb") as file:
                return compile(file.read(), self.path, "exec", dont_inherit=True)
        except (OSError, ValueError) as error:
            raise JugfileError(
                f"the jugfile {self.path!r} can't be read: {error}", path=self.path
            ) from None


def find_jugfile(path: str | os.PathLike[str]) -> str:
    """Return the path of a jugfile, without parts that say nothing.

    >>> find_jugfile(f"/.{__file__}") == find_jugfile(__file__.removesuffix(".py")) == __file__
    True
    """
    given = _without_dots(os.fspath(path))
    for candidate in (given, f"{given}.py"):
        if os.path.isfile(candidate):
            return candidate
    raise JugfileError(
        f"there is no jugfile {given!r}{_why_not(given)}: {_other_name(given)}", path=given
    )


def _without_dots(path: str) -> str:
    """Return a path without the parts that say nothing; ``..`` may lead elsewhere by a link."""
    parts = (part for part in path.split(os.sep) if part not in ("", os.curdir))
    return os.path.join(os.sep if os.path.isabs(path) else "", *parts) or os.curdir


def module_name(path: str | os.PathLike[str]) -> str:
    """Return the name of the module that a jugfile is run as, which is one in every locale.

    >>> module_name("work/primes.py")
    'primes'
    """
    stem = os.path.splitext(os.path.basename(path))[0]
    return os.fsencode(stem).decode("utf-8", "backslashreplace")


def _why_not(given: str) -> str:
    try:
        os.stat(given)
    except FileNotFoundError:
        return f" in {os.getcwd()!r}"
    except OSError as error:
        return f" ({error.strerror})"
    return " (it is a folder)" if os.path.isdir(given) else " (it is no file)"


def _other_name(given: str) -> str:
    """Return what may be meant instead of a jugfile that is not there."""
    folder, name = os.path.split(given)
    if name == "jugfile.py":
        return "name another one, or call it so"
    from difflib import get_close_matches

    try:
        there = [one for one in os.listdir(folder or os.curdir) if one.endswith(".py")]
    except OSError:
        there = []
    near = get_close_matches(f"{name.removesuffix('.py')}.py", there, n=1, cutoff=0.75)
    return f"is {os.path.join(folder, near[0])!r} meant?" if near else "correct its name or folder"


def _is_from(module: ModuleType, path: str) -> bool:
    file = getattr(module, "__file__", None)
    return file is not None and os.path.realpath(file) == os.path.realpath(path)
