"""One file of source: what it binds at its top, and which code comes from which place in it.

What is read must be what was imported.  A file may have been edited since, so it is compiled
again, and code counts as this file's only if it is the same: its bytes, names, constants, lines
and columns.  That also tells lambdas apart that stand in one line.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from types import CodeType, FunctionType
from typing import Any, Final

from jug.code.asking import is_a, names_in_class, own_names
from jug.code.dump import Dump, dump, room
from jug.code.modules import names_of
from jug.code.scopes import Imported
from jug.hash.names import module_name
from jug.named_tuple import NamedTuple

__all__ = ["Definition", "Piece", "SourceFile"]


class Definition(NamedTuple):
    """A function or class in a file."""

    node: Any
    qualname: str
    top: str
    """The name at the top of the file in whose definition it stands, or which it is."""


class Piece(NamedTuple):
    """What a name at the top of a file stands for."""

    name: str
    """The module's name, and its own."""
    kind: str
    """What it is: a function, a class or a value."""
    dump: Dump
    source: str
    """Its lines."""


_KINDS: Final = {
    ast.FunctionDef: "function",
    ast.AsyncFunctionDef: "function",
    ast.ClassDef: "class",
}
_DEFINITIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_IMPORTS: Final = (ast.Import, ast.ImportFrom)


class SourceFile:
    """The source of a module, or of a cell of a notebook."""

    def __init__(self, module: str, name: str, text: str) -> None:
        """Read the text of the file of this name; raises SyntaxError if it is not Python."""
        self.module = module
        self.name = name
        self.text = text
        with _as_on_import():
            self._tree = ast.parse(text)
        self._lines = [f"{line}\n" for line in text.split("\n")]
        self.bound: dict[str, list[ast.AST]] = {}
        """The statements, or parts of them, that bind a name at the top."""
        self.starred: list[ast.ImportFrom] = []
        """The imports of everything in another module."""
        _Binders(self.bound, self.starred).statements(self._tree.body)
        self._pieces: dict[str, Piece] = {}

    # Where code comes from

    def definition_of(self, code: CodeType) -> Definition | None:
        """Return what was compiled to this code, None if that is not in this text."""
        place = code.co_firstlineno, code.co_name
        if not any(_is_same(code, one) for one in self._codes.get(place, ())):
            return None
        if code.co_name == "<lambda>":
            return self._lambda_of(code)
        return self._definitions.get(place)

    def class_of(self, qualname: str) -> Definition | None:
        """Return the class of a qualified name."""
        found = [one for one in self._definitions.values() if one.qualname == qualname]
        return found[-1] if found else None

    @cached_property
    def is_as_imported(self) -> bool:
        """Whether no function of the module was compiled from another text."""
        held = tuple(names_of(self.module).values())
        return all(self._is_here(code) for thing in held for code in self._made(thing))

    def _is_here(self, code: CodeType) -> bool:
        return any(
            _is_same(code, one) for one in self._codes.get((code.co_firstlineno, code.co_name), ())
        )

    def _made(self, thing: Any) -> Iterator[CodeType]:
        """Yield the code of functions of this file that a thing is, wraps or has as methods."""
        while not is_a(thing, (FunctionType, type)):
            thing = own_names(thing).get("__wrapped__")
            if thing is None:
                return
        inner = names_in_class(thing).values() if is_a(thing, type) else [thing]
        for one in inner:
            if is_a(one, FunctionType) and one.__code__.co_filename == self.name:
                yield one.__code__

    @cached_property
    def _codes(self) -> dict[tuple[int, str], list[CodeType]]:
        """All code in this text, by line and name."""
        found: dict[tuple[int, str], list[CodeType]] = {}
        with _as_on_import():
            stack = [compile(self.text, self.name, "exec", dont_inherit=True)]
        while stack:
            code = stack.pop()
            found.setdefault((code.co_firstlineno, code.co_name), []).append(code)
            stack += [one for one in code.co_consts if isinstance(one, CodeType)]
        return found

    @cached_property
    def _definitions(self) -> dict[tuple[int, str], Definition]:
        """All functions and classes, by their first line and name."""
        found: dict[tuple[int, str], Definition] = {}
        stack: list[tuple[list[Any], str, str]] = [(self._tree.body, "", "")]
        while stack:
            nodes, before, top = stack.pop()
            for node in nodes:
                if isinstance(node, _DEFINITIONS):
                    name = before + node.name
                    found[_first_line(node), node.name] = Definition(node, name, top or node.name)
                    inside = "." if isinstance(node, ast.ClassDef) else ".<locals>."
                    stack.append((node.body, name + inside, top or node.name))
                else:
                    stack += [(part, before, top) for part in _blocks(node)]
        return found

    def _lambda_of(self, code: CodeType) -> Definition | None:
        line = code.co_firstlineno
        found = [node for node in self._lambdas if node.lineno == line]
        if len(found) > 1:
            from jug.hash.lambdas import enclosing, positions

            found = enclosing(found, list(positions(code)))
        if not found:
            return None
        around = [
            one
            for one in self._definitions.values()
            if _first_line(one.node) <= line <= one.node.end_lineno
        ]
        inner = max(around, key=lambda one: one.node.lineno, default=None)
        name = f"{inner.qualname}.<locals>." if inner else ""
        return Definition(found[0], f"{name}<lambda>", inner.top if inner else "")

    @cached_property
    def _lambdas(self) -> list[ast.Lambda]:
        return [node for node in ast.walk(self._tree) if isinstance(node, ast.Lambda)]

    # What is in it

    def piece(self, name: str) -> Piece:
        """Return what a name at the top stands for, apart from imports."""
        if name not in self._pieces:
            nodes = [node for node in self.bound[name] if not isinstance(node, _IMPORTS)]
            self._pieces[name] = self._piece_of(name, nodes)
        return self._pieces[name]

    def may_be_filled(self, name: str) -> bool:
        """Return whether a name is bound to what is empty at first, or is made by a call."""
        values = [getattr(node, "value", None) for node in self.bound[name]]
        return any(
            isinstance(value, ast.Call)
            or (isinstance(value, (ast.List, ast.Dict)) and not [*ast.iter_child_nodes(value)])
            for value in values
        )

    def is_replaced(self, name: str, code: CodeType) -> bool:
        """Return whether code that a name has now is of another file, and no decorator's."""
        decorators = [getattr(node, "decorator_list", None) for node in self.bound[name]]
        return code.co_filename != self.name and all(one == [] for one in decorators)

    def piece_of(self, definition: Definition) -> Piece:
        """Return a function or class alone."""
        name = definition.qualname
        if self.bound.get(name) == [definition.node]:
            return self.piece(name)
        return self._piece_of(name, [definition.node])

    def _piece_of(self, name: str, nodes: list[Any]) -> Piece:
        kind = _KINDS.get(type(nodes[-1]), "value") if nodes else ""
        if nodes and isinstance(nodes[-1], ast.Lambda):
            kind = "function"
        source = "".join(map(self._source_of, nodes))
        whole = f"{module_name(self.module)}.{name}"
        return Piece(whole, kind, dump(nodes, self._is_jugs), source)

    def _source_of(self, node: Any) -> str:
        return "".join(self._lines[_first_line(node) - 1 : node.end_lineno])

    @staticmethod
    def imported_by(node: Any) -> Iterator[Imported]:
        """Yield what a statement at the top imports, if it does."""
        for alias in getattr(node, "names", ()) if isinstance(node, _IMPORTS) else ():
            if isinstance(node, ast.ImportFrom):
                yield Imported(node.level, node.module or "", (alias.name,))
            else:
                yield Imported(0, alias.name if alias.asname else alias.name.partition(".")[0], ())

    def _is_jugs(self, decorator: ast.expr) -> bool:
        """Return whether a decorator is one of jug's, whose options change no result."""
        node: Any = decorator.func if isinstance(decorator, ast.Call) else decorator
        while isinstance(node, ast.Attribute):
            node = node.value
        bound = self.bound.get(getattr(node, "id", ""), ())
        return any(_top_import(one) == "jug" for one in bound)


@contextmanager
def _as_on_import() -> Iterator[None]:
    """Read source that Python has read before: it is no deeper then, and warnings were told."""
    with room(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _top_import(node: ast.AST) -> str:
    """Return the package that an import begins with."""
    if isinstance(node, ast.ImportFrom) and not node.level:
        return (node.module or "").partition(".")[0]
    return node.names[0].name.partition(".")[0] if isinstance(node, ast.Import) else ""


def _is_same(code: CodeType, other: CodeType) -> bool:
    return code == other and code.co_linetable == other.co_linetable


def _first_line(node: Any) -> int:
    """Return the line of the first decorator, which Python gives as that of the code."""
    lines: list[int] = [node.lineno, *(one.lineno for one in getattr(node, "decorator_list", ()))]
    return min(lines)


def _blocks(node: ast.AST) -> Iterator[list[Any]]:
    """Yield the statements inside a statement."""
    for name in ("body", "orelse", "finalbody", "handlers", "cases"):
        inner = getattr(node, name, None)
        if isinstance(inner, list):
            yield inner


class _Binders:
    """Finds which statements bind the names at the top of a module, or change what they hold."""

    def __init__(self, bound: dict[str, list[ast.AST]], starred: list[ast.ImportFrom]) -> None:
        self._bound = bound
        self._starred = starred

    def statements(self, nodes: list[Any], around: tuple[ast.AST, ...] = ()) -> None:
        """Note what some statements bind, which stand behind these conditions."""
        for node in nodes:
            if isinstance(node, (ast.For, ast.AsyncFor, ast.While)):
                self._note_changes(node, around)
            elif isinstance(node, _DEFINITIONS):
                self._note([node.name], node, around)
                self._note_registering(node)
            elif isinstance(node, _IMPORTS):
                self._imports(node)
            elif isinstance(node, (ast.If, ast.Match, ast.With, ast.AsyncWith)):
                self._compound(node, around)
            elif any(True for _ in _blocks(node)):
                for block in _blocks(node):
                    self.statements(block, around)
            else:
                self._note_changes(node, around)

    def _compound(self, node: Any, around: tuple[ast.AST, ...]) -> None:
        if isinstance(node, ast.If) and _is_main(node.test):
            return self.statements(node.orelse, around)
        heads = [getattr(node, name, None) for name in ("test", "subject")]
        heads += [item.context_expr for item in getattr(node, "items", ())]
        around = (*around, *(head for head in heads if head is not None))
        for item in getattr(node, "items", ()):
            if item.optional_vars is not None:
                self._note(_names_bound(item.optional_vars), item.context_expr, around[:-1])
        for block in _blocks(node):
            self.statements(block, around)

    def _imports(self, node: Any) -> None:
        for alias in node.names:
            if alias.name == "*":
                self._starred.append(node)
                continue
            name = alias.asname or (
                alias.name.partition(".")[0] if isinstance(node, ast.Import) else alias.name
            )
            one = type(node)(**{**dict(ast.iter_fields(node)), "names": [alias]})
            self._bound.setdefault(name, []).append(one)

    def _note(self, names: Iterable[str], node: ast.AST, around: tuple[ast.AST, ...]) -> None:
        for name in names:
            nodes = self._bound.setdefault(name, [])
            nodes += [one for one in (*around, node) if one not in nodes]

    def _note_changes(self, node: ast.AST, around: tuple[ast.AST, ...]) -> None:
        """Note what a statement binds, and what it changes that is not of another module."""
        self._note(_names_bound(node), node, around)
        self._note(filter(self._is_made_here, _names_changed(node)), node, around)

    def _note_registering(self, node: Any) -> None:
        """Note what is decorated by a method of something, as `@area.register` does."""
        for decorator in node.decorator_list:
            method = decorator.func if isinstance(decorator, ast.Call) else decorator
            if isinstance(method, ast.Attribute):
                self._note(filter(self._is_made_here, _root(method)), node, ())

    def _is_made_here(self, name: str) -> bool:
        """Return whether a name is bound by now, and to nothing of another module."""
        bound = self._bound.get(name, ())
        return bool(bound) and not any(isinstance(one, _IMPORTS) for one in bound)


def _is_main(test: ast.expr) -> bool:
    """Return whether a condition asks whether the module is the program."""
    return isinstance(test, ast.Compare) and getattr(test.left, "id", "") == "__name__"


def _names_bound(node: ast.AST) -> Iterator[str]:
    """Yield the names that a statement binds."""
    for one in _walk_here(node):
        if isinstance(one, ast.Name) and isinstance(one.ctx, (ast.Store, ast.Del)):
            yield one.id
        elif isinstance(one, _DEFINITIONS):
            yield one.name


def _names_changed(node: ast.AST) -> Iterator[str]:
    """Yield the names whose things a statement changes, or has change themselves."""
    for one in _walk_here(node):
        if isinstance(one, (ast.Subscript, ast.Attribute)):
            if isinstance(one.ctx, (ast.Store, ast.Del)):
                yield from _root(one)
        elif isinstance(one, ast.Expr) and isinstance(one.value, ast.Call):
            if isinstance(one.value.func, ast.Attribute):
                yield from _root(one.value.func)


def _root(node: Any) -> Iterator[str]:
    """Yield the name that attributes and items are taken of."""
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    if isinstance(node, ast.Name):
        yield node.id


def _walk_here(node: ast.AST) -> Iterator[ast.AST]:
    """Yield a node and those in it, but not what has a scope of its own."""
    stack = [node]
    while stack:
        one = stack.pop()
        yield one
        if not isinstance(
            one,
            (*_DEFINITIONS, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp),
        ):
            stack.extend(ast.iter_child_nodes(one))
