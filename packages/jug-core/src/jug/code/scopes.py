"""Which names a syntax tree reads from its module, and what it imports while it runs.

Each scope notes what it binds and what it reads.  At its end what it has not bound goes to the
scope around it, past classes, whose names their methods don't see; what arrives at the module is
read from there.  A name goes with the attributes that are read right off it: `np.random.rand` is
one.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from enum import Enum, auto

from jug.named_tuple import NamedTuple

__all__ = ["Imported", "Name", "ScopeKind", "Scopes"]

Name = tuple[str, ...]
"""A name, and the attributes that are read off it."""


class Imported(NamedTuple):
    """What a function imports while it runs."""

    level: int
    """How many dots stand before the module's name."""
    module: str
    rest: Name
    """What is read from there."""


class ScopeKind(Enum):
    """What has names of its own."""

    MODULE = auto()
    FUNCTION = auto()
    CLASS = auto()
    COMPREHENSION = auto()


class _Scope:
    """What one part of the code binds and reads."""

    def __init__(self, kind: ScopeKind) -> None:
        self.kind = kind
        self.bound: set[str] = set()
        self.imported: dict[str, Imported] = {}
        self.of_module: set[str] = set()
        self.reads: set[Name] = set()

    def read(self, name: Name) -> None:
        """Note that a name is read, which is a class's own once that has bound it."""
        if self.kind is not ScopeKind.CLASS or name[0] not in self.bound:
            self.reads.add(name)


class Scopes:
    """The scopes in which a place in a syntax tree stands.

    >>> scopes = Scopes()
    >>> scopes.begin(ScopeKind.FUNCTION)
    >>> scopes.bind("x"), scopes.read(("x", "y")), scopes.read(("z",))
    (None, None, None)
    >>> scopes.end()
    >>> scopes.reads
    {('z',)}
    """

    def __init__(self) -> None:
        self._module = _Scope(ScopeKind.MODULE)
        self._stack = [self._module]
        self.imports: set[Imported] = set()
        """What is imported anywhere but at the top."""

    @property
    def reads(self) -> set[Name]:
        """What is read from the module."""
        return self._module.reads

    @property
    def is_in_class(self) -> bool:
        """Whether it is the body of a class."""
        return self._stack[-1].kind is ScopeKind.CLASS

    def read(self, name: Name) -> None:
        """Note that a name is read."""
        self._stack[-1].read(name)

    def has_read(self, name: Name) -> bool:
        """Return whether the scope has read just this name."""
        return name in self._stack[-1].reads

    def forget(self, name: Name) -> None:
        """Take back that a name is read."""
        self._stack[-1].reads.discard(name)

    def bind(self, name: str) -> None:
        """Note that a name is bound."""
        self._stack[-1].bound.add(name)

    def bind_all(self, names: Iterable[str]) -> None:
        """Note that names are bound."""
        self._stack[-1].bound.update(names)

    def bind_outside(self, name: str) -> None:
        """Note that a name is bound as `:=` does it, which a comprehension leaves to others."""
        kinds = reversed(self._stack)
        around = next(scope for scope in kinds if scope.kind is not ScopeKind.COMPREHENSION)
        around.bound.add(name)

    def leave_to_module(self, names: Iterable[str]) -> None:
        """Note that names are those of the module, as `global` says."""
        self._stack[-1].of_module.update(names)

    def import_by(self, node: ast.Import | ast.ImportFrom) -> None:
        """Note what a statement imports, and under which names."""
        for name, imported, whole in _imported_by(node):
            self.bind(name)
            self._stack[-1].imported[name] = imported
            if len(self._stack) > 1:
                self.imports.add(whole)

    def begin(self, kind: ScopeKind) -> None:
        """Enter a scope."""
        self._stack.append(_Scope(kind))

    def end(self) -> None:
        """Leave a scope, whose unbound names are those of the one around it."""
        scope = self._stack.pop()
        around = self._stack[-1]
        if scope.kind is not ScopeKind.COMPREHENSION:
            around = next(one for one in reversed(self._stack) if one.kind is not ScopeKind.CLASS)
        for name in scope.reads:
            imported = scope.imported.get(name[0])
            if name[0] in scope.of_module:
                self._module.reads.add(name)
            elif imported is not None:
                self.imports.add(imported._replace(rest=imported.rest + name[1:]))
            elif scope.kind is ScopeKind.CLASS or name[0] not in scope.bound:
                around.read(name)


def _imported_by(
    node: ast.Import | ast.ImportFrom,
) -> Iterable[tuple[str, Imported, Imported]]:
    """Yield each name that is bound, what it stands for, and what is imported for it."""
    for alias in node.names:
        if isinstance(node, ast.ImportFrom):
            imported = Imported(node.level, node.module or "", (alias.name,))
            yield alias.asname or alias.name, imported, imported
        else:
            top = alias.name.partition(".")[0]
            imported = Imported(0, alias.name if alias.asname else top, ())
            yield alias.asname or top, imported, Imported(0, alias.name, ())
