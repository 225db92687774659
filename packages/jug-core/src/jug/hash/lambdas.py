"""Lambdas by their source, where nothing else distinguishes them.

The syntax tree is used, so that neither spaces nor comments nor line breaks
count.  Several lambdas may begin on one line; the columns that Python keeps for
tracebacks show which of them is meant.
"""

from __future__ import annotations

import ast
import linecache
from collections.abc import Generator, Iterator
from types import CodeType
from typing import Any

from jug.errors import HashError
from jug.hash.framing import sealed, text
from jug.hash.functions import Lambda, stable_module, surroundings

_Place = tuple[int, int]


def by_source(wrapped: Lambda) -> Generator[Any, bytes, bytes]:
    """Encode a lambda by its module, its syntax and its surroundings."""
    f = wrapped.f
    syntax = _plain(_find(f.__code__, f.__globals__))
    return sealed(
        b"L",
        [text(stable_module(f.__module__)), (yield syntax), (yield surroundings(f))],
    )


def _find(code: CodeType, globals_: dict[str, Any]) -> ast.Lambda:
    source = "".join(linecache.getlines(code.co_filename, globals_))
    found = [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Lambda) and node.lineno == code.co_firstlineno
    ]
    if len(found) > 1:
        found = _enclosing(found, list(_positions(code)))
    if not found:
        raise HashError(
            f"the source of the lambda at line {code.co_firstlineno} of {code.co_filename!r} cannot"
            " be read, or told from others in that line: make it a function with def"
        )
    return found[0]


def _positions(code: CodeType) -> Iterator[tuple[_Place, _Place]]:
    """Yield where the source of each instruction begins and ends, if Python kept it."""
    for line, end_line, column, end_column in code.co_positions():
        if line and end_line and end_column:  # what Python adds of itself has no extent
            yield (line, column or 0), (end_line, end_column)


def _enclosing(
    lambdas: list[ast.Lambda], positions: list[tuple[_Place, _Place]]
) -> list[ast.Lambda]:
    """Return the lambdas in whose bodies all positions lie, the smallest first."""
    if not positions:
        return []
    begin, end = min(first for first, _ in positions), max(last for _, last in positions)
    around = [node for node in lambdas if _begin(node) <= begin and end <= _end(node)]
    return sorted(around, key=_begin, reverse=True)


def _begin(node: ast.Lambda) -> _Place:
    return node.body.lineno, node.body.col_offset


def _end(node: ast.Lambda) -> _Place:
    return node.body.end_lineno or 0, node.body.end_col_offset or 0


def _plain(node: Any) -> Any:
    """Return a syntax tree as tuples, without positions and empty fields."""
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if not isinstance(node, ast.AST):
        return node
    fields = {
        name: _plain(field)
        for name, field in ast.iter_fields(node)
        if field is not None and field != [] and name not in ("ctx", "kind")
    }
    return (type(node).__name__, fields)
