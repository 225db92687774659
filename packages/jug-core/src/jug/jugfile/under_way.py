"""A reading of a jugfile that is under way, and what is put back when tasks ran meanwhile.

A worker may run tasks at a barrier, in the midst of a reading.  They are to find all as
they would after it, and the jugfile all as it was: its folder, its `sys.argv`, the list of
tasks.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from types import ModuleType
from typing import Any

from jug.jugfile.rereading import TaskModules
from jug.task import alltasks

_being_read: dict[str, ModuleType] = {}


class UnderWay:
    """The reading of one jugfile, while this context is entered."""

    def __init__(self, path: str, module: ModuleType, modules: TaskModules) -> None:
        self._path = os.path.realpath(path)
        self._module = module
        self._modules = modules
        self._stack = ExitStack()

    def __enter__(self) -> None:
        """Be under way."""
        for context in (self._known(), self._modules, _patient_collector()):
            self._stack.enter_context(context)

    def __exit__(self, *exc: object) -> None:
        """Be so no more."""
        self._stack.close()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Let it stand still meanwhile, and go on where it stood."""
        count, arguments, folder = len(alltasks), sys.argv[:], _folder()
        self.__exit__()
        try:
            yield
        finally:
            self.__enter__()
            del alltasks[count:]  # nobody runs what tasks have made
            sys.argv = arguments
            if folder:
                with suppress(FileNotFoundError):  # as where the jugfile has removed it itself
                    os.chdir(folder)

    @contextmanager
    def _known(self) -> Iterator[None]:
        _being_read[self._path] = self._module
        try:
            yield
        finally:
            del _being_read[self._path]


def names_of_jugfile_being_read(path: str) -> dict[str, Any] | None:
    """Return the names that a jugfile has made so far, None if it is not being read just now."""
    module = _being_read.get(os.path.realpath(path))
    return None if module is None else module.__dict__


def is_any_being_read() -> bool:
    """Return whether a jugfile is being read just now."""
    return bool(_being_read)


def _folder() -> str:
    """Return the working directory, nothing if it is gone."""
    try:
        return os.getcwd()
    except FileNotFoundError:
        return ""


@contextmanager
def _patient_collector() -> Iterator[None]:
    """Let the garbage collector look less often: what a jugfile makes comes to stay."""
    before = gc.get_threshold()
    gc.set_threshold(max(before[0], 200_000), 50, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)
