"""The source files of the project, as they were when their modules were loaded.

They are read right after the jugfile was (`remember`), or was read to a barrier, so that a
file which is edited while its functions run is not taken for what made their results.  A file
is read again once its module was loaded again.  What was not read then is read when it is first
needed.

A function may import a module while it runs, and its file was read before: it is read again once
the module is loaded (`notice_imports`), as it may have been edited in between.
"""

from __future__ import annotations

import linecache
import sys
from types import CodeType, ModuleType
from typing import Any

from jug.code.asking import CONTAINERS, is_a
from jug.code.modules import is_project, loaded_since, names_of, place_of
from jug.code.source_file import SourceFile
from jug.code.things import is_callable_kind, things_in

__all__ = [
    "begin",
    "changes",
    "file_of",
    "file_with",
    "held_by",
    "let_go",
    "notice_growth",
    "notice_imports",
    "notice_reloads",
    "remember",
]

_texts: dict[str, str] = {}
_files: dict[str, SourceFile | None] = {}
_loaded: dict[str, tuple[ModuleType, Any]] = {}
"""Each module whose file was read, and by what it was loaded, which is new if it is again."""
_held: dict[str, dict[str, list[Any]]] = {}
"""What was in the containers of each module then."""
_places: dict[str, str] = {}
"""The file of each module that was loaded."""
_awaited: set[str] = set()
"""The modules whose file was read though they were not loaded."""
_grown: dict[str, tuple[int, dict[str, int]]] = {}
"""How many modules there were, and what a module that grows had defined, when that was noted."""
_before = [""]
"""The last module that was loaded before the user's code."""
_changes = [0]


def changes() -> int:
    """Return how often a file was found to be another one than before, or may be one."""
    return _changes[0]


def begin() -> None:
    """Let `remember` leave out the modules that are loaded by now, before the user's code is."""
    _before[0] = next(reversed(sys.modules))


def remember() -> None:
    """Read the source of all modules of the project that are loaded."""
    for name in reversed(loaded_since(_before[0])):
        _note(name)
    _distrust_cells()


def notice_growth(name: str) -> None:
    """Take note of what a module has defined or imported since it was last looked at."""
    known: dict[type, bool] = {}
    defined = {
        key: id(thing)
        for key, thing in names_of(name).items()
        if known.setdefault(type(thing), is_callable_kind(type(thing)))
    }
    if _grown.get(name) == (len(sys.modules), defined):
        return
    _grown[name] = len(sys.modules), defined
    remember()
    if name in _held:
        _held[name] = _functions_held(names_of(name))
    _changes[0] += 1


def notice_reloads() -> None:
    """Read the sources of modules again that were reloaded since they were read."""
    for name in tuple(_places):
        _note(name)
    _distrust_cells()


def _distrust_cells() -> None:
    """Take it that a cell of a notebook was run since, which may have set any name anew."""
    _changes[0] += "__file__" not in names_of("__main__")


def notice_imports() -> bool:
    """Read anew what was read before its module was loaded; return whether any was edited."""
    if not _awaited:
        return False
    before = changes()
    for name in _awaited & sys.modules.keys():
        _awaited.remove(name)
        _note(name)
    return changes() != before


def _note(name: str) -> None:
    """Read the source of a module, unless that was done since it was loaded."""
    module = sys.modules.get(name)
    if module is None:
        return
    known = _loaded.get(name)
    spec = names_of(name).get("__spec__")
    if known is not None and known[0] is module and known[1] is spec:
        return
    _loaded[name] = module, spec
    if is_project(name):
        place = place_of(name)
        if place is not None and place.file:
            _read(place.file)
            _held[name] = _functions_held(names_of(name))
            _changes[0] += _places.setdefault(name, place.file) != place.file
            _places[name] = place.file


def let_go() -> None:
    """Let go of syntax trees, which are large; they are made again if they are needed."""
    _files.clear()


def _functions_held(names: dict[str, Any]) -> dict[str, list[Any]]:
    found = {
        name: [*things_in(held)]
        for name, held in names.items()
        if is_a(held, CONTAINERS) and name != "__builtins__"
    }
    return {name: things for name, things in found.items() if things}


def held_by(module: str, name: str) -> list[Any]:
    """Return the functions and classes in a container when its module was loaded.

    Running tasks may fill it, which says nothing of the code.
    """
    return _held.get(module, {}).get(name, [])


def file_of(module: str) -> SourceFile | None:
    """Return the file of a module; None if it has none, or none that can be read."""
    if module not in _loaded:
        _note(module)
    place = place_of(module)
    if place is None or not place.file:
        return None
    if module not in sys.modules:
        _awaited.add(module)
    return _file(module, place.file)


def file_with(module: str, code: CodeType) -> SourceFile | None:
    """Return the file or the cell of a notebook with some code of a module, if there is one."""
    name = code.co_filename
    found = _file(module, name)
    if found is not None and found.definition_of(code) is None:
        _read(name)  # perhaps it was edited and loaded again since
        found = _file(module, name)
    return found


def _file(module: str, name: str) -> SourceFile | None:
    if name not in _texts:
        _read(name)
    if name not in _files:
        text = _texts[name]
        try:
            _files[name] = SourceFile(module, name, text) if text else None
        except (SyntaxError, ValueError, RecursionError):  # it is being edited
            _files[name] = None
    return _files[name]


def _read(name: str) -> None:
    """Read a file as it is now."""
    linecache.checkcache(name)
    was_known = name in linecache.cache
    text = "".join(linecache.getlines(name))
    if not was_known:  # from another folder a relative name leads elsewhere
        linecache.cache.pop(name, None)
    if _texts.get(name, text) != text:
        _changes[0] += 1
        _files.pop(name, None)
    _texts[name] = text
