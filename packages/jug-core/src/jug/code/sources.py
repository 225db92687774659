"""The source files of the project, as they were when the jugfile was read.

They are read right after the jugfile was (`remember`), so that a file which is edited while its
functions run is not taken for what made their results.  What was not read then is read when it
is first needed.
"""

from __future__ import annotations

import linecache
import os
import sys
from types import CodeType

from jug.code.modules import is_project, place_of
from jug.code.source_file import SourceFile

__all__ = ["file_of", "file_with", "remember"]

_State = tuple[int, int] | None
"""When a file was changed last, and how long it is; None for what is no file."""

_texts: dict[str, tuple[_State, str]] = {}
_files: dict[str, tuple[_State, SourceFile | None]] = {}


def remember() -> None:
    """Read the source of all modules of the project that are loaded, if it is not known."""
    for module in tuple(sys.modules):
        if is_project(module):
            place = place_of(module)
            if place is not None and place.file:
                _read(place.file)


def file_of(module: str) -> SourceFile | None:
    """Return the file of a module; None if it has none, or none that can be read."""
    place = place_of(module)
    return None if place is None or not place.file else _file(module, place.file)


def file_with(module: str, code: CodeType) -> SourceFile | None:
    """Return the file or the cell of a notebook with some code of a module, if there is one."""
    name = code.co_filename
    found = _file(module, name)
    if found is not None and found.definition_of(code) is None and _state(name) != _texts[name][0]:
        _read(name)  # it was edited and imported anew since it was read
        found = _file(module, name)
    return found


def _file(module: str, name: str) -> SourceFile | None:
    state, text = _texts[name] if name in _texts else _read(name)
    known = _files.get(name)
    if known is None or known[0] != state or (known[1] and known[1].text != text):
        try:
            file = SourceFile(module, name, text) if text else None
        except (SyntaxError, ValueError, RecursionError):  # it is being edited
            file = None
        known = _files[name] = state, file
    return known[1]


def _read(name: str) -> tuple[_State, str]:
    """Read a file, unless it is as it was when it was read last."""
    state = _state(name)
    known = _texts.get(name)
    if known is None or known[0] != state or state is None:
        linecache.checkcache(name)
        known = _texts[name] = state, "".join(linecache.getlines(name))
    return known


def _state(name: str) -> _State:
    try:
        found = os.stat(name)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
