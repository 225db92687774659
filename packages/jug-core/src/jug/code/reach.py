"""What of the project a function can be seen to reach, by the names that stand in its source.

A name leads to what binds it at the top of its module: a function, a class, or the statements
that make a value.  These have names in their turn.  So everything is told by source, not by what
is in memory: a cache that fills up, a counter, a path that is another one in each folder change
nothing, and all processes come to the same.  Where source says nothing the objects are asked: for
the function that a task calls, which may be a wrapper, for functions in containers, and in a
notebook, whose cells share their names.

What no name leads to is told as unseen: a name that is computed, code without source.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Iterable
from types import FunctionType, ModuleType
from typing import Any, Final

from jug.code.fingerprint import Code, Part, part_of, value_part
from jug.code.modules import is_project, lacks_source, names_of, place_of
from jug.code.scopes import Imported, Name
from jug.code.source_file import Definition, Piece, SourceFile
from jug.code.sources import file_of, file_with
from jug.code.things import innermost, module_of, things_in
from jug.hash.names import module_name

__all__ = ["Reach"]

MOST_PARTS: Final = 2000
"""How many parts are followed at most."""
_CONTAINERS: Final = (list, tuple, dict, set, frozenset)
_SIMPLE: Final = (int, float, complex, str, bytes, bool, type(None))


class _Found:
    """What some names lead to."""

    __slots__ = ("border", "nodes", "unseen")

    def __init__(self) -> None:
        self.nodes: dict[_Node, None] = {}
        self.unseen: dict[str, None] = {}
        self.border: dict[str, None] = {}
        """Packages that are used and not followed."""

    def add(self, other: _Found) -> None:
        self.nodes |= other.nodes
        self.unseen |= other.unseen
        self.border |= other.border


class _Node:
    """A part of the code, and what the names in it lead to, once that was looked for."""

    __slots__ = ("file", "found", "name", "part", "piece", "whole")

    def __init__(self, part: Part, piece: Piece | None, file: SourceFile | None, name: str) -> None:
        self.part = part
        self.piece = piece
        self.file = file
        self.name = name
        """What it is called at the top of its module, empty for what does not stand there."""
        self.found: _Found | None = None
        self.whole: _Found | None = None
        """All that can be reached from it, where that was asked for."""


class Reach:
    """The parts of the code that were met so far, and how they lead to each other."""

    def __init__(self) -> None:
        self._nodes: dict[tuple[str, str], _Node] = {}
        self._names: dict[tuple[str, Name], _Found] = {}

    def code_of(self, function: Any, arguments: Iterable[Any] = ()) -> Code:
        """Return the code behind a function, and behind what it is called with."""
        found, main = _Found(), innermost(function)
        own = self._enter(found, function, main)
        for argument in arguments:
            self._enter(found, argument)
        return self._all_from(own, found)

    def _all_from(self, own: Part | None, start: _Found) -> Code:
        """Return all that can be reached from what was found first."""
        whole = _Found()
        whole.add(start)
        stack = list(start.nodes)
        while stack and len(whole.nodes) <= MOST_PARTS:
            node = stack.pop()
            if node.whole is not None:
                whole.add(node.whole)
                continue
            found = node.found or self._follow(node)
            stack += found.nodes.keys() - whole.nodes.keys()
            whole.add(found)
        if len(whole.nodes) > MOST_PARTS:  # which of them are met first is chance
            whole.nodes = start.nodes
            whole.unseen = {f"more than {MOST_PARTS} functions, classes and values": None}
        elif len(start.nodes) == 1:
            next(iter(start.nodes)).whole = whole
        return Code.of(own, [node.part for node in whole.nodes], whole.unseen, whole.border)

    def _follow(self, node: _Node) -> _Found:
        """Return what the names in a part lead to."""
        found = node.found = _Found()
        if node.piece is None or node.file is None:
            return found
        for reason in node.piece.dump.unseen:
            found.unseen[f"{node.part.name}: {reason}"] = None
        for imported in node.piece.dump.imports:
            self._import(found, node.file.module, imported)
        for name in node.piece.dump.reads:
            found.add(self._name(node.file.module, name))
        if node.part.kind == "value":
            held = names_of(node.file.module).get(node.name)
            if isinstance(held, _CONTAINERS):
                self._enter(found, held)
        return found

    # Where it begins: things in memory

    def _enter(self, found: _Found, thing: Any, main: Any = None) -> Part | None:
        """Take in the functions and classes behind a thing; return the part of the main one."""
        own = None
        for one in things_in(thing):
            if isinstance(one, type):
                part = self._class(found, one)
            else:
                part = self._function(found, one)
            own = part if one is main else own
        return own

    def _function(self, found: _Found, function: FunctionType) -> Part | None:
        module, code = str(function.__globals__.get("__name__", "")), function.__code__
        if not is_project(module) and module in sys.modules and module != "builtins":
            _note_border(found, module)
            return None
        file = file_with(module, code)
        definition = None if file is None else file.definition_of(code)
        if file is None or definition is None:
            _note_without_source(found, module, function.__qualname__)
            return None
        return self._definition(found, file, definition)

    def _class(self, found: _Found, kind: type) -> Part | None:
        file = file_of(module_of(kind))
        definition = None if file is None else file.class_of(kind.__qualname__)
        if file is not None and definition is not None:
            return self._definition(found, file, definition)
        if file is not None and kind.__qualname__ in file.bound:  # made by a call
            found.nodes[self._node(file, kind.__qualname__)] = None
            return None
        methods = [one for one in vars(kind).values() if isinstance(one, FunctionType)]
        if not methods:
            _note_without_source(found, module_of(kind), kind.__qualname__)
        for one in methods:  # in a notebook they say in which cell the class is
            self._function(found, one)
        return None

    def _definition(self, found: _Found, file: SourceFile, definition: Definition) -> Part:
        """Take in a function or class; where it stands in another one, that has all its names."""
        piece, top = file.piece_of(definition), definition.top
        part = part_of(piece)
        if top:
            found.nodes[self._node(file, top)] = None
        if top != definition.qualname:
            inner = _Node(part, None if top else piece, file, "")
            found.nodes[inner] = None
        return part

    def _node(self, file: SourceFile, name: str) -> _Node:
        """Return what stands for a name at the top of a file."""
        key = file.name, name
        node = self._nodes.get(key)
        if node is None or node.file is not file:
            piece = file.piece(name)
            node = self._nodes[key] = _Node(part_of(piece), piece, file, name)
        return node

    # Names

    def _name(self, module: str, name: Name) -> _Found:
        """Return what a name that is read in a module leads to."""
        found = self._names.get((module, name))
        if found is None:
            found = self._names[module, name] = _Found()  # a circle of imports ends here
            self._look_for(found, module, name)
        return found

    def _look_for(self, found: _Found, module: str, name: Name) -> None:
        file = file_of(module)
        if file is not None and name[0] in file.bound:
            self._bound(found, file, name)
        elif file is None or not self._starred(found, file, name):
            if not self._submodule(found, module, name):
                self._by_object(found, module, name)

    def _bound(self, found: _Found, file: SourceFile, name: Name) -> None:
        nodes = file.bound[name[0]]
        imports = [one for node in nodes for one in file.imported_by(node)]
        for imported in imports:
            rest = imported.rest + name[1:]
            self._import(found, file.module, imported._replace(rest=rest))
        if len(imports) == len(nodes):
            return
        if file.is_as_imported:
            found.nodes[self._node(file, name[0])] = None
        else:
            _note_without_source(found, file.module, name[0])

    def _starred(self, found: _Found, file: SourceFile, name: Name) -> bool:
        """Follow a name that comes by an import of everything, if it does."""
        for node in file.starred:
            module = _absolute(file.module, Imported(node.level, node.module or "", ()))
            if _offers(module, name[0], {file.module}):
                self._in_module(found, module, name)
                return True
        return False

    def _submodule(self, found: _Found, module: str, name: Name) -> bool:
        inner, place = f"{module}.{name[0]}", place_of(module)
        if place is None or not place.is_package or place_of(inner) is None:
            return False
        self._in_module(found, inner, name[1:])
        return True

    def _import(self, found: _Found, importer: str, imported: Imported) -> None:
        self._in_module(found, _absolute(importer, imported), imported.rest)

    def _in_module(self, found: _Found, module: str, rest: Name) -> None:
        if not is_project(module):
            _note_border(found, module)
        elif rest:
            found.add(self._name(module, rest))

    # Where source says nothing

    def _by_object(self, found: _Found, module: str, name: Name) -> None:
        """Follow what a name holds that no source binds: in a notebook, or what was set since."""
        names, head = names_of(module), name[0]
        if _is_pythons(head) and (head not in names or _is_dunder(head)):
            return
        held = names.get(head)
        whole = f"{module_name(module)}.{head}"
        if head not in names:
            found.unseen[f"{whole}: it is not there yet"] = None
        elif isinstance(held, ModuleType):
            self._in_module(found, held.__name__, name[1:])
        elif type(held) not in _SIMPLE:
            self._enter(found, held)
        elif file_of(module) is None:
            found.nodes[_Node(value_part(whole, held), None, None, "")] = None
        else:
            found.unseen[f"{whole}: it is set while the program runs"] = None


def _offers(module: str, name: str, seen: set[str]) -> bool:
    """Return whether an import of everything in a module brings a name, also from another one."""
    if module in seen:
        return False
    seen.add(module)
    file = file_of(module) if is_project(module) else None
    if file is None:
        return name in names_of(module)
    return name in file.bound or any(
        _offers(_absolute(module, Imported(node.level, node.module or "", ())), name, seen)
        for node in file.starred
    )


def _note_border(found: _Found, module: str) -> None:
    top = module.partition(".")[0]
    if top not in sys.stdlib_module_names and top not in ("", "jug"):
        found.border[top] = None
    if lacks_source(module):
        _note_without_source(found, module)


def _note_without_source(found: _Found, module: str, name: str = "") -> None:
    whole = f"{module_name(module)}.{name}".rstrip(".")
    found.unseen[f"{whole}: its source is not there, or was changed since it was read"] = None


def _is_pythons(name: str) -> bool:
    return hasattr(builtins, name) or _is_dunder(name)


def _is_dunder(name: str) -> bool:
    """Return whether a name is one that Python gives, such as that of the file."""
    return name.startswith("__") and name.endswith("__")


def _absolute(importer: str, imported: Imported) -> str:
    """Return the full name of a module that is imported."""
    if not imported.level:
        return imported.module
    place = place_of(importer)
    up = imported.level - (place is not None and place.is_package)
    parts = importer.split(".")
    return ".".join([*parts[: len(parts) - up], *filter(None, [imported.module])])
