"""Where the source of a module is, and which modules are the project's.

Python's own modules and installed packages are the border: nothing is followed into them, as
their versions say what they are (`WorkerRecord.packages`).  A package counts as the project's
though it lies among the installed ones if it was installed from a folder, a file or a
repository and not from an index; one that is installed so that it can be edited lies in its own
folder anyway.

A module that a function imports while it runs may be loaded by now or not, so it is looked for
where an import would find it, and nothing is imported.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from functools import cache
from importlib.machinery import SOURCE_SUFFIXES
from itertools import takewhile
from types import ModuleType
from typing import Any, Final

from jug.code.asking import is_a, own_names
from jug.installed import local_packages
from jug.named_tuple import NamedTuple

__all__ = ["Place", "is_project", "loaded_since", "names_of", "place_of"]

_INSTALLED: Final = ("site-packages", "dist-packages")
_PYTHON: Final = os.path.dirname(os.__file__) + os.sep


class Place(NamedTuple):
    """Where a module is."""

    file: str
    """Its source, empty if it has none."""
    folders: tuple[str, ...] | None
    """Where its submodules are, None if it is no package."""

    @property
    def is_package(self) -> bool:
        """Whether it may have submodules."""
        return self.folders is not None


def is_project(module: str) -> bool:
    """Return whether a module belongs to the project, and not to what it is built on.

    >>> is_project("json.decoder"), is_project("jug"), is_project("no_such_module")
    (False, False, False)
    """
    top = module.partition(".")[0]
    if module == "__main__":  # a script, or the cells of a notebook
        return True
    if top == "jug":
        return False
    place = place_of(module)
    return place is not None and _is_own(place.file or next(iter(place.folders or ()), ""), top)


def lacks_source(module: str) -> bool:
    """Return whether a module that is no project's for want of source is not installed either.

    >>> lacks_source("json.decoder"), lacks_source("jug"), lacks_source("no_such_module")
    (False, False, False)
    """
    top = module.partition(".")[0]
    file = names_of(top).get("__file__")
    if top == "jug" or type(file) is not str:
        return False
    return not file.startswith(_PYTHON) and set(_INSTALLED).isdisjoint(file.split(os.sep))


@cache
def _is_own(path: str, top: str) -> bool:
    if not path:
        return False
    folder = next((one for one in path.split(os.sep) if one in _INSTALLED), None)
    if folder is not None:
        site = path[: path.index(folder) + len(folder)]
        return top in local_packages(site)
    return not path.startswith((_PYTHON, "<frozen"))


def place_of(module: str) -> Place | None:
    """Return where a module is, None if there is no such module.

    >>> place_of("json").is_package
    True
    """
    if module not in sys.modules:
        return _found(module)
    names = names_of(module)
    folders = names.get("__path__")
    return Place(_source(names.get("__file__")), None if folders is None else tuple(folders))


def loaded_since(last: str) -> list[str]:
    """Return the modules that were loaded after this one, the latest first; all if it is gone.

    >>> loaded_since(next(reversed(sys.modules)))
    []
    """
    # In a forked process what is looked at is copied, so nothing else is.
    return list(takewhile(last.__ne__, reversed(sys.modules)))


def names_of(module: str) -> dict[str, Any]:
    """Return what the names of a module hold; nothing if it is not loaded, or is no module.

    >>> names_of("sys")["path"] is sys.path
    True
    """
    loaded = sys.modules.get(module)
    if type(loaded) is ModuleType:
        return loaded.__dict__
    return own_names(loaded) if is_a(loaded, ModuleType) else {}


@cache
def _found(module: str) -> Place | None:
    """Return where an import would find a module that is not loaded."""
    parent = module.rpartition(".")[0]
    path = None
    if parent:
        around = place_of(parent)
        if around is None or around.folders is None:
            return None
        path = list(around.folders)
    for finder in sys.meta_path:
        with suppress(Exception):  # a finder may be anybody's
            spec = finder.find_spec(module, path)
            if spec is not None:
                folders = spec.submodule_search_locations
                origin = spec.origin if spec.has_location else None
                return Place(_source(origin), None if folders is None else tuple(folders))
    return None


def _source(file: object) -> str:
    return file if isinstance(file, str) and file.endswith(tuple(SOURCE_SUFFIXES)) else ""
