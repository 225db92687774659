"""The text of a syntax tree, and the names that it reads from its module.

The text says what code does, and nothing of how it is written: neither comments, docstrings,
annotations, line numbers nor formatting enter it.  It is our own, as what `ast.dump` writes
differs between versions of Python; fields that are empty are left out, so that a field which a
later version adds changes nothing.  Statements that do nothing are left out too: `pass`, and
constants that stand alone.  In the body of a class annotations make fields, and stay there.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from jug.code.scopes import Imported, Name, ScopeKind, Scopes
from jug.named_tuple import NamedTuple

__all__ = ["Dump", "dump", "room"]


class Dump(NamedTuple):
    """What a syntax tree says."""

    text: str
    reads: frozenset[Name]
    """Names that are read from the module."""
    imports: frozenset[Imported]
    unseen: tuple[str, ...]
    """What makes that not everything is seen, in a few words each."""


def dump(
    nodes: Sequence[ast.AST], is_left_out: Callable[[ast.expr], bool] = lambda _: False
) -> Dump:
    """Return what syntax trees say, without the decorators that are to be left out.

    >>> told = dump(ast.parse("def f(x: int):  # twice\\n    return x * np.pi").body)
    >>> sorted(told.reads)
    [('np', 'pi')]
    >>> told.text == dump(ast.parse("def f(x): return (x*np.pi)").body).text
    True
    """
    writer = _Writer(is_left_out)
    try:
        with room():
            writer.write_all(nodes)
    except RecursionError:
        return Dump("", frozenset(), frozenset(), ("it is nested too deeply",))
    return writer.told()


@contextmanager
def room() -> Iterator[None]:
    """Let trees be as deep as Python reads them, however deep the stack is by now.

    What can be seen would else depend on where it was asked from.
    """
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _DEEPEST))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


_DEEPEST: Final = 50_000
_NOT_WRITTEN: Final = frozenset(
    {"ctx", "kind", "type_comment", "type_ignores", "annotation", "returns", "type_params"}
)
_BY_NAME: Final = {
    "eval": "calls eval",
    "exec": "calls exec",
    "globals": "calls globals",
    "__import__": "imports by name",
}
_CHOOSING: Final = {"getattr": 1, "import_module": 0}
"""Functions whose argument of this number says what is meant."""


def _fields(kind: type[ast.AST]) -> tuple[str, ...]:
    """Return the fields of a kind of node that are written."""
    found = _known_fields.get(kind)
    if found is None:
        found = _known_fields[kind] = tuple(n for n in kind._fields if n not in _NOT_WRITTEN)
    return found


_known_fields: dict[type[ast.AST], tuple[str, ...]] = {}


class _Writer:
    """Writes syntax trees, and notes the names that they read."""

    def __init__(self, is_left_out: Callable[[ast.expr], bool]) -> None:
        self._is_left_out = is_left_out
        self._out: list[str] = []
        self._scopes = Scopes()
        self._unseen: dict[str, None] = {}

    def told(self) -> Dump:
        """Return what was written."""
        return Dump(
            "".join(self._out),
            frozenset(self._scopes.reads),
            frozenset(self._scopes.imports),
            tuple(self._unseen),
        )

    def write_all(self, nodes: Iterable[ast.AST]) -> None:
        """Write some trees, one after another."""
        for node in nodes:
            self._write(node)

    def _write(self, node: Any) -> None:
        writing = _WRITING.get(type(node))
        if writing is not None:
            writing(self, node)
        elif isinstance(node, ast.AST):
            self._plain(node)
        elif isinstance(node, list):
            self._list(node)
        else:
            self._out.append(ascii(node))

    def _plain(self, node: ast.AST) -> None:
        """Write a node by its fields."""
        out = self._out
        out.append(type(node).__name__)
        out.append("(")
        for name in _fields(type(node)):
            field = getattr(node, name, None)
            if field is None or field == []:
                continue
            out.append(name)
            out.append("=")
            if name in _BODIES:
                self._body(field)
            else:
                self._write(field)
        out.append(")")

    def _list(self, nodes: list[Any]) -> None:
        self._out.append("[")
        for node in nodes:
            self._write(node)
            self._out.append(",")
        self._out.append("]")

    def _body(self, nodes: list[Any]) -> None:
        """Write statements, but for those that do nothing."""
        if isinstance(nodes, list):
            self._list([node for node in nodes if not self._says_nothing(node)])
        else:  # that of a lambda or a conditional expression
            self._write(nodes)

    def _says_nothing(self, node: ast.AST) -> bool:
        """Return whether a statement is a docstring, an annotation alone or the like."""
        if (
            isinstance(node, ast.AnnAssign)
            and isinstance(node.target, ast.Name)
            and node.value is None
            and not self._scopes.is_in_class
        ):
            self._annotated(node)  # which binds the name
            return True
        return isinstance(node, ast.Pass) or (
            isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        )

    # Names

    def _name(self, node: ast.Name) -> None:
        self._out += "Name(", node.id, ")"
        if isinstance(node.ctx, ast.Load):
            self._scopes.read((node.id,))
        else:
            self._scopes.bind(node.id)

    def _attribute(self, node: ast.Attribute) -> None:
        found, inner = [node.attr], node.value
        while type(inner) is ast.Attribute:
            found.append(inner.attr)
            inner = inner.value
        if type(inner) is ast.Name:
            name = (inner.id, *reversed(found))
            self._out += "Name(", ".".join(name), ")"
            self._scopes.read(name if isinstance(node.ctx, ast.Load) else name[:-1])
            if name[:2] == ("sys", "modules"):
                self._unseen["reads sys.modules"] = None
        else:
            self._plain(node)

    def _walrus(self, node: ast.NamedExpr) -> None:
        self._plain(node)
        self._scopes.bind_outside(node.target.id)

    def _global(self, node: ast.Global) -> None:
        self._scopes.leave_to_module(node.names)
        self._plain(node)

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        self._scopes.import_by(node)
        self._plain(node)

    def _binding(self, node: Any) -> None:
        """Write a node that binds the name it has: an exception, or a part of a pattern."""
        name = getattr(node, "name", None) or getattr(node, "rest", None)
        if name is not None:
            self._scopes.bind(name)
        self._plain(node)

    # Functions and classes

    def _function(self, node: Any) -> None:
        self._scopes.bind(node.name)
        self._out += type(node).__name__, "(", node.name
        self._decorators(node)
        self._defaults(node.args)
        self._scopes.begin(ScopeKind.FUNCTION)
        self._arguments(node.args)
        self._body(node.body)
        self._scopes.end()
        self._out.append(")")

    def _lambda(self, node: ast.Lambda) -> None:
        self._out.append("Lambda(")
        self._defaults(node.args)
        self._scopes.begin(ScopeKind.FUNCTION)
        self._arguments(node.args)
        self._write(node.body)
        self._scopes.end()
        self._out.append(")")

    def _decorators(self, node: Any) -> None:
        self._list([one for one in node.decorator_list if not self._is_left_out(one)])

    def _defaults(self, node: ast.arguments) -> None:
        """Write defaults, which are made where the function is made."""
        self._list(node.defaults)
        self._list(node.kw_defaults)

    def _arguments(self, node: ast.arguments) -> None:
        for kind in ("posonlyargs", "args", "vararg", "kwonlyargs", "kwarg"):
            given = getattr(node, kind)
            names = [one.arg for one in (given if isinstance(given, list) else [given]) if one]
            if names:
                self._out.append(f"{kind}={','.join(names)};")
                self._scopes.bind_all(names)

    def _class(self, node: ast.ClassDef) -> None:
        self._scopes.bind(node.name)
        self._out += "ClassDef(", node.name
        self._decorators(node)
        self._list(node.bases)
        self._list(node.keywords)
        self._scopes.begin(ScopeKind.CLASS)
        self._body(node.body)
        self._scopes.end()
        self._out.append(")")

    def _comprehension(self, node: Any) -> None:
        self._note_reads(node.generators[0].iter)  # outside
        self._scopes.begin(ScopeKind.COMPREHENSION)
        self._plain(node)
        self._scopes.end()

    # What is written in several ways

    def _assign(self, node: ast.Assign) -> None:
        """Write an assignment, whose value is read before anything is bound."""
        if self._scopes.is_in_class:
            self._note_reads(node.value)
        self._plain(node)

    def _augmented(self, node: ast.AugAssign) -> None:
        """Write `x += 1`, which reads what it binds."""
        if isinstance(node.target, ast.Name):
            self._scopes.read((node.target.id,))
        self._plain(node)

    def _note_reads(self, node: ast.expr) -> None:
        written = len(self._out)
        self._write(node)
        del self._out[written:]

    def _annotated(self, node: ast.AnnAssign) -> None:
        """Write an assignment with an annotation as one without, but for fields of classes."""
        if self._scopes.is_in_class:
            self._out.append("Field(")
            self._write(node.annotation)
            self._list([node.target, *([node.value] if node.value else [])])
            self._out.append(")")
        elif node.value is None:
            if isinstance(node.target, ast.Name):
                self._scopes.bind(node.target.id)
        else:
            self._out.append("Assign(targets=")
            self._list([node.target])
            self._out.append("value=")
            self._write(node.value)
            self._out.append(")")

    def _delete(self, node: ast.Delete) -> None:
        """Write `del (a, b)` as `del a, b`, as formatters do."""
        self._out.append("Delete(")
        self._list([part for target in node.targets for part in _parts(target)])
        self._out.append(")")

    def _constant(self, node: ast.Constant) -> None:
        value = node.value
        self._out += "Constant(", (hex(value) if type(value) is int else ascii(value)), ")"

    def _joined(self, node: ast.JoinedStr) -> None:
        """Write an f-string, its text in as few pieces as can be."""
        self._out.append("JoinedStr(")
        text = ""
        for part in node.values:
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                text += part.value
                continue
            self._out += ascii(text), ","
            text = ""
            self._write(part)
        self._out += ascii(text), ")"

    def _formatted(self, node: ast.FormattedValue) -> None:
        self._out.append(f"FormattedValue({node.conversion},")
        self._write(node.value)
        if isinstance(node.format_spec, ast.JoinedStr) and node.format_spec.values:
            self._write(node.format_spec)
        self._out.append(")")

    def _call(self, node: ast.Call) -> None:
        self._note_unseen(node)
        named = _read_by_getattr(node) if getattr(node.func, "id", "") == "getattr" else ()
        is_read_whole = self._scopes.has_read(named[:1])
        self._plain(node)
        if named:
            self._scopes.read(named)
            if not is_read_whole:  # of it only the attribute is read
                self._scopes.forget(named[:1])

    def _note_unseen(self, node: ast.Call) -> None:
        """Note a call by which something is found that no name leads to."""
        function = node.func
        name: str = getattr(function, "id", "") or getattr(function, "attr", "")
        if name in _BY_NAME and isinstance(function, ast.Name):
            self._unseen[_BY_NAME[name]] = None
        place = _CHOOSING.get(name)
        if place is None or len(node.args) <= place:
            return
        chosen = node.args[place]
        if not isinstance(chosen, ast.Constant):
            self._unseen[f"calls {name} with a name that is computed"] = None
        elif name == "import_module":
            self._scopes.imports.add(Imported(0, str(chosen.value), ()))


def _read_by_getattr(node: ast.Call) -> Name:
    """Return what a call of `getattr` reads that says so, empty for another call."""
    match node:
        case ast.Call(ast.Name("getattr"), [ast.Name(name), ast.Constant(str(attribute)), *_]):
            return name, attribute
    return ()


def _parts(target: ast.expr) -> Iterable[ast.expr]:
    if isinstance(target, (ast.Tuple, ast.List)):
        for part in target.elts:
            yield from _parts(part)
    else:
        yield target


_BODIES: Final = frozenset({"body", "orelse", "finalbody"})

_WRITING: Final[dict[type, Callable[[Any, Any], None]]] = {
    ast.Name: _Writer._name,
    ast.Attribute: _Writer._attribute,
    ast.Constant: _Writer._constant,
    ast.Call: _Writer._call,
    ast.FunctionDef: _Writer._function,
    ast.AsyncFunctionDef: _Writer._function,
    ast.Lambda: _Writer._lambda,
    ast.ClassDef: _Writer._class,
    ast.ListComp: _Writer._comprehension,
    ast.SetComp: _Writer._comprehension,
    ast.DictComp: _Writer._comprehension,
    ast.GeneratorExp: _Writer._comprehension,
    ast.NamedExpr: _Writer._walrus,
    ast.Global: _Writer._global,
    ast.Import: _Writer._import,
    ast.ImportFrom: _Writer._import,
    ast.ExceptHandler: _Writer._binding,
    ast.MatchAs: _Writer._binding,
    ast.MatchStar: _Writer._binding,
    ast.MatchMapping: _Writer._binding,
    ast.Assign: _Writer._assign,
    ast.AnnAssign: _Writer._annotated,
    ast.AugAssign: _Writer._augmented,
    ast.Delete: _Writer._delete,
    ast.JoinedStr: _Writer._joined,
    ast.FormattedValue: _Writer._formatted,
}
